"""One run to its record: also when it fails, and never with anything lost."""

from dataclasses import dataclass, fields, replace

import pytest

from joulemark.analysis import audit, caveats, description, flags, named_metrics, result_table
from joulemark.config.run import Run
from joulemark.core.errors import UserError
from joulemark.core.machine import Hardware, Site
from joulemark.core.measurement import Work
from joulemark.core.model import Loaded, Settings, Steps
from joulemark.core.signals import Interrupted
from joulemark.core.task import Inputs, Prediction, Sample
from joulemark.data.dataset import Dataset
from joulemark.measure import loading, runner
from joulemark.measure.draft import draft
from joulemark.measure.instruments import Instruments
from joulemark.sweep.memory import ran_out
from joulemark.tasks.text_classification import TextClassification
from tests.fakes import CPU, FakeClock, FakeMeter, FakeModel, procedure

SAMPLES = [
    Sample("a", "positive film", "positive"),
    Sample("b", "positive day", "negative"),
    Sample("c", "negative", None),
]


def a_run(clock, meters=None, model=None, **changes):
    dataset = Dataset(name="embedded", task="text_classification", fields={"text": "text"})
    values = {
        "names": {"model": "fake", "task": "text_classification"},
        "model": model or FakeModel(clock),
        "task": TextClassification(dataset, ("negative", "positive"), "{text}", 1, 4),
        "dataset": dataset,
        "hardware": CPU,
        "meters": tuple(meters or [FakeMeter(clock, {"cpu": 50.0})]),
        "meters_required": False,
        "procedure": procedure(),
        "site": Site("unknown"),
        "settings": Settings(batch_size=2),
        "samples": 3,
        "seed": 0,
        "tracking_uri": "sqlite:///unused.db",
        "chosen": {},
        "config": {},
    }
    return Run(**{**values, **changes})


def benched(run, clock, watch=lambda step, record: None, gpu=None):
    begun = draft(run, Inputs(SAMPLES))
    return runner.bench(run, begun, SAMPLES, watch, Instruments(clock=clock), gpu)


def test_a_finished_run_has_energy_and_quality_of_the_same_calls():
    clock = FakeClock()
    record = benched(a_run(clock), clock)
    assert (record.status, record.error) == ("finished", None)
    assert record.scores["primary"] == 0.5
    assert [request.output for request in record.requests] == ["positive", "positive", "negative"]
    assert [request.score for request in record.requests] == [1.0, 0.0, None]
    assert [request.latency_s for request in record.requests] == pytest.approx([0.5, 0.5, 0.5])
    # 50 W for half a second a batch, two batches, three requests
    assert named_metrics.metrics(record)["energy/cpu_wh_per_1k"] == pytest.approx(50 * 1.0 / 3 * 1000 / 3600)


def test_loading_is_measured_apart():
    clock = FakeClock()
    assert named_metrics.metrics(benched(a_run(clock), clock))["energy/load_wh"] == pytest.approx(50 * 2.0 / 3600)


class Ahead(FakeModel):
    """A model whose batches are prepared ahead, until there is no memory for that."""

    def load(self, task, device, settings):
        loaded, begun = super().load(task, device, settings), []

        def prepare(inputs):
            begun.append(inputs)
            if len(begun) > self.fails_after:
                raise MemoryError("no pinned memory of the host")
            return inputs

        return replace(loaded, steps=Steps(prepare, loaded.predict, lambda predictions: predictions))


def test_a_run_that_prepares_ahead_has_the_predictions_and_units_of_one_that_does_not():
    records = []
    for ahead in (0, 1, 2, 7):
        clock = FakeClock()
        run = a_run(clock, model=Ahead(clock, fails_after=10**9), settings=Settings(batch_size=2, prefetch=ahead))
        records.append(benched(run, clock))
    for record in records:
        assert record.status == "finished"
        assert record.scores == records[0].scores
        assert [request.output for request in record.requests] == ["positive", "positive", "negative"]
        for window in record.measurement.windows:
            assert window.units == window.requests == 3 * window.passes
            assert len(window.batch_s) == 2 * window.passes


