"""Two runs held against each other: which may be, what is said, and what the exit code means."""

import json
import random
import subprocess
import sys
from dataclasses import replace

import pytest

from joulemark.analysis import comparability
from joulemark.analysis.comparability import card, differences
from joulemark.analysis.comparison import compare
from joulemark.analysis.description import titles
from joulemark.analysis.regression import regression
from joulemark.cli import compare as command
from joulemark.core.errors import UserError
from joulemark.core.measurement import Window
from joulemark.core.record import Request
from joulemark.core.record_json import to_json
from joulemark.hardware import host
from joulemark.store.loading import load
from tests.paths import ROOT
from tests.records import a_record

RECORD = a_record()


def run_of(mean_w, spread=0.01, windows=5, seed=0, card="GPU-1", quality=0.9, **changes):
    """The whole record with windows of known GPU watts around a mean, read by a card's counter."""
    draw = random.Random(seed)
    (first, *_) = RECORD.measurement.windows
    reading = replace(first.readings[0], meter="nvml", cpu_j=None, ram_j=None, method={"gpu": "counter"})

    def window() -> Window:
        watts = mean_w * (1 + spread * draw.gauss(0, 1))
        return replace(first, readings=(replace(reading, gpu_j=watts * reading.duration_s),))

    record = replace(
        RECORD,
        hardware=replace(RECORD.hardware, gpu_name="NVIDIA H100", uuid=card),
        measurement=replace(RECORD.measurement, windows=tuple(window() for _ in range(windows))),
        scores={"primary": quality},
    )
    return replace(record, **changes)


def cell_of(mean_w, count=3, seed=0, between=0.005, **options):
    """The records of some processes, whose means scatter around one."""
    draw = random.Random(1000 + seed)
    return [run_of(mean_w * (1 + between * draw.gauss(0, 1)), seed=seed + n, **options) for n in range(count)]


def test_the_cell_that_costs_less_is_named_and_swapping_swaps_it():
    frugal, greedy = cell_of(100), cell_of(120, seed=10)
    result, swapped = compare(frugal, greedy), compare(greedy, frugal)
    assert (result.verdict, swapped.verdict) == ("A", "B")
    assert result.energy.ratio == pytest.approx(1.2, rel=0.03)
    assert swapped.energy.ratio == pytest.approx(1 / result.energy.ratio)


def test_a_run_against_itself_is_a_tie():
    assert compare(run_of(100), run_of(100)).verdict == "tie"


def test_windows_of_one_process_establish_nothing_however_many_they_are():
    result = compare(run_of(100, windows=10), run_of(200, windows=10, seed=1))
    assert (result.verdict, result.energy.indicated) == ("not established", "A")
    assert "repeats=" in result.note


@pytest.mark.parametrize(
    "changes", [{"flags": ("not_converged",)}, {"flags": ("preliminary",)}, {"status": "failed", "error": "x"}]
)
def test_a_process_that_decides_nothing_is_left_out_and_named(changes):
    bad = run_of(900, seed=50, **changes)
    result = compare([*cell_of(100), bad], cell_of(120, seed=10))
    assert (result.verdict, result.cells[0].processes) == ("A", 3)
    assert len(result.left_out) == 1
    assert result.left_out[0].startswith("A4: ")
    assert compare([*cell_of(100, count=2), bad], cell_of(120, seed=10)).verdict == "not established"


def test_sides_of_which_nothing_is_left_are_named():
    bad = run_of(900, seed=50, flags=("not_converged",))
    assert compare([bad, bad], cell_of(120, seed=10)).note == "every process of A is left out"
    assert compare([bad], [bad, bad]).note == "every process of A and B is left out"


def test_less_than_ten_percent_across_cards_is_a_tie_and_on_one_card_it_is_not():
    assert compare(cell_of(100), cell_of(108, seed=10)).verdict == "A"
    across = compare(cell_of(100), cell_of(108, seed=10, card="GPU-2"))
    assert (across.verdict, "two cards" in across.note) == ("tie", True)
    assert compare(cell_of(100), cell_of(125, seed=10, card="GPU-2")).verdict == "A"


def test_a_side_of_two_settings_is_no_cell():
    mixed = [run_of(100), changed(run_of(101, seed=1), "settings", batch_size=64)]
    (reason,) = compare(mixed, run_of(100)).reasons
    assert reason.startswith("A is not one setting: batch_size ")


