"""A run of served traffic against a made-up engine, a meter of known watts and a clock of known times: exact joules."""

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from joulemark.analysis import comparability
from joulemark.core.machine import elsewhere
from joulemark.core.serving import EngineNeeds, Limits, Schedule
from joulemark.core.task import Inputs
from joulemark.measure import runner
from joulemark.measure.draft import draft
from joulemark.measure.instruments import Instruments
from tests.fakes import CPU, FakeClock, FakeMeter, procedure
from tests.measure.test_runner import SAMPLES, a_run
from tests.measure.test_traffic import Counter, Stopped


@dataclass(frozen=True)
class Known:
    """An engine of one place: first token after 1 s, then one every 0.5 s, three in all."""

    needs: ClassVar[EngineNeeds] = EngineNeeds()

    clock: Any
    faults: dict[str, Any] = field(default_factory=dict)
    name: str = "known"
    options: dict[str, Any] = field(default_factory=dict)

    def start(self, model, task, device, settings, clock):
        self.clock.sleep(3.0)  # loading
        server = (UpUntil if "stop_s" in self.faults else Up)(self.clock, **self.faults)
        server.free = [self.clock.now()]
        return server


class Up(Counter):
    facts: ClassVar = {"version": "1.0", "token_count": "engine", "parameters": 7}
    processes = ()
    closed = False

    def judge(self, samples, predictions):
        return {}

    def peak_memory_bytes(self):
        return None

    def close(self):
        self.closed = True


class UpUntil(Stopped, Up):
    """The same, interrupted at a moment."""


@dataclass(frozen=True)
class Given:
    """The scenario whose schedule is given."""

    made: Schedule
    limits: Any = None
    timeout_s: float = 100.0
    max_duration_s: float = 1000.0

    def schedule(self, samples, seed):
        return self.made


def served(schedule, watts=50.0, meter=FakeMeter, hardware=CPU, **faults):
    clock = FakeClock()
    run = replace(
        a_run(clock, meters=[meter(clock, {"cpu": watts})], procedure=procedure(warmup_max_s=1000.0)),
        hardware=hardware,
        scenario=Given(schedule, Limits()),
        engine=Known(clock, faults),
    )
    begun = draft(run, Inputs(SAMPLES))
    return runner.bench(
        run,
        begun,
        SAMPLES,
        lambda step, record: None,
        Instruments(clock=clock, busy_s=clock.now, own_busy_s=lambda servers: 0.0),
    )


def test_the_whole_window_is_paid_waiting_for_requests_included():
    record = served(Schedule(2, at_s=[0.0, 10.0]))
    assert (record.status, record.error) == ("finished", None)
    (window,) = record.measurement.windows
    assert window.duration_s == 12.0  # two seconds of work each, and eight of waiting
    assert window.requests == 2
    assert window.units == 6
    (reading,) = window.readings
    assert reading.cpu_j == 12.0 * 50.0


def test_starting_the_engine_is_a_stretch_of_its_own():
    (reading,) = served(Schedule(1, at_s=[0.0])).measurement.load
    assert reading.cpu_j == 3.0 * 50.0


def test_each_request_is_a_row_with_its_moments_and_its_score():
    record = served(Schedule(4, at_s=[0.0, 0.0, 0.0, 20.0]), fails=())
    assert [request.id for request in record.requests] == ["a", "b", "c", "a"]
    assert [request.due_s for request in record.requests] == [0.0, 0.0, 0.0, 20.0]
    assert [request.first_token_s for request in record.requests] == [1.0, 3.0, 5.0, 21.0]
    assert [request.latency_s for request in record.requests] == [2.0, 4.0, 6.0, 2.0]