def test_memory_that_the_read_ahead_does_not_have_is_one_line_that_names_prefetch():
    clock = FakeClock()
    run = a_run(clock, model=Ahead(clock, fails_after=3), settings=Settings(batch_size=2, prefetch=3))
    record = benched(run, clock)
    assert (record.status, record.error) == (
        "failed",
        "out of memory at batch_size=2 with prefetch=3 (type a smaller one, or prefetch=0): "
        "MemoryError: no pinned memory of the host",
    )
    assert ran_out(record.error) == 2


class Counting(FakeModel):
    """A model whose every second image was decoded by the host."""

    def load(self, task, device, settings):
        loaded, taken = super().load(task, device, settings), []

        def predict(inputs):
            taken.extend(inputs)
            return loaded.predict(inputs)

        def facts():
            decoded = {"nvjpeg": len(taken), "pil": len(taken)}
            return {"preprocessing": {"library": "fake", "decoded_by": decoded, "host_inputs": len(taken)}}

        return replace(loaded, predict=predict, later_facts=facts)


def test_what_prepared_the_inputs_is_in_the_record_as_of_the_last_window_and_is_said():
    clock, seen = FakeClock(), {}
    record = benched(a_run(clock, model=Counting(clock)), clock, lambda step, known: seen.update({step: known}))
    assert "preprocessing" not in seen["load"].model.facts
    counts = [known.model.facts["preprocessing"]["host_inputs"] for step, known in seen.items() if "window" in step]
    assert counts == sorted(counts)
    assert record.model.facts["preprocessing"]["host_inputs"] == counts[-1]
    assert counts[-1] >= 3 * record.measurement.windows[-1].passes
    assert "host_decoded" in record.flags
    assert any(line.startswith("host_decoded: the host decoded images") for line in caveats.warnings(record))
    assert (
        flags.host_decoded(record) == "50% of the calls' images: files that are no plain JPEG, or that the GPU refuses"
    )
    without = replace(
        record.model, facts={"preprocessing": {"library": "fake", "decoded_by": {"nvjpeg": 9}, "host_inputs": 0}}
    )
    assert flags.host_decoded(replace(record, model=without)) is None


class NewHead(FakeModel):
    """A checkpoint without the task's head."""

    def load(self, task, device, settings):
        return replace(super().load(task, device, settings), facts={"new_weights": ["classifier.weight"]})


def test_predictions_of_a_head_that_was_drawn_at_random_have_no_quality_and_a_flag():
    clock = FakeClock()
    record = benched(a_run(clock, model=NewHead(clock)), clock)
    assert record.status == "finished"
    assert record.scores["primary"] is None
    assert [request.score for request in record.requests] == [None] * len(record.requests)
    assert "no_quality" in record.flags
    assert record.no_quality.startswith("the checkpoint has no head for this task")


def test_random_weights_have_energy_and_no_quality():
    clock = FakeClock()
    model = FakeModel(clock)
    model = replace(model, checkpoint=replace(model.checkpoint, weights="random"))
    record = benched(a_run(clock, model=model), clock)
    assert set(record.scores.values()) == {None}
    assert {request.score for request in record.requests} == {None}
    assert "random_weights" in record.flags
    assert named_metrics.metrics(record)["energy/total_wh_per_1k"] > 0