def on_a_shared_host(record, utilization):
    window = record.measurement.windows[0]
    windows = tuple(
        replace(each, readings=(replace(each.readings[0], gpu_utilization=utilization),))
        for each in record.measurement.windows
    )
    assert window
    return replace(
        record,
        measurement=replace(record.measurement, windows=windows),
        origin=replace(record.origin, shared_host=True),
    )


@pytest.mark.parametrize(("utilization", "quantity"), [(0.2, "dynamic"), (0.8, "gross")])
def test_dynamic_energy_is_compared_where_the_gpu_mostly_waits_on_a_shared_host(utilization, quantity):
    a, b = (on_a_shared_host(run_of(100, seed=seed), utilization) for seed in (0, 1))
    result = compare(a, b)
    assert result.quantity == quantity
    assert result.quantity_reason
    assert compare(a, b, "gross").quantity == "gross"
    assert compare(run_of(100), run_of(110)).quantity == "gross"


@pytest.mark.parametrize(
    ("flag", "quantity"), [("host_busy", "dynamic"), ("shared", "dynamic"), ("truncated", "gross")]
)
def test_a_host_that_others_kept_busy_is_a_shared_one(flag, quantity):
    a, b = (on_a_shared_host(run_of(100, seed=seed, flags=(flag,)), 0.2) for seed in (0, 1))
    alone = [replace(record, origin=replace(record.origin, shared_host=False)) for record in (a, b)]
    assert compare(*alone).quantity == quantity


def test_a_process_that_decides_nothing_does_not_choose_what_is_compared():
    a, b = (on_a_shared_host(run_of(100, seed=seed), 0.2) for seed in (0, 1))
    alone = [replace(record, origin=replace(record.origin, shared_host=False)) for record in (a, b)]
    bad = replace(a, flags=("contaminated",))
    assert compare([*alone[:1], bad], alone[1]).quantity == "gross"


def test_a_quantity_that_is_none_is_refused():
    with pytest.raises(UserError, match="quantity=net: must be gross or dynamic"):
        compare(run_of(100), run_of(100), "net")


def changed(record, part, **values):
    return replace(record, **{part: replace(getattr(record, part), **values)})


@pytest.mark.parametrize(
    ("part", "values", "says"),
    [
        ("task", {"digest": "other"}, "task digest: "),
        ("task", {"max_new_tokens": 99}, "task max_new_tokens: 4 and 99"),
        ("protocol", {"window_s": 99.0}, "protocol window_s: 10.0 and 99.0"),
        ("protocol", {"idle_s": 0.0}, "protocol idle_s: 5.0 and 0.0"),
        ("task", {"samples": 7}, "samples: 3 and 7"),
        ("hardware", {"gpu_name": "NVIDIA A100"}, "device: NVIDIA H100 and NVIDIA A100"),
    ],
)
def test_what_was_asked_or_measured_otherwise_is_refused_with_the_difference(part, values, says):
    a = run_of(100)
    result = compare(a, changed(a, part, **values))
    assert (result.verdict, result.energy) == ("unknown", None)
    assert len(result.reasons) == 1
    assert result.reasons[0].startswith(says)


def test_another_sensor_or_boundary_is_refused():
    a = run_of(100)
    (window, *_) = a.measurement.windows
    for reading in (
        replace(window.readings[0], method={"gpu": "sampled"}),
        replace(window.readings[0], meter="codecarbon"),
        replace(window.readings[0], cpu_j=1.0, method={"gpu": "counter", "cpu": "estimated"}),
    ):
        other = replace(a.measurement, windows=tuple(replace(window, readings=(reading,)) for _ in range(3)))
        (reason,) = compare(a, replace(a, measurement=other)).reasons
        assert reason.startswith("sensor ")


def test_two_prompts_are_refused_but_a_prompt_and_none_are_what_is_compared():
    prompts = [changed(run_of(100), "task", prompt=prompt) for prompt in (None, "{text}?", "{text}!")]
    assert compare(prompts[0], prompts[1]).reasons == ()
    assert compare(prompts[1], prompts[2]).reasons == ("task prompt: {text}? and {text}!",)


