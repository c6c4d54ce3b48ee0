"""Two runs held against each other: which may be, what is said, and what the exit code means."""

import json
import random
import subprocess
import sys
from dataclasses import replace

import pytest

from joulemark.analysis.comparison import compare, differences, same_card
from joulemark.analysis.regression import regression
from joulemark.cli import compare as command
from joulemark.core.errors import UserError
from joulemark.core.measurement import Window
from joulemark.core.record_json import to_json
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


def test_the_run_that_costs_less_is_named_and_swapping_swaps_it():
    frugal, greedy = run_of(100), run_of(120, seed=1)
    found, swapped = compare(frugal, greedy), compare(greedy, frugal)
    assert (found.verdict, swapped.verdict) == ("A", "B")
    assert swapped.difference.difference == pytest.approx(-found.difference.difference)
    assert found.difference.ratio == pytest.approx(100 / 120, rel=0.03)


def test_a_run_against_itself_is_a_tie():
    found = compare(run_of(100), run_of(100))
    assert (found.verdict, found.difference.difference) == ("tie", 0.0)
    assert compare(RECORD, RECORD).verdict == "tie"


def test_what_overlaps_is_a_tie_also_where_welch_would_part_it():
    noisy, other = run_of(100, spread=0.02, seed=3, windows=9), run_of(102.2, spread=0.02, seed=4, windows=9)
    assert compare(noisy, other).difference.sign == -1  # the difference alone would do
    assert (compare(noisy, other).verdict, compare(noisy, other).note) == ("tie", "their intervals overlap")


def test_less_than_ten_percent_across_cards_is_a_tie_and_on_one_card_it_is_not():
    assert compare(run_of(100), run_of(108, seed=1)).verdict == "A"
    across = compare(run_of(100), run_of(108, seed=1, card="GPU-2"))
    assert (across.verdict, "two cards" in across.note) == ("tie", True)
    assert compare(run_of(108, seed=1, card="GPU-2"), run_of(100)).verdict == "tie"
    assert compare(run_of(100), run_of(125, seed=1, card="GPU-2")).verdict == "A"


def test_one_window_gives_no_verdict():
    for a, b in ((1, 5), (5, 1), (1, 1)):
        assert compare(run_of(100, windows=a), run_of(200, windows=b)).verdict == "unknown"


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
    found = compare(a, changed(a, part, **values))
    assert found.verdict == "unknown"
    assert found.difference is None
    assert len(found.reasons) == 1
    assert found.reasons[0].startswith(says)


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
    a = run_of(100)
    b = run_of(130, seed=1, windows=7, model=replace(a.model, name="other", weights="random"))
    b = changed(changed(b, "settings", precision="bf16", batch_size=64), "protocol", name="x", max_windows=99)
    b = changed(b, "task", seed=9)
    assert compare(a, b).verdict == "A"


@pytest.mark.parametrize(
    ("a", "b", "regress", "loss", "code"),
    [
        ({}, {}, 0.0, None, 0),
        ({}, {"mean_w": 110, "seed": 1}, 0.03, None, 1),
        ({}, {"mean_w": 110, "seed": 1}, 0.2, None, 0),
        ({"mean_w": 110}, {"seed": 1}, 0.0, None, 0),  # cheaper is no regression
        ({}, {"mean_w": 100.3, "seed": 1}, 0.0, None, 0),  # noise is none either
        ({}, {"windows": 1}, 0.03, None, 2),  # not known is not passed
        ({}, {"quality": 0.8}, None, 0.05, 1),
        ({}, {"quality": 0.89}, None, 0.05, 0),
        ({}, {"quality": 0.95}, None, 0.0, 0),
        ({}, {"quality": None}, None, 0.05, 2),
        ({}, {"quality": 0.8}, 0.03, 0.05, 1),
        ({}, {"mean_w": 150}, None, None, 0),  # nothing was asked
    ],
)
def test_the_exit_code_says_what_ci_asked(a, b, regress, loss, code):
    found = compare(run_of(**{"mean_w": 100, **a}), run_of(**{"mean_w": 100, **b}))
    regressed = regression(found, regress, loss).regressed
    assert (2 if regressed is None else int(regressed)) == code


