"""Apple's energy channels, on a module that answers as zeus-apple-silicon's documentation shows."""

import sys
from dataclasses import dataclass, replace
from types import SimpleNamespace

import pytest

from joulemark.core.errors import UserError
from joulemark.meters.apple import Apple
from tests.fakes import CPU, FakeClock, driven


@dataclass
class Driver:
    """zeus_apple_silicon as far as the meter asks it: mW by field, None for what the processor does not tell."""

    clock: FakeClock
    cpu: float | None = 20_000
    gpu: float | None = 9_000
    dram: float | None = 1_500

    def AppleEnergyMonitor(self):  # noqa: N802
        self.windows = {}
        return self

    def begin_window(self, label):
        assert label not in self.windows  # the package raises
        self.windows[label] = self.clock.now()

    def end_window(self, label):
        seconds = self.clock.now() - self.windows.pop(label)
        values = {"cpu_total_mj": self.cpu, "gpu_mj": self.gpu, "dram_mj": self.dram, "ane_mj": 700}
        return SimpleNamespace(**{name: mw if mw is None else round(mw * seconds) for name, mw in values.items()})


def a_meter(**options):
    return driven(Apple, Driver, **options)


def test_millijoules_become_joules_called_estimates_and_the_screens_gpu_is_left_out():
    meter, clock, _ = a_meter()
    meter.open(CPU)
    for seconds in (1.0, 10.0):
        meter.start()
        clock.sleep(seconds)
        reading = meter.stop()
        assert (reading.cpu_j, reading.ram_j) == (pytest.approx(20 * seconds), pytest.approx(1.5 * seconds))
    assert (reading.gpu_j, reading.duration_s) == (None, 10.0)
    assert reading.method == {"cpu": "estimated", "ram": "estimated"}


def test_on_its_gpu_the_gpu_counts():
    meter, clock, _ = a_meter()
    meter.open(replace(CPU, device="mps"))
    meter.start()
    clock.sleep(2.0)
    assert meter.stop().gpu_j == pytest.approx(18.0)


def test_what_the_processor_does_not_tell_is_none():
    meter, clock, _ = a_meter(dram=None)
    meter.open(CPU)
    meter.start()
    clock.sleep(1.0)
    reading = meter.stop()
    assert reading.ram_j is None
    assert "ram" not in reading.method


def test_channels_that_do_not_move_are_refused_and_never_zero_joules():
    for cpu in (None, 0):
        with pytest.raises(UserError, match="type meter=codecarbon"):
            a_meter(cpu=cpu)[0].open(CPU)
    meter, clock, driver = a_meter()
    meter.open(CPU)
    meter.start()
    clock.sleep(1.0)
    driver.cpu = 0
    with pytest.raises(RuntimeError, match="no energy for the CPU"):
        meter.stop()
    with pytest.raises(RuntimeError, match="stop without start"):
        meter.stop()


def test_elsewhere_it_says_what_to_type(monkeypatch):
    monkeypatch.setitem(sys.modules, "zeus_apple_silicon", None)
    with pytest.raises(UserError, match="pip install zeus-apple-silicon, elsewhere meter=codecarbon"):
        Apple().open(CPU)