def test_a_failed_run_is_refused_with_its_reason():
    failed = run_of(100, status="failed", error="the audit failed")
    assert compare(run_of(100), failed).reasons == ("B is failed: the audit failed",)


def test_model_precision_batch_and_how_many_windows_may_differ():
    a, b = cell_of(100), []
    for record in cell_of(130, seed=10, windows=7):
        other = replace(record, model=replace(record.model, name="other", weights="random"))
        other = changed(changed(other, "settings", precision="bf16", batch_size=64), "protocol", name="x")
        b.append(changed(other, "task", seed=9))
    assert compare(a, b).verdict == "A"


def answered(records, correct, count=200):
    requests = tuple(Request(str(n), "", "", float(n < correct), 1, 0.1) for n in range(count))
    return [replace(each, requests=requests, scores={"primary": correct / count}) for each in records]


@pytest.mark.parametrize(
    ("b", "correct", "regress", "loss", "code"),
    [
        ({"mean_w": 100}, 180, 0.05, None, 0),
        ({"mean_w": 110}, 180, 0.03, None, 1),
        ({"mean_w": 110}, 180, 0.2, None, 0),
        ({"mean_w": 90}, 180, 0.0, None, 0),  # cheaper is no regression
        ({"mean_w": 100, "between": 0.1}, 180, 0.03, None, 3),  # may be more
        ({"mean_w": 200, "count": 1}, 180, 0.03, None, 3),  # not known is not passed
        ({"mean_w": 100}, 140, None, 0.05, 1),
        ({"mean_w": 100}, 178, None, 0.05, 0),
        ({"mean_w": 100}, 190, None, 0.0, 0),
        ({"mean_w": 100}, 178, None, 0.0, 3),  # two of 200 fewer is noise
        ({"mean_w": 100}, 172, None, 0.05, 3),  # 4.4 %, which may as well be 7
        ({"mean_w": 100}, 170, None, 0.05, 3),  # worse, and not established to be worse by more than 5 %
        ({"mean_w": 100}, None, None, 0.05, 3),
        ({"mean_w": 110}, 140, 0.03, 0.05, 1),
        ({"mean_w": 150}, 180, None, None, 0),  # nothing was to be held
    ],
)
def test_the_exit_code_says_what_ci_asked(b, correct, regress, loss, code):
    records = cell_of(**{"seed": 10, **b})
    records = (
        [replace(each, scores={"primary": None}) for each in records] if correct is None else answered(records, correct)
    )
    comparison = compare(answered(cell_of(100), 180), records)
    assert command.EXIT[regression(comparison, regress, loss).outcome] == code


def test_runs_that_do_not_compare_are_both_shown_with_the_reason_and_exit_code_2(tmp_path, capsys):
    a = run_of(100)
    b = changed(a, "task", digest="other")
    assert command.run([*files(tmp_path, a, b), "--max-regress", "99%"]) == 2
    printed = capsys.readouterr().out
    assert "do not compare: task digest" in printed
    assert "energy/total_wh_per_1k" in printed
    last = json.loads(printed.splitlines()[-1])
    assert (last["verdict"], last["exit"], last["energy"]) == ("unknown", 2, None)


def files(folder, *records):
    folder.mkdir(exist_ok=True)
    paths = [folder / f"{number}.json" for number in range(len(records))]
    for path, record in zip(paths, records, strict=True):
        path.write_text(json.dumps(to_json(record)))
    return [str(path) for path in paths]


