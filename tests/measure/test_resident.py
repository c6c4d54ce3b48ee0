"""What a process keeps between runs, and which runs may share it: the loaded model must not depend on what differs."""

import ast
from dataclasses import replace

import pytest

from joulemark.analysis import caveats, flags, named_metrics
from joulemark.analysis.early_stopping import WindowScatter, early_stopped
from joulemark.core.model import BATCHING
from joulemark.core.task import Inputs
from joulemark.measure import runner
from joulemark.measure.draft import draft
from joulemark.measure.instruments import Instruments
from joulemark.measure.resident import Resident, refusal, shared_key, since, stale
from joulemark.sweep.validity import Validity
from tests.fakes import FakeClock, FakeMeter, FakeModel, procedure
from tests.measure.test_runner import SAMPLES, a_run
from tests.paths import ROOT

WH = "energy/total_wh_per_1k"
BASE = ("model=embedded_classifier", "task=text_classification", "batch_size=8")


class Waits(FakeModel):
    """Counts its loads."""

    loads = 0

    def load(self, task, device, settings):
        type(self).loads += 1
        return super().load(task, device, settings)


class Closes(FakeMeter):
    closed = 0

    def close(self):
        self.closed += 1


def several(count, clock, **changes):
    """Records of runs of one process, with its one model and meter."""
    resident, meter = Resident(), Closes(clock, {"cpu": 50.0})
    model = Waits(clock)
    Waits.loads = 0
    records = []
    for number in range(count):
        run = a_run(clock, [meter], model, **changes)
        begun = draft(run, Inputs(SAMPLES), shared_process=resident.process or "")
        clock.sleep(10.0 if number else 0.0)
        instruments = Instruments(clock=clock)
        records.append(runner.bench(run, begun, SAMPLES, lambda step, record: None, instruments, resident=resident))
    return records, meter


def test_a_further_run_loads_nothing_and_measures_no_baseline_of_its_own():
    records, meter = several(3, FakeClock())
    assert Waits.loads == 1
    assert meter.closed == 0  # the process has them open for the next run
    assert [record.status for record in records] == ["finished"] * 3
    first, second, _ = (named_metrics.metrics(record) for record in records)
    assert first["energy/load_wh"] > 0
    assert second["energy/load_wh"] is None
    assert second[WH] == pytest.approx(first[WH])
    assert second["power/idle_w"] == first["power/idle_w"]
    ages = [record.measurement.idle_age_s for record in records]
    assert ages[0] is None
    assert ages[2] > ages[1] > 10.0
    # what the baseline took is in the Wh of the run that measured it, once
    warmed = [record.measurement.warmup for record in records]
    assert second["energy/run_wh"] == pytest.approx(
        first["energy/run_wh"]
        - first["energy/load_wh"]
        - 50.0 * records[0].protocol.idle_s / 3600
        - (warmed[0][0].cpu_j - warmed[1][0].cpu_j) / 3600
    )
    assert second["energy/run_s"] < first["energy/run_s"]


def test_runs_of_one_process_name_it_and_decide_nothing():
    records, _ = several(2, FakeClock())
    assert {record.origin.shared_process for record in records} == {records[0].id}
    assert all(flags.SHARED_PROCESS in record.flags for record in records)
    assert flags.undeciding([flags.SHARED_PROCESS]) == flags.SHARED_PROCESS


def test_one_window_is_enough_only_where_the_process_knows_how_windows_scatter():
    plan = procedure(min_windows=3, max_windows=3, ci95_rel=1e-9, measure_max_s=1e6)
    beaten = ({WH: 1e-9, "latency/p95_s": 1e-9},)
    records, _ = several(6, FakeClock(), procedure=plan, early_stop_against=beaten)
    # two windows of each give one degree of freedom; with four the next ones need one window
    assert [len(record.measurement.windows) for record in records] == [2, 2, 2, 2, 1, 1]
    assert [record.measurement.window_half_rel for record in records] == [None] * 4 + [pytest.approx(0.0)] * 2
    assert "one window" in " ".join(caveats.warnings(records[-1]))


def test_one_window_stops_a_run_only_beyond_its_interval_by_the_known_scatter():
    records, _ = several(1, FakeClock())
    measured = replace(records[0].measurement, windows=records[0].measurement.windows[:1])
    known = named_metrics.metrics(records[0])[WH]
    ten_percent = WindowScatter(0.1, 4)  # 2.776 * 10 % either side
    assert early_stopped(measured, ({WH: known * 0.70},), ten_percent)
    assert not early_stopped(measured, ({WH: known * 0.75},), ten_percent)
    assert not early_stopped(measured, ({WH: known * 0.10},), WindowScatter(0.1, 3))
    assert not early_stopped(measured, ({WH: known * 0.10},))


