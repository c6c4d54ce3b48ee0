"""AMD's accumulator, on a module that answers as amdsmi's documentation shows."""

import sys
from dataclasses import dataclass, replace

import pytest

from joulemark.core.errors import UserError
from joulemark.core.machine import Hardware
from joulemark.meters.amd import Amd
from tests.fakes import CPU, FakeClock, driven

CARD = Hardware("mi300x", "rocm", ("fp32",), uuid="uuid-b")
RESOLUTION_UJ = 15.259  # of an MI300X, as amdsmi tells it
WATTS = 300.0


class AmdSmiException(Exception):  # noqa: N818 - amdsmi's own name
    pass


@dataclass
class Driver:
    """amdsmi as far as the meter asks it."""

    clock: FakeClock
    key: str = "energy_accumulator"
    resolution_uj: float = RESOLUTION_UJ
    counter: bool = True
    frozen: bool = False
    offset_j: float = 1e6
    power: object = WATTS
    AmdSmiException = AmdSmiException

    def amdsmi_init(self):
        pass

    def amdsmi_get_processor_handles(self):
        return ["a", "b"]

    def amdsmi_get_gpu_device_uuid(self, handle):
        return f"uuid-{handle}"

    def amdsmi_get_energy_count(self, handle):
        if not self.counter:
            raise AmdSmiException("AMDSMI_STATUS_NOT_SUPPORTED")
        watts = {"a": 50.0, "b": WATTS}[handle]
        joules = self.offset_j + (0.0 if self.frozen else watts * self.clock.now())
        return {self.key: round(joules * 1e6 / RESOLUTION_UJ), "counter_resolution": self.resolution_uj, "timestamp": 1}

    def amdsmi_get_power_info(self, handle):
        return {"socket_power": self.power, "average_socket_power": "N/A"}


def a_meter(**options):
    return driven(Amd, Driver, **options)


@pytest.mark.parametrize("key", ["energy_accumulator", "power"])
def test_joules_are_ticks_times_their_resolution_of_the_one_card(key):
    meter, clock, _ = a_meter(key=key)
    meter.open(CARD)
    for seconds in (1.0, 10.0):
        meter.start()
        clock.sleep(seconds)
        reading = meter.stop()
        assert reading.gpu_j == pytest.approx(WATTS * seconds, rel=1e-6)
    assert (reading.method, reading.duration_s, reading.cpu_j) == ({"gpu": "counter"}, 10.0, None)


def test_a_counter_that_disagrees_with_the_power_is_not_believed():
    for options in ({"resolution_uj": 1.0}, {"power": "N/A"}, {"frozen": True}):
        with pytest.raises(UserError, match="unreliable"):
            a_meter(**options)[0].open(CARD)


def test_what_is_not_there_says_what_to_type():
    with pytest.raises(UserError, match=r"no energy counter.*meter=codecarbon"):
        a_meter(counter=False)[0].open(CARD)
    with pytest.raises(UserError, match="does not show uuid-x; it shows uuid-a, uuid-b"):
        a_meter()[0].open(replace(CARD, uuid="uuid-x"))
    with pytest.raises(UserError, match="hardware=cpu has none"):
        a_meter()[0].open(CPU)


def test_without_the_package_it_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "amdsmi", None)
    with pytest.raises(UserError, match="pip install /opt/rocm/share/amd_smi"):
        Amd().open(CARD)


def test_a_counter_that_stands_still_or_was_reset_is_an_error_and_never_zero_joules():
    meter, clock, driver = a_meter()
    meter.open(CARD)
    meter.start()
    with pytest.raises(RuntimeError, match="stood still"):
        meter.stop()
    meter.start()
    driver.offset_j = 0.0
    clock.sleep(1.0)
    with pytest.raises(RuntimeError, match="backwards"):
        meter.stop()
    with pytest.raises(RuntimeError, match="stop without start"):
        meter.stop()