def test_runs_that_do_not_compare_are_both_shown_with_the_reason_and_exit_code_2(tmp_path, capsys):
    a = run_of(100)
    b = changed(a, "task", digest="other")
    assert command.run([*files(tmp_path, a, b), "--max-regress", "99%"]) == 2
    printed = capsys.readouterr().out
    assert "do not compare: task digest" in printed
    assert "energy/total_wh_per_1k" in printed
    last = json.loads(printed.splitlines()[-1])
    assert (last["verdict"], last["exit"], last["energy_j_per_inference"]) == ("unknown", 2, None)


def files(folder, *records):
    paths = [folder / f"{number}.json" for number in range(len(records))]
    for path, record in zip(paths, records, strict=True):
        path.write_text(json.dumps(to_json(record)))
    return [str(path) for path in paths]


def test_the_command_prints_both_runs_the_interval_and_the_verdict_and_ends_in_json(tmp_path):
    words = [*files(tmp_path, run_of(100), run_of(120, seed=1)), "--max-regress", "3%"]
    done = subprocess.run([sys.executable, "-m", "src.compare", *words], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    for part in ("A  fake", "latency/p50_s", "quality/primary", "A - B: -", "95 %", "verdict: A costs less", "3.00%"):
        assert part in done.stdout, part
    last = json.loads(done.stdout.splitlines()[-1])
    assert (last["verdict"], last["exit"]) == ("A", 1)


def test_a_record_that_was_set_aside_can_be_compared(tmp_path):
    path = tmp_path / "aside.json"
    path.write_text(json.dumps({"record": to_json(RECORD), "params": {}}))
    assert to_json(load(str(path), None)[1]) == to_json(RECORD)


@pytest.mark.processes
@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["nowhere.json", "x"], "nowhere.json is not a file"),
        (["a"], "the following arguments are required: B"),
        (["a", "b", "--max-regress", "3"], "3 is no share; type 3% or 0.03"),
        (["a", "b", "--max-regress", "-3%"], "expected one argument"),
        (["a", "b", "--max-regress", "some"], "is no share"),
        (["a", "b", "--tracking-uri", "sqlite:////tmp/no/such/place.db"], "holds no runs yet"),
    ],
)
def test_a_mistake_is_one_line(words, says):
    with pytest.raises(UserError, match=says) as error:
        command.run(words)
    assert "\n" not in str(error.value)


def test_a_file_that_is_no_record_is_refused(tmp_path):
    for text in ("[]", "{", "{}"):
        path = tmp_path / "x.json"
        path.write_text(text)
        with pytest.raises(UserError, match="record"):
            load(str(path), None)


@pytest.mark.servers
def test_runs_of_the_store_are_named_by_the_beginning_of_their_ids(tmp_path, capsys):
    from joulemark.store import opening, records

    uri = f"sqlite:///{tmp_path}/mlflow.db"
    opened = opening.open_store(uri, "text_classification")
    ids = [records.save(opened, record, {})["run_id"] for record in (run_of(100), run_of(120, seed=1))]
    assert command.run([ids[0][:12], ids[1][:12], "--tracking-uri", uri]) == 0
    assert "verdict: A costs less" in capsys.readouterr().out
    with pytest.raises(UserError, match="is not in the store"):
        command.run([ids[0], "zzz", "--tracking-uri", uri])


def test_a_run_on_two_cards_does_not_compare_with_one_on_the_first_of_them():
    one = run_of(100)
    two = replace(one, hardware=replace(one.hardware, beside=((1, "GPU-2"),)))
    assert any("2 x NVIDIA H100" in reason for reason in differences(one, two))
    assert same_card(two, two)
    assert not same_card(two, replace(two, hardware=replace(two.hardware, beside=((1, "GPU-3"),))))