@pytest.mark.parametrize(
    ("error", "status", "says"),
    [
        (RuntimeError("kernel panic\nsecond line"), "failed", "RuntimeError: kernel panic"),
        (MemoryError(), "failed", "out of memory at batch_size=2"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "failed", "out of memory at batch_size=2"),
        (
            type("OutOfMemoryError", (RuntimeError,), {})("CUDA out of memory. Tried"),
            "failed",
            "out of memory at batch_size=2",
        ),
        (Interrupted("SIGTERM"), "interrupted", "interrupted by SIGTERM"),
        (Interrupted("SIGHUP"), "interrupted", "interrupted by SIGHUP"),
        (type("PanicException", (BaseException,), {})("a tokenizer"), "failed", "PanicException: a tokenizer"),
        (SystemExit(0), "failed", "SystemExit: 0"),
        (UserError("too late to refuse"), "failed", "UserError: too late to refuse"),
    ],
)
def test_a_run_that_breaks_is_a_record_that_says_why_and_keeps_what_was_measured(error, status, says):
    clock = FakeClock()
    # 4 batches of warm-up, then a window of 10 passes over 2 batches, then it breaks in the second window
    model = FakeModel(clock, error=error, fails_after=4 + 20 + 3)
    record = benched(a_run(clock, model=model), clock)
    assert record.status == status
    assert record.error.startswith(says)
    assert "\n" not in record.error
    assert len(record.measurement.windows) == 1
    assert named_metrics.metrics(record)["energy/total_wh_per_1k"] is not None


class Unclosed(FakeMeter):
    error = OSError("the sensor hangs")

    def close(self):
        raise self.error


def test_a_meter_that_breaks_when_it_is_closed_is_named_and_takes_nothing():
    clock = FakeClock()
    meters = [Unclosed(clock, {"cpu": 50.0}, "mine"), FakeMeter(clock, {"ram": 5.0})]
    record = benched(a_run(clock, meters), clock)
    assert record.status == "failed"
    assert record.error == "meter mine broke when it was closed: OSError: the sensor hangs"
    assert (len(record.measurement.windows), record.scores["primary"]) == (3, 0.5)
    assert not meters[1].opened  # the others are closed all the same


@pytest.mark.parametrize("second", [OSError("the sensor hangs"), Interrupted("SIGTERM")])
def test_of_two_causes_the_first_is_the_reason(second):
    clock = FakeClock()
    meter = Unclosed(clock, {"cpu": 50.0})
    meter.error = second
    record = benched(a_run(clock, [meter], FakeModel(clock, error=RuntimeError("first"), fails_after=27)), clock)
    assert (record.status, record.error) == ("failed", "RuntimeError: first")
    assert len(record.measurement.windows) == 1


def test_a_stop_that_comes_while_a_broken_run_is_described_does_not_become_its_reason(monkeypatch):
    clock, real, stops = FakeClock(), runner._reason, [Interrupted("SIGTERM")]

    def stopped(error, run):
        if stops:
            raise stops.pop()
        return real(error, run)

    monkeypatch.setattr(runner, "_reason", stopped)
    record = benched(a_run(clock, model=FakeModel(clock, error=RuntimeError("first"), fails_after=27)), clock)
    assert (record.status, record.error) == ("failed", "RuntimeError: first")


def test_a_metric_that_breaks_leaves_what_was_predicted_and_how_long_it_took():
    clock = FakeClock()
    run = a_run(clock)
    broken = replace(run, task=Unscored(**{field.name: getattr(run.task, field.name) for field in fields(run.task)}))
    record = benched(broken, clock)
    assert record.error == "ZeroDivisionError: of a metric"
    assert len(record.measurement.windows) == 3
    assert [request.output for request in record.requests] == ["positive", "positive", "negative"]
    assert all(request.latency_s > 0 and request.score is None for request in record.requests)


class Unscored(TextClassification):
    def score(self, samples, predictions):
        if predictions:
            raise ZeroDivisionError("of a metric")
        return super().score(samples, predictions)


def test_the_watch_sees_each_phase_and_what_was_measured_until_then():
    clock, seen = FakeClock(), []
    benched(a_run(clock), clock, watch=lambda phase, record: seen.append((phase, len(record.measurement.windows))))
    assert seen == [
        ("meters", 0), ("load", 0), ("idle", 0), ("warm-up", 0), ("window 1", 1), ("window 2", 2),
        ("window 3", 3), ("predictions", 3), ("scoring", 3), ("counting", 3),
    ]  # fmt: skip