def test_a_request_that_failed_is_a_row_and_counted_and_has_no_score():
    first = 4  # of the traffic: the warm-up asks before
    record = served(Schedule(3, at_s=[0.0, 0.0, 0.0]), fails={first})
    assert [request.outcome for request in record.requests].count("failed") == 1
    traffic = record.measurement.traffic
    assert (traffic.answered, traffic.failed) == (2, 1)
    assert traffic.reasons == {"500": 1}
    assert [request.score for request in record.requests if request.outcome == "failed"] == [None]


def test_an_engine_that_answers_nothing_is_a_failed_run_with_the_reason():
    record = served(Schedule(2, at_s=[0.0, 0.0]), fails=set(range(100)))
    assert record.status == "failed"
    assert record.error == "RuntimeError: no request was answered: 500"


def test_of_another_machine_no_figure_of_this_one_is_in_the_record():
    here, far = (
        served(Schedule(2, at_s=[0.0, 10.0]), hardware=hardware)
        for hardware in (CPU, elsewhere("gpu.example", "remote", ("bf16",)))
    )
    assert "contaminated" in here.flags  # this machine's processors are busy all the time
    (window,) = far.measurement.windows
    assert (window.cpu_utilization, window.others_cpu_share) == (None, None)
    assert [reading.cpu_j for reading in window.readings] == [12.0 * 50.0]  # by the meter of that machine
    assert (far.hardware.machine, far.device_name) == ("gpu.example", "gpu.example")
    assert (far.environment.cpu, far.environment.cpu_cores, far.environment.memory_bytes) == (None, None, None)
    assert not {"contaminated", "host_busy"} & set(far.flags)
    assert comparability.card(far) != comparability.card(here)
    assert "device: gpu.example and" in "; ".join(comparability.differences(far, here))


def stopped_after(seconds, **faults):
    """A run stopped so many seconds after its traffic began: loading takes 3 s, idle 5 s, warming up 8 s."""
    return served(Schedule(4, at_s=[0.0, 0.0, 4.0, 9.0]), stop_s=3.0 + 5.0 + 8.0 + seconds, **faults)


def test_a_stopped_run_keeps_its_answers_and_the_energy_until_then():
    record = stopped_after(5.0)
    assert (record.status, record.error) == ("interrupted", "interrupted by SIGINT")
    (window,) = record.measurement.windows
    assert (window.duration_s, window.requests, window.units) == (5.0, 2, 6)
    assert [reading.cpu_j for reading in window.readings] == [5.0 * 50.0]
    traffic = record.measurement.traffic
    assert (traffic.answered, traffic.interrupted, traffic.unsent) == (2, 1, 1)
    assert [request.outcome for request in record.requests] == ["answered", "answered", "interrupted", "unsent"]
    assert [request.output for request in record.requests[:2]] == ["x", "x"]
    assert "unsent" in record.flags
    assert record.scores == {}


def test_a_stopped_run_is_not_one_that_did_not_keep_up():
    at_s = [5.0 * number for number in range(200)]
    record = served(Schedule(200, at_s=at_s), stop_s=3.0 + 5.0 + 16.0 + 152.0)  # eight calls warm up
    assert record.measurement.traffic.answered > 20  # enough to tell
    assert record.measurement.traffic.kept_up is None
    assert "overloaded" not in record.flags


def test_a_run_that_is_stopped_before_any_answer_says_that_it_was_stopped():
    record = stopped_after(1.0)
    assert (record.status, record.error, record.measurement.windows) == ("interrupted", "interrupted by SIGINT", ())


def test_a_stop_after_which_a_meter_has_too_little_is_still_a_stop():
    class Coarse(FakeMeter):
        def stop(self):
            if self.clock.now() - self._began == 5.0:  # the traffic alone takes that long
                raise RuntimeError("too short")
            return super().stop()

    record = stopped_after(5.0, meter=Coarse)
    assert (record.status, record.error) == ("interrupted", "interrupted by SIGINT")


def test_the_record_names_the_engine_and_its_version():
    record = served(Schedule(1, at_s=[0.0]))
    assert (record.engine.name, record.engine.version) == ("known", "1.0")
    assert record.model.parameters == 7
