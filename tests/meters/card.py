"""pynvml as far as a sampling process asks it: one card whose power is known at every moment.

The environment says which: JOULEMARK_CARD is `constant` (200 W), `ramp` (1 kW more each second), `average` (a card that
has no instant reading), `dark` (one that reports no power) or `lost` (one that falls off the bus after half a second).
"""

import os
import time
from types import SimpleNamespace

NVML_SUCCESS = 0
NVML_FI_DEV_POWER_INSTANT = 186
NVML_DEVICE_MIG_ENABLE = 1
KIND = os.environ.get("JOULEMARK_CARD", "constant")
BEGAN_S = time.perf_counter()


class NVMLError(Exception):
    pass


def nvmlInit():  # noqa: N802 - NVML's own names
    pass


def nvmlDeviceGetHandleByUUID(uuid):  # noqa: N802
    if uuid not in ("GPU-a", "GPU-b"):
        raise NVMLError("Not Found")
    return uuid


def nvmlDeviceGetMigMode(card):  # noqa: N802
    raise NVMLError("Not Supported")


def nvmlDeviceGetFieldValues(card, fields):  # noqa: N802
    assert fields == [NVML_FI_DEV_POWER_INSTANT]
    known = KIND not in ("average", "dark")
    return [SimpleNamespace(nvmlReturn=0 if known else 3, value=SimpleNamespace(uiVal=_milliwatts()))]


def nvmlDeviceGetPowerUsage(card):  # noqa: N802
    if KIND == "dark":
        raise NVMLError("Not Supported")
    return 150_000


def _milliwatts():
    age_s = time.perf_counter() - BEGAN_S
    if KIND == "lost" and age_s > 0.5:
        raise NVMLError("GPU is lost")
    return round(1e6 * age_s) if KIND == "ramp" else 200_000
