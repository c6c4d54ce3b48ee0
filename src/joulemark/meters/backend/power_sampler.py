"""The process that samples the cards' power for `joulemark.meters.trace`: asleep on its pipe, or between two samples.

It ends when the pipe closes, so that nothing outlives a measuring process that was killed.
"""

import importlib
import json
import os
import select
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from joulemark.core import signals
from joulemark.core.errors import UserError
from joulemark.core.machine import Hardware
from joulemark.meters import nvml

START, STOP, STARTED = b"s", b"e", b".\n"


def power(driver: Any, card: Any) -> tuple[str, Callable[[], float]]:
    """Which power the GPU reports, and the function that reads it in W; UserError where it reports none."""

    def instant_w() -> float:
        value = driver.nvmlDeviceGetFieldValues(card, [driver.NVML_FI_DEV_POWER_INSTANT])[0]
        if value.nvmlReturn != driver.NVML_SUCCESS:
            raise driver.NVMLError(value.nvmlReturn)
        return float(value.value.uiVal) / 1000

    def average_w() -> float:
        return float(driver.nvmlDeviceGetPowerUsage(card)) / 1000

    try:
        instant_w()
        return "instant", instant_w
    except (driver.NVMLError, AttributeError):  # an older card, driver or pynvml
        pass
    try:
        average_w()
        return "average", average_w
    except driver.NVMLError as error:
        raise UserError(f"meter=trace: the GPU reports no power ({error}); type meter=codecarbon") from None


def open_gpus(uuids: str, driver: str) -> tuple[Any, str, Callable[[], float]]:
    """The driver, the name of the power and the function that reads it: the sum over the cards, one after the other."""
    first, *others = uuids.split(",")
    hardware = Hardware("trace", "cuda", (), uuid=first, beside=tuple((0, uuid) for uuid in others))
    try:
        module = importlib.import_module(driver)
    except ImportError:
        raise UserError("meter=trace needs the package nvidia-ml-py; type pip install nvidia-ml-py") from None
    sensors, each = zip(*(power(module, card) for card in nvml.find(module, "trace", hardware)), strict=True)
    return module, "average" if "average" in sensors else "instant", lambda: sum(watts() for watts in each)


def sample_until_command(
    watts: Callable[[], float], hz: float, samples: list[tuple[float, float]], command_after: Callable[[float], bytes]
) -> bytes:
    """Appends (time, watts) every 1/hz seconds until a command arrives, with one more sample at the end.

    `command_after` sleeps for the seconds given and returns b"" when none arrived; the command is returned.
    """
    began_s, command = samples[0][0], b""
    while not command:
        now_s = time.perf_counter()
        beat = int((now_s - began_s) * hz) + 1  # a beat that was slept through is left out, not made up for
        command = command_after(began_s + beat / hz - now_s)
        if command in (b"", STOP):
            samples.append(_sample(watts))
    return command


def serve(hz: float, sensor: str, watts: Callable[[], float], failure: type[Exception]) -> None:
    """The sampling process's loop, until its pipe closes."""
    parent = os.getppid()

    def command_after(seconds: float | None) -> bytes:
        ready = select.select([0], [], [], seconds and max(0.0, seconds))[0]
        if ready:
            return os.read(0, 1) or b"closed"
        # a child that the measuring process forked may hold the pipe open after its death
        return b"" if os.getppid() == parent else b"closed"

    _send({"sensor": sensor})
    while command_after(None) == START:
        try:
            samples = [_sample(watts)]
            os.write(1, STARTED)
            if sample_until_command(watts, hz, samples, command_after) != STOP:
                return
            _send({"samples": samples})
        except failure as error:
            _send({"error": str(error)})


def _sample(watts: Callable[[], float]) -> tuple[float, float]:
    value = watts()
    return time.perf_counter(), value


def _send(reply: dict[str, Any]) -> None:
    """One line, whole: a pipe takes long ones in parts."""
    line = json.dumps(reply).encode() + b"\n"
    while line:
        line = line[os.write(1, line) :]


def main() -> None:
    """`python -m joulemark.meters.backend.power_sampler UUID[,UUID…] HZ DRIVER`, started by `meters.trace.Trace`."""
    signals.ignore_stops()  # a cluster signals every process of a job
    uuids, hz, driver = sys.argv[1:]
    with suppress(BrokenPipeError):  # the measuring process is gone: nobody listens
        try:
            module, sensor, watts = open_gpus(uuids, driver)
        except UserError as error:
            return _send({"error": str(error)})
        serve(float(hz), sensor, watts, module.NVMLError)
    return None


if __name__ == "__main__":
    main()