def test_a_meter_that_cannot_be_read_is_left_out_with_its_reason():
    clock = FakeClock()
    blind = FakeMeter(clock, {"gpu": 1.0}, name="blind", absent="no permission")
    record = benched(a_run(clock, [blind, FakeMeter(clock, {"cpu": 50.0})]), clock)
    assert record.environment.meters_absent == {"blind": "no permission"}
    assert named_metrics.metrics(record)["energy/gpu_wh_per_1k"] is None


def test_the_sensor_of_another_maker_is_not_called_absent_on_this_device():
    clock = FakeClock()
    nvidia = FakeMeter(clock, {"gpu": 1.0}, name="nvidia", absent="no NVIDIA GPU", vendor="nvidia")
    record = benched(a_run(clock, [nvidia, FakeMeter(clock, {"cpu": 50.0})]), clock)
    assert record.environment.meters_absent == {}
    with pytest.raises(UserError, match="no meter can be read: no NVIDIA GPU"):
        benched(a_run(clock, [nvidia]), clock)


def test_a_meter_that_was_requested_and_cannot_be_read_stops_the_run():
    clock = FakeClock()
    blind = FakeMeter(clock, {"gpu": 1.0}, name="blind", absent="no permission")
    with pytest.raises(UserError, match="no permission"):
        benched(a_run(clock, [blind], meters_required=True), clock)
    with pytest.raises(UserError, match="no meter can be read: no permission"):
        benched(a_run(clock, [blind]), clock)


def test_the_meters_are_let_go_whatever_happens():
    clock = FakeClock()
    meter = FakeMeter(clock, {"cpu": 1.0})
    benched(a_run(clock, [meter], FakeModel(clock, error=RuntimeError("x"))), clock)
    assert not meter.opened


def test_the_digest_tells_inputs_apart():
    run = a_run(FakeClock())
    first, second = draft(run, Inputs(SAMPLES)), draft(run, Inputs(SAMPLES[::-1]))
    assert first.task.digest == draft(run, Inputs(SAMPLES)).task.digest
    assert first.task.digest != second.task.digest


@pytest.mark.parametrize("place", range(len(SAMPLES)))
@pytest.mark.parametrize("changed", [{"input": "neutral!"}, {"target": "opposite"}])
def test_the_digest_is_of_every_input_and_of_every_reference(place, changed):
    samples = [replace(first, **changed) if at == place else first for at, first in enumerate(SAMPLES)]
    first, second = (draft(a_run(FakeClock()), Inputs(these)).task.digest for these in (SAMPLES, samples))
    assert first != second


@dataclass(frozen=True)
class Narrow(FakeModel):
    """A fake model into whose context one word fits."""

    def load(self, task, device, settings):
        loaded = super().load(task, device, settings)

        def predict(inputs):
            return [replace(first, truncated=first.input_tokens > 1) for first in loaded.predict(inputs)]

        return replace(loaded, predict=predict)


def test_rows_that_were_skipped_and_inputs_that_were_cut_are_counted_flagged_and_named_to_people():
    clock = FakeClock()
    skipped = tuple(f"row {i}: field 'te|xt' is empty" for i in range(5))
    run = a_run(clock, model=Narrow(clock))
    begun = draft(run, Inputs(SAMPLES, skipped))
    assert begun.flags == ("skipped_rows",)  # a run that fails says so too
    record = runner.bench(run, begun, SAMPLES, lambda *_: None, Instruments(clock=clock))
    metrics = named_metrics.metrics(record)
    assert (metrics["inputs/skipped"], metrics["inputs/truncated"]) == (5, 2)
    assert set(record.flags) >= {"skipped_rows", "truncated"}
    table = {what: (value, how) for what, value, how in result_table.rows(record, metrics)}
    assert table["rows skipped"] == ("5", "; ".join(skipped[:3]) + "; … all in record.json")
    assert table["inputs truncated"] == ("2 of 3", "a; b")
    page = description.markdown(record, metrics)
    assert "| inputs truncated | 2 of 3 | a; b |" in page
    assert "row 0: field 'te\\|xt' is empty" in page
    for flag in ("skipped_rows", "truncated"):
        assert caveats.EXPLAINED[flag] in page


