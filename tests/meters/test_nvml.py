"""NVIDIA's counter, on a driver whose every tick is known: 100 ms apart, 200 W."""

from dataclasses import dataclass, field, replace

import pytest

from joulemark.analysis import readings as energy
from joulemark.core.errors import UserError
from joulemark.core.machine import Hardware
from joulemark.core.measurement import Measurement, Window
from joulemark.measure.instruments import Instruments
from joulemark.meters.nvml import Nvml
from tests.fakes import CPU, FakeClock, driven

CARD = Hardware("h100", "cuda", ("fp32",), index=1, uuid="GPU-b", gpu_name="NVIDIA H100")
BOTH = replace(CARD, index=0, uuid="GPU-a", beside=((1, "GPU-b"),))
TICK_S, WATTS = 0.1, 200.0


class NVMLError(Exception):
    pass


@dataclass
class Sample:
    timeStamp: int  # noqa: N815 - NVML's own name
    value: int

    @property
    def sampleValue(self):  # noqa: N802
        return type("Value", (), {"uiVal": self.value})


@dataclass
class Driver:
    """pynvml as far as the meter asks it; the counter only moves at its ticks."""

    clock: FakeClock
    uuids: tuple[str, ...] = ("GPU-a", "GPU-b")
    mig: bool = False
    counter: bool = True
    frozen: bool = False
    reset_at: float = float("inf")
    samples: list[Sample] = field(default_factory=list)
    NVMLError = NVMLError
    NVML_DEVICE_MIG_ENABLE = 1
    NVML_GPU_UTILIZATION_SAMPLES = 1

    def nvmlInit(self):  # noqa: N802
        pass

    def nvmlDeviceGetHandleByUUID(self, uuid):  # noqa: N802
        if uuid not in self.uuids:
            raise NVMLError("Not Found")
        return uuid

    def nvmlDeviceGetMigMode(self, card):  # noqa: N802
        return (int(self.mig), int(self.mig))

    def nvmlDeviceGetIndex(self, card):  # noqa: N802
        return self.uuids.index(card)

    def nvmlDeviceGetTotalEnergyConsumption(self, card):  # noqa: N802
        if not self.counter:
            raise NVMLError("Not Supported")
        self.clock.sleep(0.004)
        ticks = 0 if self.frozen else int(self.clock.now() / TICK_S)
        millijoules = round(ticks * TICK_S * WATTS * 1000)
        return millijoules if self.clock.now() > self.reset_at else millijoules + 10**6

    def nvmlDeviceGetSamples(self, card, kind, since):  # noqa: N802
        if not self.samples:
            raise NVMLError("Not Found")
        return 0, [sample for sample in self.samples if sample.timeStamp > since]


def a_meter(**options):
    return driven(Nvml, Driver, **options)


def test_the_tick_is_found_and_a_window_is_counted_from_tick_to_tick():
    meter, clock, _ = a_meter()
    meter.open(CARD)
    assert meter.tick_s == pytest.approx(TICK_S, abs=0.01)
    meter.start()
    clock.sleep(1.234)
    reading = meter.stop()
    assert reading.gpu_j == pytest.approx(WATTS * round(reading.duration_s, 1))
    assert reading.duration_s >= 1.234
    # without waiting for the ticks the error would be up to a tick's 20 J
    assert abs(reading.gpu_j - WATTS * reading.duration_s) < WATTS * 0.006
    assert (reading.method, reading.cpu_j) == ({"gpu": "counter"}, None)


@dataclass
class Two(Driver):
    """Two cards of different power, whose counters tick at different moments; `lost` is one that stands still."""

    watts: dict[str, float] = field(default_factory=lambda: {"GPU-a": 200.0, "GPU-b": 500.0})
    lost: str = ""

    def nvmlDeviceGetTotalEnergyConsumption(self, card):  # noqa: N802
        self.clock.sleep(0.004)
        ticks = 0 if card == self.lost else int((self.clock.now() + 0.037 * self.uuids.index(card)) / TICK_S)
        return round(ticks * TICK_S * self.watts[card] * 1000)

    def nvmlDeviceGetSamples(self, card, kind, since):  # noqa: N802
        return 0, [Sample(10**18, {"GPU-a": 90, "GPU-b": 10}[card])]


def two(hardware=BOTH, **driver):
    clock = FakeClock()
    made = Two(clock, **driver)
    meter = Nvml(made, clock.now, clock.sleep)
    meter.open(hardware)
    return meter, clock, made


def test_the_joules_of_two_cards_are_the_sum_of_each_ones_own_ticks():
    meter, clock, _ = two()
    meter.start()
    clock.sleep(3.21)
    reading = meter.stop()
    assert set(reading.gpu_j_by_uuid) == {"GPU-a", "GPU-b"}
    assert reading.gpu_j == sum(reading.gpu_j_by_uuid.values())
    for uuid, watts in (("GPU-a", 200.0), ("GPU-b", 500.0)):
        ticks = reading.gpu_j_by_uuid[uuid] / (watts * TICK_S)
        assert ticks == pytest.approx(round(ticks))  # whole ticks of its own counter
        assert 3.21 <= ticks * TICK_S <= 3.21 + 4 * TICK_S  # all of the work, and a wait for each card at either end
    # the duration is the mean stretch: mean watts are the sum's as far as the stretches are alike
    assert reading.gpu_j == pytest.approx(700.0 * reading.duration_s, abs=(500.0 - 200.0) / 2 * TICK_S + 700.0 * 0.006)
    assert reading.gpu_utilization == pytest.approx(0.5)


