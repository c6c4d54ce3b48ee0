"""What two views of one window may differ by, who else was on the card, and what held it back."""

from dataclasses import dataclass, field, replace

import pytest

from joulemark.analysis import audit, description, named_metrics
from joulemark.core.errors import UserError
from joulemark.core.measurement import GpuState, Measurement, Reading, Window
from joulemark.hardware.gpu_lock import held
from joulemark.hardware.gpu_state import GpuMonitor
from tests.fakes import FakeClock, FakeMeter, procedure
from tests.measure.test_runner import a_run, benched
from tests.meters.test_nvml import BOTH, CARD

PROTOCOL = procedure(
    audit_rel=0.01, audit_long_s=None, audit_sampled_rel=0.05, audit_clock_rel=0.01, audit_power_rel=0.1
)
IDLE = (Reading("nvml", 5.0, gpu_j=500.0, method={"gpu": "counter"}),)


def window(*joules, seconds=10.0, **changes):
    names = ("nvml", "codecarbon")
    readings = tuple(
        Reading(name, seconds, gpu_j=j, method={"gpu": "counter"}, **changes)
        for name, j in zip(names, joules, strict=False)
    )
    return Window(seconds, readings, 1, 10, 10, [seconds])


def wrong(measurement, limit_w=700.0, protocol=PROTOCOL):
    return [check.what for check in audit.checks(measurement, protocol, limit_w) if not check.passed]


@pytest.mark.parametrize(("second", "fails"), [(2000.0, False), (2019.0, False), (2021.0, True), (1979.0, True)])
def test_two_readings_of_one_counter_agree_within_a_per_cent(second, fails):
    measurement = Measurement(idle=IDLE, windows=(window(2000.0, second),))
    assert bool(wrong(measurement)) is fails


def test_short_windows_are_not_held_to_what_a_counters_tick_forbids():
    assert wrong(Measurement(idle=IDLE, windows=(window(200.0, 220.0, seconds=1.0),))) == []


def test_power_samples_may_differ_by_five_per_cent():
    def sampled(joules):
        made = window(2000.0)
        return replace(made, readings=(*made.readings, Reading("trace", 10.0, gpu_j=joules, method={"gpu": "sampled"})))

    assert wrong(Measurement(idle=IDLE, windows=(sampled(2090.0),))) == []
    assert wrong(Measurement(idle=IDLE, windows=(sampled(2110.0),))) == ["GPU energy by trace against nvml"]


def test_what_a_longer_stretch_took_at_idle_power_is_no_difference():
    longer = Reading("codecarbon", 15.0, gpu_j=2500.0, method={"gpu": "counter"})  # 5 s more at 100 W
    made = window(2000.0)
    assert wrong(Measurement(idle=IDLE, windows=(replace(made, readings=(*made.readings, longer)),))) == []


@pytest.mark.parametrize(
    ("joules", "says"), [(900.0, "below idle"), (-1.0, "below idle"), (7800.0, "above the card's limit")]
)
def test_impossible_power_is_detected(joules, says):
    assert any(says in what for what in wrong(Measurement(idle=IDLE, windows=(window(joules),))))


@pytest.mark.parametrize(("within", "around", "fails"), [(10.0, 10.2, False), (10.2, 10.4, True), (9.0, 9.8, True)])
def test_a_meters_duration_lies_between_what_passed_within_and_around_its_edges(within, around, fails):
    measurement = Measurement(idle=IDLE, windows=(window(2000.0, within_s=within, around_s=around),))
    assert (wrong(measurement) == ["the duration of nvml"]) is fails


def test_a_run_whose_sensors_contradict_each_other_fails_and_keeps_its_numbers():
    clock = FakeClock()
    meters = [
        FakeMeter(clock, {"gpu": 200.0}, name="nvml", method="counter"),
        FakeMeter(clock, {"gpu": 210.0}, name="codecarbon", method="counter"),
    ]
    record = benched(a_run(clock, meters, procedure=procedure(window_s=10.0)), clock)
    assert record.status == "failed"
    assert record.error.startswith("the audit failed: window 1: GPU energy by codecarbon against nvml off by 5.00%")
    assert named_metrics.metrics(record)["energy/gpu_wh_per_1k"] > 0
    assert audit.verdict(record)[0] == "failed"
    assert "| verdict | failed |" in description.markdown(record, named_metrics.metrics(record))


class NVMLError(Exception):
    pass