def test_a_run_without_skipped_or_cut_inputs_says_nothing_of_them_and_counts_none():
    clock = FakeClock()
    record = benched(a_run(clock), clock)
    metrics = named_metrics.metrics(record)
    assert (metrics["inputs/skipped"], metrics["inputs/truncated"]) == (0, 0)
    assert not {"skipped_rows", "truncated"} & set(record.flags)
    assert not {"rows skipped", "inputs truncated"} & {what for what, _, _ in result_table.rows(record, metrics)}
    uncounted = replace(record, requests=tuple(replace(row, input_tokens=None) for row in record.requests))
    assert named_metrics.metrics(uncounted)["inputs/truncated"] is None  # a model of images: nothing was counted


class Shown:
    """Takes as many seconds as its texts have letters."""

    def __init__(self, clock):
        self.clock = clock

    def __call__(self, inputs):
        self.clock.sleep(sum(len(text) for text in inputs))
        return [Prediction("positive", units=1) for _ in inputs]


def counting(monkeypatch, error=None):
    """A run of batches of 1, 3, 5 and 11 seconds, whose work is counted by a stand-in; the record and what it saw."""
    clock, seen = FakeClock(), []

    def count(predict, batch):
        seen.append(list(batch))
        if error:
            raise error
        return Work(7.0, 8.0)

    monkeypatch.setattr("joulemark.models.backend.flop_counting.count", count)
    samples = [Sample(str(length), "x" * length, None) for length in (1, 3, 5, 11)]
    model = FakeModel(clock)
    loaded = Loaded(Shown(clock), {})
    object.__setattr__(model, "load", lambda *arguments: loaded)
    run = a_run(clock, model=model, settings=Settings(batch_size=1), samples=4)
    record = runner.bench(run, draft(run, Inputs(samples)), samples, lambda *_: None, Instruments(clock=clock))
    return record, seen


def test_the_work_is_counted_once_after_the_windows_on_the_batch_nearest_the_mean_latency(monkeypatch):
    record, seen = counting(monkeypatch)
    assert record.measurement.work == Work(7.0, 8.0)
    assert seen == [["xxxxx"]]
    assert record.status == "finished"


@pytest.mark.parametrize("error", [RuntimeError, AttributeError])
def test_a_call_that_cannot_be_counted_takes_nothing_from_the_run_and_the_record_says_why(monkeypatch, error):
    record, _ = counting(monkeypatch, error("no rule for this\nsecond line"))
    assert (record.status, record.measurement.work) == ("finished", None)
    assert record.environment.work_not_counted == f"{error.__name__}: no rule for this"


def test_the_cards_are_chosen_before_anything_can_import_torch(monkeypatch):
    clock, seen = FakeClock(), []
    monkeypatch.setattr("joulemark.hardware.devices.isolate", lambda chosen: seen.append("chosen") or "cpu")
    benched(a_run(clock), clock, watch=lambda phase, record: seen.append(phase))
    assert seen.index("chosen") < seen.index("meters")


def test_a_model_on_another_card_than_the_meters_read_fails_the_run(monkeypatch):
    two = Hardware(name="cuda", device="cuda", precisions=("fp32",), uuid="GPU-b", index=1)
    monkeypatch.setattr("joulemark.models.backend.placement.uuids", lambda device: ("GPU-a",))
    with pytest.raises(RuntimeError, match="the model is on GPU-a and the meters read GPU-b"):
        loading.check_gpus(two, "cuda:0")
    monkeypatch.setattr("joulemark.models.backend.placement.uuids", lambda device: ("GPU-b",))
    loading.check_gpus(two, "cuda:0")


def test_a_protocol_too_short_to_quote_from_says_so_on_its_runs_faces():
    clock = FakeClock()
    record = benched(a_run(clock, procedure=procedure(preliminary=True)), clock)
    assert "preliminary" in record.flags
    assert audit.verdict(record) == ("doubtful", "preliminary")
    assert caveats.EXPLAINED["preliminary"] in description.markdown(record, named_metrics.metrics(record))
    assert "preliminary" not in benched(a_run(clock), clock).flags