def test_the_utilization_of_one_card_of_two_is_not_that_of_both():
    meter, clock, made = two()
    made.nvmlDeviceGetSamples = lambda card, kind, since: (0, [Sample(10**18, 90)] if card == "GPU-a" else [])
    meter.start()
    clock.sleep(1.0)
    assert meter.stop().gpu_utilization is None


def test_what_is_longer_than_the_work_is_taken_off_at_the_idle_power_of_both_cards():
    meter, clock, _ = two(watts={"GPU-a": 100.0, "GPU-b": 100.0})
    _, idle = Instruments([meter], clock).metered(lambda: clock.sleep(5.0))
    _, readings = Instruments([meter], clock).metered(lambda: clock.sleep(3.21))
    base = Measurement(idle=idle)
    work = Window(3.21, readings, 1, 1, 1, [3.21])
    assert energy.window_j(base, work, "gpu") == pytest.approx(200.0 * 3.21, abs=200.0 * 0.012)
    assert readings[0].within_s <= readings[0].duration_s <= readings[0].around_s


def test_of_one_card_there_are_no_parts():
    meter, clock, _ = two(CARD)
    meter.start()
    clock.sleep(1.0)
    reading = meter.stop()
    assert (reading.gpu_j_by_uuid, reading.gpu_utilization) == ({}, 0.1)
    assert reading.gpu_j == pytest.approx(500.0 * round(reading.duration_s, 1))


def test_one_of_two_cards_that_cannot_be_read_spoils_the_sum():
    with pytest.raises(UserError, match="does not show GPU-x"):
        two(replace(BOTH, beside=((1, "GPU-x"),)))
    meter, clock, driver = two()
    meter.start()
    driver.lost = "GPU-b"
    clock.sleep(1.0)
    with pytest.raises(RuntimeError):
        meter.stop()


def test_the_card_is_found_by_its_uuid_and_no_other_is_read():
    meter, _, _ = a_meter()
    with pytest.raises(UserError, match="does not show GPU-x"):
        meter.open(replace(CARD, uuid="GPU-x"))
    with pytest.raises(UserError, match="has none; type meter=codecarbon"):
        meter.open(CPU)


def test_a_sliced_card_is_refused_since_its_counter_is_everyones():
    meter, _, _ = a_meter(mig=True)
    with pytest.raises(UserError, match="GPU 1 is in MIG mode"):
        meter.open(CARD)


def test_a_card_without_a_counter_says_what_to_use():
    meter, _, _ = a_meter(counter=False)
    with pytest.raises(UserError, match=r"has no energy counter.*meter=trace or meter=codecarbon"):
        meter.open(CARD)


def test_a_counter_that_never_moves_is_refused_before_anything_is_measured():
    meter, clock, _ = a_meter(frozen=True)
    with pytest.raises(UserError, match=r"stood still at \d+ mJ for 2 s; type meter=trace or meter=codecarbon"):
        meter.open(CARD)
    assert clock.now() < 3.0


def test_a_counter_that_stands_still_is_an_error_and_never_zero_joules():
    meter, clock, driver = a_meter()
    meter.open(CARD)
    meter.start()
    driver.frozen = True
    clock.sleep(1.0)
    with pytest.raises(RuntimeError):
        meter.stop()


def test_a_counter_that_was_reset_is_an_error():
    meter, clock, driver = a_meter()
    meter.open(CARD)
    meter.start()
    driver.reset_at = clock.now()
    with pytest.raises(RuntimeError, match="backwards"):
        meter.stop()


def test_a_counter_that_was_reset_between_windows_spoils_neither():
    meter, clock, driver = a_meter()
    meter.open(CARD)
    joules = []
    for _ in range(2):
        meter.start()
        clock.sleep(1.0)
        joules.append(meter.stop().gpu_j)
        driver.reset_at = clock.now()
        clock.sleep(0.5)
    assert joules == [pytest.approx(WATTS * 1.1, abs=WATTS * 0.1)] * 2


def test_a_counter_that_went_backwards_while_the_tick_is_awaited_is_an_error():
    meter, clock, driver = a_meter()
    meter.open(CARD)
    driver.reset_at = clock.now() + 0.02
    with pytest.raises(RuntimeError, match="backwards"):
        meter.start()


def test_a_stop_needs_a_start_each_time():
    meter, clock, _ = a_meter()
    meter.open(CARD)
    meter.start()
    clock.sleep(1.0)
    meter.stop()
    with pytest.raises(RuntimeError, match="stop without start"):
        meter.stop()


def test_utilization_is_the_drivers_mean_or_nothing():
    meter, _, driver = a_meter()
    meter.open(CARD)
    meter.start()
    assert meter.stop().gpu_utilization is None
    meter.start()
    later = 10**18
    # blank samples carry no time: some drivers hand them out
    driver.samples = [Sample(later, 40), Sample(later + 1, 60), Sample(0, 0)]
    assert meter.stop().gpu_utilization == pytest.approx(0.5)