@dataclass
class Driver:
    """pynvml as far as the card is looked at: what it says can be changed between two readings."""

    pids: list[int] = field(default_factory=list)
    reasons: int = 1
    temperature: float = 40.0
    busy: int = 0
    NVMLError = NVMLError
    NVML_CLOCK_SM = NVML_TEMPERATURE_GPU = 0

    def nvmlInit(self):  # noqa: N802
        pass

    def nvmlDeviceGetHandleByUUID(self, uuid):  # noqa: N802
        return uuid

    def nvmlDeviceGetComputeRunningProcesses(self, card):  # noqa: N802
        return [type("Process", (), {"pid": pid}) for pid in self.pids]

    def nvmlDeviceGetTemperature(self, card, kind):  # noqa: N802
        return self.temperature

    def nvmlDeviceGetClockInfo(self, card, kind):  # noqa: N802
        return 1980

    def nvmlDeviceGetPowerUsage(self, card):  # noqa: N802
        raise NVMLError("Not Supported")

    def nvmlDeviceGetMemoryInfo(self, card):  # noqa: N802
        if card == "GPU-b" and self.busy:
            raise NVMLError("Not Supported")
        return type("Memory", (), {"used": 2_000_000})

    def nvmlDeviceGetUtilizationRates(self, card):  # noqa: N802
        return type("Rates", (), {"gpu": self.busy})

    def nvmlDeviceGetCurrentClocksEventReasons(self, card):  # noqa: N802
        return self.reasons


def seen(driver, later=lambda driver: None, hardware=CARD):
    """The states of a GPU before and after its run's own process, 900, came up and something else happened."""
    monitor = GpuMonitor(hardware, FakeClock().now, driver)
    monitor.open()
    first = monitor.read()
    driver.pids.append(900)
    monitor.model_loaded()
    second = monitor.read()
    later(driver)
    return Measurement(gpu_states=(first, second, monitor.read()))


def test_the_process_that_came_with_the_model_is_the_runs_own():
    measurement = seen(Driver())
    assert audit.others(measurement) == []
    assert not audit.contaminated(measurement, 0.05)
    assert measurement.gpu_states[0].power_w is None  # not told is not zero
    assert measurement.gpu_states[0].sm_clock_hz == 1.98e9


def test_whoever_is_on_the_card_before_or_comes_later_contaminates_the_run_and_is_named():
    assert audit.others(seen(Driver(pids=[7]))) == [7]
    assert audit.others(seen(Driver(), later=lambda driver: driver.pids.append(8))) == [8]
    assert audit.flags(seen(Driver(pids=[7])), 0.05) == ("contaminated",)


def test_work_on_the_card_before_the_run_contaminates_it_also_where_process_ids_are_hidden():
    assert audit.contaminated(seen(Driver(busy=50)), 0.05)
    assert not audit.contaminated(seen(Driver(busy=4)), 0.05)


@pytest.mark.parametrize(("bit", "flags"), [(0x08, ("throttled",)), (0x20, ("throttled",)), (0x40, ("throttled",)),
                                            (0x80, ("throttled",)), (0x04, ("power_capped",)), (0x01, ())])  # fmt: skip
def test_each_reason_that_slows_a_card_flags_the_run_and_a_power_cap_is_recorded(bit, flags):
    assert audit.flags(seen(Driver(), later=lambda driver: setattr(driver, "reasons", bit)), 0.05) == flags


@dataclass
class Two(Driver):
    """Two cards, of which the second is hotter, slower, busier, held back, or used by `strangers`."""

    strangers: list[int] = field(default_factory=list)

    def nvmlDeviceGetComputeRunningProcesses(self, card):  # noqa: N802
        pids = self.pids + (self.strangers if card == "GPU-b" else [])
        return [type("Process", (), {"pid": pid}) for pid in pids]

    def nvmlDeviceGetTemperature(self, card, kind):  # noqa: N802
        return 40.0 if card == "GPU-a" else 55.0

    def nvmlDeviceGetClockInfo(self, card, kind):  # noqa: N802
        return 1980 if card == "GPU-a" else 1700

    def nvmlDeviceGetPowerUsage(self, card):  # noqa: N802
        if card == "GPU-b" and self.busy:
            raise NVMLError("Not Supported")
        return 70_000

    def nvmlDeviceGetUtilizationRates(self, card):  # noqa: N802
        return type("Rates", (), {"gpu": 0 if card == "GPU-a" else self.busy})

    def nvmlDeviceGetCurrentClocksEventReasons(self, card):  # noqa: N802
        return 1 if card == "GPU-a" else self.reasons


def test_of_two_cards_the_worst_is_reported_and_their_power_summed():
    state = seen(Two(reasons=0x40), hardware=BOTH).gpu_states[0]
    assert (state.temperature_c, state.sm_clock_hz, state.power_w, state.utilization) == (55.0, 1.7e9, 140.0, 0.0)
    assert (state.reasons, state.memory_bytes) == (0x41, 4_000_000)
    assert seen(Two(busy=50), hardware=BOTH).gpu_states[0].memory_bytes is None
    assert seen(Two(busy=50), hardware=BOTH).gpu_states[0].power_w is None  # one card's is not the sum
    assert audit.contaminated(seen(Two(busy=50), hardware=BOTH), 0.05)
    assert audit.flags(seen(Two(reasons=0x40), hardware=BOTH), 0.05) == ("throttled",)


