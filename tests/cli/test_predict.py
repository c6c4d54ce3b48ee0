"""joulemark predict: a number for a model that nobody measured here, labelled so, refused where nothing teaches it."""

import json
import sys
from dataclasses import replace

import pytest

from joulemark.analysis import lower_bound
from joulemark.analysis.external import formats
from joulemark.cli import predict
from joulemark.core.calibration import Calibration, Rate
from joulemark.core.errors import UserError
from joulemark.core.measurement import Measurement, Reading, Window, Work
from joulemark.core.record import Request
from joulemark.core.record_json import from_text
from joulemark.measure.draft import draft
from joulemark.models.backend import shape_work
from joulemark.models.backend.shape_work import Lengths
from joulemark.reporting import predicted
from joulemark.store import listing
from joulemark.store.listing import StoredRun
from tests.composed import built

OPTIONS = ("model=embedded_classifier", "hardware=cpu", "batch_size=2", "samples=4")
WORK = Work(2e6, 1e5)
# A processor that idles at 10 W, does 1e9 FLOP/s at 20 W and moves 1e9 bytes/s at 20 W: WORK is bound by 0.041 J
PRICES = Calibration(
    "cpu-a CPU", "a CPU", "cpu", "rapl", "rapl", None, 10.0, {"fp32": Rate(1e9, 1.0, 20.0)}, Rate(1e9, 1.0, 20.0),
    "2026-11-30", 1024,
)  # fmt: skip
BOUND_J = 2e6 * 1e-8 + 1e5 * 1e-8 + 10.0 * 2e-3


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.setenv("JOULEMARK_HOME", str(tmp_path))
    monkeypatch.setattr("joulemark.hardware.host.cpu_name", lambda: "a CPU")
    lower_bound.save(PRICES, tmp_path / "calibration")


@pytest.fixture
def like():
    return draft(built(*OPTIONS))


def measured(like, model, ratio, **changes):
    """A finished run of another model that took so many times its lower bound."""
    joules = BOUND_J * ratio * 100
    reading = Reading("rapl", 10.0, cpu_j=joules, ram_j=joules, method={"cpu": "rapl", "ram": "rapl"})
    row = Request("a", "x", None, None, 1, 0.1, input_tokens=12)
    return replace(
        like,
        id=model,
        status="finished",
        model=replace(like.model, name=model, checkpoint=model),
        measurement=Measurement(windows=(Window(10.0, (reading,), 1, 100, 100, [0.1] * 100),), work=WORK),
        requests=(row,),
        **changes,
    )


@pytest.fixture
def store(monkeypatch):
    """A store that holds these records, whatever card they are of."""
    held = []

    def listed(uri, choice, params):
        for record in held:
            yield StoredRun(record.id, "1", "", 0, "FINISHED", {}, {"record.id": "r", "model": record.model.name}, {})

    monkeypatch.setattr(listing, "runs", listed)
    monkeypatch.setattr(listing, "record", lambda uri, run: next(each for each in held if each.id == run.run_id))
    return held


def elsewhere(like):
    """A run of the model itself with other settings' energies: it tells the work, and nothing of this card."""
    return replace(measured(like, like.model.name, 99.0), flags=("contaminated",), model=like.model, id="own")


def test_the_prediction_is_the_bound_of_its_own_work_times_what_other_models_took(like, store, capsys):
    store += [measured(like, f"m{place}", ratio) for place, ratio in enumerate((2.0, 3.0, 3.0, 3.0, 4.0))]
    store.append(replace(elsewhere(like), measurement=replace(elsewhere(like).measurement, work=Work(4e6, 2e5))))
    assert predict.run(OPTIONS) == 0
    shown = capsys.readouterr().out
    line = json.loads(shown.splitlines()[-1])
    device, total = line["predicted"]["device"], line["predicted"]["total"]
    assert line["status"] == "predicted"
    assert device["j_per_request"] == pytest.approx(2 * BOUND_J * 3.0)
    assert total["j_per_request"] == pytest.approx(2 * device["j_per_request"])
    assert device["low_j"] < device["j_per_request"] < device["high_j"]
    assert line["learnt_from"] == [f"m{place}" for place in range(5)]
    assert line["work"]["source"] == predicted.COUNTED
    assert shown.startswith("predicted, not measured: embedded_classifier")
    assert "no report, comparison or sweep ranks a prediction" in shown