def test_a_run_counts_what_it_decoded_itself():
    before = {"preprocessing": {"version": "1", "decoded_by": {"card": 90}, "host_inputs": 3}}
    now = {"preprocessing": {"version": "1", "decoded_by": {"card": 100, "PIL": 2}, "host_inputs": 5}}
    assert since(before, now) == {
        "preprocessing": {"version": "1", "decoded_by": {"card": 10, "PIL": 2}, "host_inputs": 2}
    }


@pytest.fixture(scope="module")
def run_of():
    composed = Validity()
    return lambda *further: composed.run([*BASE, *further])


def test_runs_that_differ_in_what_only_batches_depend_on_share_a_model(run_of):
    for same in (
        "batch_size=32",
        "sort=length",
        "prefetch=2",
        "batch_tokens=512",
        "sweep_id=other",
        "shared_host=true",
    ):
        assert refusal(run_of(), run_of(same)) is None
        assert shared_key([*BASE, same]) == shared_key(BASE)


def test_runs_that_differ_in_anything_else_do_not(run_of):
    for other in ("samples=10", "seed=1", "attention=eager", "protocol=demo"):
        assert "differs" in refusal(run_of(), run_of(other)), other
        assert shared_key([*BASE, other]) != shared_key(BASE)


def test_a_model_that_was_not_tried_with_batches_serves_none(run_of):
    one = run_of("batch_size=1")
    assert stale(one, run_of())
    assert not stale(run_of(), one)


def test_runs_that_feed_the_model_otherwise_share_the_process_and_load_it_anew(run_of):
    for other in ("preprocessing=fast", "pad_to_multiple_of=8"):
        assert refusal(run_of(), run_of(other)) is None, other
        assert stale(run_of(), run_of(other)), other
    assert not stale(run_of(), run_of("batch_size=32", "prefetch=2", "sort=length"))
    assert refusal(run_of(), run_of("precision=bf16")) is None
    assert stale(run_of(), run_of("precision=bf16"))
    quantized = replace(run_of(), settings=replace(run_of().settings, precision="int8"))
    assert "quantized weights" in refusal(run_of(), quantized)
    assert "quantized weights" in refusal(quantized, run_of())
    assert refusal(quantized, quantized) is None
    recorded = replace(run_of(), settings=replace(run_of().settings, compile="cudagraphs"))
    assert refusal(run_of(), recorded) is None
    assert stale(recorded, recorded)  # the graphs of one setting are not those of another


def test_a_compiled_model_is_not_shared(run_of):
    compiled = replace(run_of(), settings=replace(run_of().settings, compile=True))
    assert refusal(compiled, compiled).startswith("compile=true")
    assert refusal(run_of(), compiled).startswith("compile=true")


def test_a_model_that_is_loaded_anew_is_metered_and_has_the_processes_baseline():
    clock, resident = FakeClock(), Resident()
    meter, model, records = Closes(clock, {"cpu": 50.0}), Waits(clock), []
    Waits.loads = 0
    for preprocessing in ("transformers", "fast", "fast"):
        run = a_run(clock, [meter], model)
        run = replace(run, settings=replace(run.settings, preprocessing=preprocessing))
        begun = draft(run, Inputs(SAMPLES), shared_process=resident.process or "")
        instruments = Instruments(clock=clock)
        records.append(runner.bench(run, begun, SAMPLES, lambda step, record: None, instruments, resident=resident))
    assert Waits.loads == 2
    loads = [named_metrics.metrics(record)["energy/load_wh"] for record in records]
    assert loads[0] == pytest.approx(loads[1])
    assert loads[2] is None
    assert records[0].measurement.idle == records[1].measurement.idle
    assert [record.measurement.idle_age_s is None for record in records] == [True, False, False]


def test_no_model_reads_what_may_differ_when_it_is_loaded():
    """But whether batches are asked for at all (`batch_size > 1`), which `refusal` knows."""
    for path in sorted((ROOT / "src" / "joulemark" / "models").rglob("*.py")):
        if path.name == "shape_work.py":  # the work of a model by its shape alone: loads none
            continue
        tree = ast.parse(path.read_text())
        allowed = {
            id(node.left)
            for node in ast.walk(tree)
            if isinstance(node, ast.Compare) and ast.unparse(node) == "settings.batch_size > 1"
        }
        allowed |= {
            id(part.value)
            for node in ast.walk(tree)
            if isinstance(node, ast.JoinedStr)
            for part in node.values
            if isinstance(part, ast.FormattedValue)
        }  # sentences of a refusal
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr in BATCHING and ast.unparse(node.value) == "settings":
                assert id(node) in allowed, f"{path.name}:{node.lineno}: {node.attr} enters the load"