def test_a_process_on_the_second_card_contaminates_the_run_and_one_on_a_card_that_it_does_not_use_does_not():
    assert audit.others(seen(Two(strangers=[7]), hardware=BOTH)) == [7]
    assert audit.others(seen(Two(strangers=[7]), hardware=replace(BOTH, beside=()))) == []
    assert audit.others(seen(Two(), hardware=BOTH)) == []


def test_a_throttled_run_says_so_on_its_page_and_is_doubtful():
    clock = FakeClock()
    driver = Driver(reasons=0x40)
    run = a_run(clock, [FakeMeter(clock, {"gpu": 200.0}, method="counter")])
    record = benched(run, clock, gpu=GpuMonitor(CARD, clock.now, driver))
    assert "throttled" in record.flags
    assert len(record.measurement.gpu_states) == 2 + len(record.measurement.windows) + 1
    page = description.markdown(record, named_metrics.metrics(record))
    assert "thermal, by hardware" in page
    assert "| verdict | doubtful | throttled" in page


def temperatures(warmed, step="window", **changes):
    """Degrees of the card at each state but the last; a step changes them as told, a reading takes one off."""
    clock, driver = FakeClock(), Driver()

    class Cooling(GpuMonitor):
        def read(self):
            state = super().read()
            driver.temperature = max(40.0, driver.temperature - 1)  # a degree a reading
            return state

    def heated(phase, record):
        driver.temperature = warmed(driver.temperature) if phase.startswith(step) else driver.temperature

    plan = procedure(cool_c=5.0, cool_max_s=60.0, **changes)
    record = benched(a_run(clock, [FakeMeter(clock, {"gpu": 200.0})], procedure=plan), clock, heated,
                     gpu=Cooling(CARD, clock.now, driver))  # fmt: skip
    return [state.temperature_c for state in record.measurement.gpu_states[:-1]]


def test_a_window_waits_until_the_card_is_as_cool_as_before_the_first_one():
    found = temperatures(lambda before: 60.0)
    assert (len(found), max(found) <= 45.0) == (5, True)


def test_a_card_that_every_window_warms_a_little_is_held_to_its_first_state_and_not_to_its_last():
    found = temperatures(lambda before: before + 4.0, min_windows=8, max_windows=8)
    assert (len(found), max(found) <= 45.0) == (10, True)


def test_what_the_warm_up_heated_is_no_reason_to_wait_for_the_state_before_the_idle_baseline():
    before_load, before_idle, *windows = temperatures(lambda before: 70.0, step="warm-up")
    assert max(before_load, before_idle) < 45.0
    assert windows == [70.0, 69.0, 68.0]


def test_without_a_card_nothing_is_looked_at():
    clock = FakeClock()
    assert benched(a_run(clock), clock).measurement.gpu_states == ()
    assert audit.flags(Measurement(), 0.05) == ()
    assert audit.flags(Measurement(gpu_states=(GpuState(0.0),)), 0.05) == ()


def test_a_card_is_measured_by_one_run_at_a_time_and_the_holder_is_named(tmp_path):
    with (
        held(CARD, 0.0, tmp_path),
        pytest.raises(UserError, match=r"being measured by process \d+; wait for it"),
        held(CARD, 0.0, tmp_path),
    ):
        pass
    with held(CARD, 0.0, tmp_path):  # let go of, also after a refusal
        pass


@pytest.mark.parametrize("card", [replace(BOTH, beside=()), CARD])
def test_a_run_on_two_cards_holds_both_and_leaves_none_when_one_is_taken(tmp_path, card):
    taken = rf"GPU {card.index} \({card.uuid}\) is being measured by process \d+"
    with held(BOTH, 0.0, tmp_path), pytest.raises(UserError, match=taken), held(card, 0.0, tmp_path):
        pass
    with (
        held(card, 0.0, tmp_path),
        pytest.raises(UserError, match=f"{taken}; wait for it, type lock_wait_s=600"),
        held(BOTH, 0.0, tmp_path, wait_option="lock_wait_s=600"),
    ):
        pass
    with held(BOTH, 0.0, tmp_path):
        pass


def test_locks_are_taken_in_the_order_of_uuids_whatever_that_of_the_cards(tmp_path):
    turned = replace(BOTH, uuid="GPU-b", beside=((1, "GPU-a"),))
    with held(replace(BOTH, beside=()), 0.0, tmp_path), pytest.raises(UserError), held(turned, 0.0, tmp_path):
        pass
    assert not (tmp_path / "joulemark-GPU-b.lock").exists()  # never taken: GPU-a, the first, was not to be had


@pytest.mark.parametrize(("long_s", "failed"), [(1.0, ["GPU energy by codecarbon against nvml"]), (1.1, [])])
def test_how_long_a_window_must_be_for_that_is_the_protocols_to_say(long_s, failed):
    short = Measurement(idle=IDLE, windows=(window(200.0, 220.0, seconds=1.0),))
    assert wrong(short, protocol=replace(PROTOCOL, audit_long_s=long_s)) == failed