def test_with_few_models_there_is_no_interval_and_it_is_said(like, store, capsys):
    store += [measured(like, "m1", 2.0), measured(like, "m2", 4.0), elsewhere(like)]
    predict.run(OPTIONS)
    shown = capsys.readouterr().out
    assert json.loads(shown.splitlines()[-1])["predicted"]["device"]["low_j"] is None
    assert "no interval: 2 measured models could be left out and predicted, an error takes 4" in shown


def test_a_model_that_was_measured_here_is_pointed_to_and_does_not_predict_itself(like, store, capsys):
    store += [measured(like, "m1", 2.0), measured(like, like.model.name, 50.0)]
    store[1] = replace(store[1], model=like.model, id="abcdef0123")
    predict.run(OPTIONS)
    shown = capsys.readouterr().out
    assert json.loads(shown.splitlines()[-1])["predicted"]["device"]["ratio"] == pytest.approx(2.0)
    assert "this model was measured on this card with such settings (record abcdef01)" in shown


def test_a_model_that_another_option_named_is_the_same_and_does_not_predict_itself(like, store, capsys):
    again = replace(measured(like, "the same by its id", 50.0), model=replace(like.model, name="the same by its id"))
    store += [measured(like, "m1", 2.0), again, elsewhere(like)]
    predict.run(OPTIONS)
    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (line["learnt_from"], line["predicted"]["device"]["ratio"]) == (["m1"], pytest.approx(2.0))
    assert any("this model was measured on this card" in note for note in line["notes"])


@pytest.mark.parametrize(("times", "far"), [(1.0, False), (2.5, False), (10.0, True), (0.1, True)])
def test_a_model_far_from_all_that_taught_is_told_that_the_interval_does_not_hold_it(like, store, capsys, times, far):
    store += [measured(like, f"m{place}", 2.0) for place in range(4)]
    work = Work(2e6 * times, 1e5 * times)
    store.append(replace(elsewhere(like), measurement=replace(elsewhere(like).measurement, work=work)))
    predict.run(OPTIONS)
    notes = json.loads(capsys.readouterr().out.splitlines()[-1])["notes"]
    assert any("the interval does not hold it" in note for note in notes) is far


def test_a_total_that_is_learnt_from_estimates_says_so(like, store, capsys):
    taught = measured(like, "m1", 2.0)
    (window,) = taught.measurement.windows
    half = replace(window, readings=(replace(window.readings[0], method={"cpu": "rapl", "ram": "constant"}),))
    store += [replace(taught, measurement=replace(taught.measurement, windows=(half,))), elsewhere(like)]
    predict.run(OPTIONS)
    notes = json.loads(capsys.readouterr().out.splitlines()[-1])["notes"]
    assert "all components: up to 50% of what it is learnt from was estimated, not measured" in notes
    store[0] = taught
    predict.run(OPTIONS)
    assert not any("estimated" in note for note in json.loads(capsys.readouterr().out.splitlines()[-1])["notes"])


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ((), "no other model was measured on this card"),
        (("precision=bf16",), "precision=bf16 is not calibrated on this device; choose from: fp32"),
        (("scenario=server", "scenario.rate=1"), "only fixed batches are predicted"),
        (("-m",), "-m: one model and one setting are predicted at a time"),
        (("--batch_size", "8"), "options are written batch_size=8"),
        (("model=nothing",), "model=nothing does not exist"),
    ],
)
def test_what_cannot_be_predicted_is_refused_in_one_line(options, says, store):
    with pytest.raises(UserError, match=says) as refused:
        predict.run([*OPTIONS, *options])
    assert "\n" not in str(refused.value)


def test_without_a_calibration_there_is_no_prediction(tmp_path, like, store):
    store.append(measured(like, "m1", 2.0))
    (tmp_path / "calibration" / "cpu-a-CPU.json").unlink()
    with pytest.raises(UserError, match=r"a CPU has no calibration, which prices its work; type .*calibrate"):
        predict.run(OPTIONS)


def test_runs_that_no_sensor_measured_teach_nothing(like, store, capsys):
    taught = measured(like, "m1", 2.0)
    (window,) = taught.measurement.windows
    guessed = replace(window, readings=(replace(window.readings[0], method={"cpu": "estimated", "ram": "constant"}),))
    store.append(replace(taught, measurement=replace(taught.measurement, windows=(guessed,))))
    with pytest.raises(UserError, match="no other model was measured"):
        predict.run(OPTIONS)
    store += [measured(like, "m2", 3.0), elsewhere(like)]
    predict.run(OPTIONS)
    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (line["learnt_from"], line["predicted"]["device"]["ratio"]) == (["m2"], pytest.approx(3.0))


