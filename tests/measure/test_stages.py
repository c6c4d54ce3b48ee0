"""Each stage of an inference alone, on a clock and watts that are known."""

import pytest

from joulemark.analysis import description, energy_metrics, latency_metrics, named_metrics
from joulemark.core.measurement import Measurement, Reading, StageWindow, Window
from joulemark.core.model import Settings, Stage
from joulemark.measure.instruments import Instruments
from joulemark.measure.stages import measure_stages
from tests.fakes import FakeClock, FakeMeter, procedure
from tests.measure.test_runner import a_run, benched

BATCHES = [["a", "b"], ["c", "d"], ["e", "f"], ["g", "h"], ["i"]]


def stages(clock, calls):
    """Two stages of a known length, the second of which notes what it was given."""

    def first(batch):
        clock.sleep(0.25)
        return "".join(batch)

    def second(text):
        clock.sleep(1.0)
        calls.append(text)
        return [text]

    return Stage("preprocessing", first), Stage("prefill", second)


def measured(clock, calls, **changes):
    meter = FakeMeter(clock, {"gpu": 100.0})
    return list(measure_stages(stages(clock, calls), BATCHES, procedure(**changes), Instruments([meter], clock)))


def test_a_stage_is_measured_alone_and_takes_what_the_one_before_it_gave():
    clock, calls = FakeClock(), []
    measurement = measured(clock, calls, stage_s=5.0, stage_requests=4)
    assert [phase.name for phase in measurement] == ["preprocessing", "prefill"]
    assert [phase.window.duration_s for phase in measurement] == pytest.approx(
        [5.0, 6.0]
    )  # whole passes over two batches
    assert [phase.window.requests for phase in measurement] == [40, 12]
    assert set(calls) == {"cd", "gh"}  # spread over the inputs, not the first ones
    record = Measurement(stages=tuple(measurement))
    metrics = energy_metrics.stage_metrics(record)
    assert metrics["stages/preprocessing_wh_per_1k"] == pytest.approx(100.0 * 0.25 / 2 * 1000 / 3600)
    assert metrics["stages/prefill_wh_per_1k"] == pytest.approx(100.0 * 1.0 / 2 * 1000 / 3600)
    assert latency_metrics.ttft_s(record) == pytest.approx(1.25)


def test_what_the_stages_took_is_in_the_energy_and_the_time_of_the_run():
    record = Measurement(stages=tuple(measured(FakeClock(), [], stage_s=5.0, stage_requests=4)))
    assert energy_metrics.run_s(record) == pytest.approx(5.0 + 6.0)
    assert energy_metrics.run_wh(record) == pytest.approx(100.0 * (5.0 + 6.0) / 3600)


def test_fewer_requests_than_a_batch_holds_are_still_one_batch():
    assert measured(FakeClock(), [], stage_s=1.0, stage_requests=1)[0].window.requests % 2 == 0


def test_a_protocol_without_phases_calls_no_stage():
    clock, calls = FakeClock(), []
    assert measured(clock, calls, stage_s=0.0) == []
    assert (clock.now(), calls) == (0.0, [])


def test_time_to_first_token_is_unknown_where_no_token_is_generated():
    window = Window(1.0, (Reading("fake", 1.0),), 1, 1, 0, [1.0])
    assert latency_metrics.ttft_s(Measurement()) is None
    assert (
        latency_metrics.ttft_s(Measurement(stages=(StageWindow("preprocessing", window), StageWindow("model", window))))
        is None
    )


def test_what_goes_wrong_in_a_stage_takes_nothing_from_what_was_measured_and_scored():
    clock = FakeClock()

    def broken(value):
        raise MemoryError("no room")

    run = a_run(clock, procedure=procedure(stage_s=2.0))
    whole = run.model.load(run.task, "cpu", Settings())
    parts = (Stage("preprocessing", lambda batch: clock.sleep(0.1)), Stage("model", broken))
    model = Staged(type(whole)(whole.predict, whole.facts, stages=parts))
    record = benched(a_run(clock, model=model, procedure=procedure(stage_s=2.0)), clock)
    assert record.status == "failed"
    assert "out of memory" in record.error
    assert record.scores["primary"] == 0.5
    assert [phase.name for phase in record.measurement.stages] == ["preprocessing"]
    assert "preprocessing" in description.markdown(record, named_metrics.metrics(record))


class Staged:
    """A model that was loaded before."""

    def __init__(self, loaded):
        from tests.fakes import FakeModel

        like = FakeModel(FakeClock())
        self.kind, self.role, self.checkpoint = like.kind, like.role, like.checkpoint
        self.capabilities = like.capabilities
        self.loaded = loaded

    def load(self, task, device, settings):
        return self.loaded