@pytest.mark.processes
def test_the_command_prints_both_cells_the_interval_and_the_verdict_and_ends_in_json(tmp_path):
    a, b = (",".join(files(tmp_path / name, *side)) for name, side in (("a", cell_of(100)), ("b", cell_of(120, 3, 10))))
    argv = [a, b, "--max-regress", "3%", "--needed", "5%"]
    done = subprocess.run([sys.executable, "-m", "src.compare", *argv], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    for part in ("A  fake", "(3 processes)", "latency/p50_s", "between processes", "verdict: A costs less", "3.00%"):
        assert part in done.stdout, part
    last = json.loads(done.stdout.splitlines()[-1])
    assert (last["verdict"], last["exit"], last["gate"], last["processes"]) == ("A", 1, "regressed", [3, 3])
    assert last["needed"]["processes"] >= 3


def test_how_many_processes_are_needed_is_unknown_where_nothing_was_repeated(tmp_path, capsys):
    assert command.run([*files(tmp_path, run_of(100), run_of(120, seed=1)), "--needed", "3%"]) == 0
    printed = capsys.readouterr().out
    assert "verdict: not established" in printed
    assert json.loads(printed.splitlines()[-1])["needed"]["processes"] is None


def test_a_record_that_was_set_aside_can_be_compared(tmp_path):
    path = tmp_path / "aside.json"
    path.write_text(json.dumps({"record": to_json(RECORD), "params": {}}))
    assert to_json(load(str(path), None)[1]) == to_json(RECORD)


@pytest.mark.processes
@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["nowhere.json", "x"], "nowhere.json is not a file"),
        (["a"], "the following arguments are required: B"),
        (["a", "b", "--max-regress", "3"], "3 is no share; type 3% or 0.03"),
        (["a", "b", "--max-regress", "-3%"], "expected one argument"),
        (["a", "b", "--max-regress", "some"], "is no share"),
        (["a", "b", "--tracking-uri", "sqlite:////tmp/no/such/place.db"], "holds no runs yet"),
    ],
)
def test_a_mistake_is_one_line(argv, says):
    with pytest.raises(UserError, match=says) as error:
        command.run(argv)
    assert "\n" not in str(error.value)


def test_a_file_that_is_no_record_is_refused(tmp_path):
    for text in ("[]", "{", "{}"):
        path = tmp_path / "x.json"
        path.write_text(text)
        with pytest.raises(UserError, match="record"):
            load(str(path), None)


@pytest.mark.servers
def test_a_run_of_the_store_stands_for_its_cell_unless_it_is_taken_alone(tmp_path, capsys):
    from joulemark.store import opening, records

    uri = f"sqlite:///{tmp_path}/mlflow.db"
    opened = opening.open_store(uri, "text_classification")
    sides = cell_of(100), [changed(each, "settings", batch_size=64) for each in cell_of(120, seed=10)]
    ids = [
        [records.save(opened, replace(each, id=f"{n}{m}"), {})["run_id"] for m, each in enumerate(side)]
        for n, side in enumerate(sides)
    ]
    argv = [ids[0][0][:12], ids[1][0][:12], "--tracking-uri", uri]
    assert command.run([*argv, "--needed", "5%"]) == 0
    printed = capsys.readouterr().out
    assert "pooled over 2 settings measured here, 4 degrees of freedom" in printed
    assert "verdict: A costs less" in printed
    assert json.loads(printed.splitlines()[-1])["processes"] == [3, 3]
    assert command.run([*argv, "--alone"]) == 0
    assert "verdict: not established" in capsys.readouterr().out
    with pytest.raises(UserError, match="is not in the store"):
        command.run([ids[0][0], "zzz", "--tracking-uri", uri])


def test_a_run_on_two_cards_does_not_compare_with_one_on_the_first_of_them():
    one = run_of(100)
    two = replace(one, hardware=replace(one.hardware, beside=((1, "GPU-2"),)))
    assert any("2 x NVIDIA H100" in reason for reason in differences(one, two))
    assert card(two) != card(replace(two, hardware=replace(two.hardware, beside=((1, "GPU-3"),))))


def test_another_number_of_threads_is_another_cell_that_compares_and_reads_apart():
    first, second = (
        replace(RECORD, environment=replace(RECORD.environment, omp_threads=threads)) for threads in (1, 2)
    )
    assert comparability.cell_of(first) != comparability.cell_of(second)
    assert list(differences(first, second)) == []
    assert [title.rpartition(", ")[2] for title in titles([first, second])] == [
        "OMP_NUM_THREADS=1",
        "OMP_NUM_THREADS=2",
    ]
    assert "A is not one setting: OMP_NUM_THREADS 1 and 2" in compare([first, second], first).reasons


@pytest.mark.parametrize(("typed", "threads"), [(None, None), ("", None), ("2", 2), ("4,2", 4), ("many", None)])
def test_the_threads_of_an_operation_are_those_that_were_typed(monkeypatch, typed, threads):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if typed is not None:
        monkeypatch.setenv("OMP_NUM_THREADS", typed)
    assert host.omp_threads() == host.snapshot().omp_threads == threads