def test_a_prediction_is_no_record_so_nothing_can_rank_it(like, store, capsys, tmp_path):
    store += [measured(like, "m1", 2.0), elsewhere(like)]
    before = sorted(tmp_path.rglob("*"))
    predict.run(OPTIONS)
    assert sorted(tmp_path.rglob("*")) == before  # nothing is kept that a report could list
    line = capsys.readouterr().out.splitlines()[-1]
    with pytest.raises((UserError, ValueError)):
        from_text(line)
    saved = tmp_path / "prediction.json"
    saved.write_text(line)
    with pytest.raises(UserError, match="is in no known format"):  # nor does it come in as somebody else's result
        formats.read([saved])


def test_the_help_names_the_command_and_exits_with_0(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["joulemark predict", "--help"])
    assert predict.main() == 0
    assert "predict model=gpt2_xl task=text_generation" in capsys.readouterr().out


@pytest.mark.weights
def test_work_that_nobody_counted_is_counted_on_the_shape_of_the_model_and_of_those_that_teach(like, store, capsys):
    store += [measured(like, f"m{place}", ratio) for place, ratio in enumerate((2.0, 3.0, 3.0, 4.0))]
    predict.run(OPTIONS)
    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert line["work"]["source"] == predicted.OF_SHAPE
    assert line["work"]["flops"] > 1e6
    assert line["predicted"]["device"]["left_out"] == 4  # each of them was guessed in the same way


@pytest.mark.weights
def test_a_checkpoint_that_was_never_loaded_is_predicted_from_its_published_shape_without_a_network(
    like, store, capsys, monkeypatch
):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", "/nowhere")
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("a prediction asks no network"))
    store += [measured(like, f"m{place}", 3.0) for place in range(4)]
    assert predict.run(("model=distilbert_sst2", "task.dataset=embedded", *OPTIONS[1:])) == 0
    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (line["model"], line["work"]["source"]) == ("distilbert_sst2", predicted.OF_SHAPE)
    encoder = 66.4e6 - 23.8e6  # weights without the embeddings: two FLOPs each for each of 12 tokens, attention beside
    assert line["work"]["flops"] == pytest.approx(2 * encoder * 12, rel=0.1)
    assert line["predicted"]["device"]["j_per_request"] == pytest.approx(3.0 * line["lower_bound_j"])


def test_lengths_are_the_medians_of_the_measured_and_an_answer_that_nobody_wrote_is_as_long_as_allowed():
    assert predicted._typical([(10.0, 4.0), (30.0, None), (12.0, 8.0)], 99) == Lengths(12.0, 6.0)
    assert predicted._typical([(10.0, None), (None, None)], 7) == Lengths(10.0, 7)
    assert predicted._typical([(None, None)], None) == Lengths(None, None)


@pytest.mark.weights
@pytest.mark.parametrize(
    ("options", "lengths"),
    [
        (("model=embedded_classifier",), ("read",)),
        (("model=embedded", "task=text_generation", "task.max_new_tokens=6", "task.min_new_tokens=6"), ("read", "w")),
        (("model=embedded_image_classifier", "task=image_classification"), ()),
    ],
    ids=["classifier", "generator", "images"],
)
def test_work_counted_on_a_shape_is_that_of_the_loaded_model(options, lengths):
    from joulemark.models.backend import flop_counting

    run = built(*options, "hardware=cpu", "batch_size=2", "samples=2")
    loaded = run.model.load(run.task, "cpu", run.settings)
    batch = [sample.given for sample in run.task.samples(2, 0).samples]
    answers, counted = loaded.predict(batch), flop_counting.count(loaded.predict, batch)
    read = max(answer.input_tokens for answer in answers) if lengths else None
    written = max(answer.output_tokens for answer in answers) if "w" in lengths else None
    found = shape_work.work(run.model, run.settings, Lengths(read, written))
    assert found.flops == pytest.approx(counted.flops, rel=0.01)
    assert found.bytes_read == pytest.approx(counted.bytes_read, rel=0.01)


def test_a_kind_without_a_recipe_and_unknown_lengths_have_no_work():
    speaker = built("model=whisper", "model.weights=random", "task=speech_recognition", "hardware=cpu")
    assert shape_work.work(speaker.model, speaker.settings, Lengths(10, 10)) is None
    reader = built("model=distilbert_sst2", "model.weights=random", "hardware=cpu")
    assert shape_work.work(reader.model, reader.settings, Lengths()) is None
