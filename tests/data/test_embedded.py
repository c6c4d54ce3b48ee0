"""What ships with the program: data that the seed makes again, weights that learnt something, within 10 MB."""

import gzip
import random
from collections import Counter
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest

from joulemark.core.model import Settings
from joulemark.core.task import Prediction, Sample
from joulemark.data import embedded
from joulemark.data.embedded import grammar, make
from tests.composed import built

LIMIT_BYTES = 10_000_000


def rows(task):
    return [dict(row) for _, row in embedded.rows(task)]


@pytest.fixture(scope="module")
def made():
    return make.data()


@pytest.mark.parametrize("task", make.MAKERS)
def test_the_seed_makes_the_files_again_letter_for_letter(made, task):
    assert make.text_of(made[task]) == gzip.decompress((embedded.DATA / f"{task}.jsonl.gz").read_bytes()).decode()


@pytest.mark.parametrize("task", make.MAKERS)
def test_there_are_more_than_a_thousand_distinct_inputs(task):
    found = rows(task)
    assert len({make.key(row) for row in found}) == len({row["id"] for row in found}) == len(found) >= 1000


def test_all_of_it_is_small():
    folder = Path(embedded.__file__).parent
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < LIMIT_BYTES


def test_the_script_trains_every_model_that_ships_and_the_page_names_all_of_it():
    assert set(make.TRAINED) == {path.name for path in embedded.WEIGHTS.iterdir()}
    page = Path(embedded.__file__).with_name("README.md").read_text()
    for path in (*embedded.WEIGHTS.iterdir(), *embedded.DATA.iterdir()):
        assert f"`{path.parent.name}/{path.name}`" in page


def test_the_labels_are_balanced_so_that_chance_is_a_half():
    positive = sum(row["label"] == "positive" for row in rows("text_classification"))
    assert 0.45 < positive / len(rows("text_classification")) < 0.55


def test_no_word_is_both_praise_and_blame():
    assert not set(grammar.GOOD) & set(grammar.BAD)


def test_a_summary_says_who_did_what_where_and_when():
    for number in range(200):
        text, summary = grammar.news(random.Random(number))
        who, deed, what = summary.split()[1], summary.split()[2], summary.split()[5]
        assert {who, deed, what} <= set(text.replace(".", " ").replace(",", " ").split())
        assert 30 <= len(text.split()) <= 70


def answers(model, task, count=300, *words):
    """The samples, the predictions and the loaded model of an embedded run."""
    run = built(f"model={model}", f"task={task}", "hardware=cpu", *words)
    samples = run.task.samples(count, 0).samples
    loaded = run.model.load(run.task, "cpu", Settings())
    predictions: list[Prediction] = []
    for start in range(0, count, 50):
        predictions += loaded.predict([sample.input for sample in samples[start : start + 50]])
    return run.task, samples, predictions, loaded


@pytest.mark.weights
@pytest.mark.parametrize("model", ["embedded_classifier", "embedded"])
def test_sentiment_is_told_far_better_than_by_a_coin(model):
    task, samples, predictions, _ = answers(model, "text_classification")
    assert task.score(samples, predictions).values["accuracy"] > 0.85


@pytest.mark.weights
@pytest.mark.parametrize(("task", "least"), [("summarization", 0.8), ("text_generation", 0.4)])
def test_what_the_general_model_writes_fits_its_own_input_far_better_than_another_one(task, least):
    task, samples, predictions, loaded = answers("embedded", task)
    own = task.score(samples, predictions).values["rouge1"]
    others = task.score(samples, [*predictions[1:], predictions[0]]).values["rouge1"]
    assert own > least
    assert own > 1.3 * others
    if task.name == "text_generation":
        own_samples, targets = samples[:50], [s.target for s in samples[:50]]
        moved = [
            Sample(s.id, s.input, target) for s, target in zip(own_samples, [*targets[1:], targets[0]], strict=True)
        ]
        right, wrong = (loaded.judge(some, ())["perplexity"] for some in (own_samples, moved))
        assert right < 0.5 * wrong


def moved(samples, predictions):
    """The answers to other inputs."""
    return [*predictions[1:], predictions[0]]


def most_frequent(samples, predictions):
    """The commonest right answer, whatever is asked."""
    ((commonest, _),) = Counter(sample.target for sample in samples).most_common(1)
    listed = isinstance(predictions[0].output, list)
    return [replace(prediction, output=[commonest] if listed else commonest) for prediction in predictions]


def of_another_text(samples, predictions):
    """The tags of another text, cut or filled up with O."""
    return [
        replace(one, output=[*other.output, *["O"] * len(one.output)][: len(one.output)])
        for one, other in zip(predictions, moved(samples, predictions), strict=True)
    ]


# model, task, metric, how many inputs, least, an answer that takes no model, further words
ANSWERS = [
    ("embedded_tagger", "token_classification", "f1", 100, 0.95, of_another_text, ()),
    ("embedded_reader", "question_answering", "f1", 100, 0.95, moved, ()),
    ("embedded", "question_answering", "f1", 100, 0.65, moved, ()),
    ("embedded_llama", "text_classification", "accuracy", 100, 0.85, most_frequent, ()),
    ("embedded_llama", "summarization", "rouge1", 100, 0.8, moved, ()),
    ("embedded_filler", "masked_language_modelling", "accuracy", 200, 0.5, most_frequent, ()),
    ("embedded_image_classifier", "image_classification", "accuracy", 200, 0.9, most_frequent, ()),
    ("embedded_detector", "object_detection", "map", 100, 0.45, moved, ()),
    ("embedded_captioner", "image_captioning", "bleu", 50, 0.5, moved, ()),
    ("embedded_captioner", "image_captioning", "chrf", 50, 0.8, moved, ()),
    ("embedded_painter", "image_generation", "agreement", 20, 0.6, moved, ("task.steps=10",)),
]


@pytest.mark.weights
@pytest.mark.parametrize(
    ("model", "task", "metric", "count", "least", "trivial", "words"),
    ANSWERS,
    ids=[f"{row[0]} {row[1]} {row[2]}" for row in ANSWERS],
)
def test_answers_are_far_better_than_those_that_need_no_model(model, task, metric, count, least, trivial, words):
    asked, samples, predictions, loaded = answers(model, task, count, *words)

    def quality(given):
        judged = loaded.judge(samples, given) if loaded.judge else {}
        return {**asked.score(samples, given).values, **judged}[metric]

    own, baseline = quality(predictions), quality(trivial(samples, predictions))
    assert own > least
    assert own > baseline + 0.2


@pytest.mark.weights
def test_the_general_model_does_many_times_the_work_of_the_specialist():
    def products(model):
        """Multiplications of a dense model, up to a factor that both share: parameters times tokens that pass."""
        _, _, predictions, loaded = answers(model, "text_classification", 100)
        tokens = sum(prediction.input_tokens + (prediction.output_tokens or 0) for prediction in predictions)
        return loaded.facts["parameters"] * tokens

    assert products("embedded") > 5 * products("embedded_classifier")


@pytest.mark.weights
def test_no_text_of_the_files_is_ever_trained_on():
    from joulemark.data.embedded import train

    known = [row["text"] for row in rows("text_classification")]
    source = random.Random(1)
    # every second example is a text of the files: none of them may come through
    examples = train.fresh(
        lambda: (source.choice(known), "x") if source.random() < 0.5 else grammar.review(source), frozenset(known)
    )
    assert not {text for text, _ in islice(examples, 300)} & set(known)


@pytest.mark.weights
def test_the_script_trains_and_saves_what_the_program_loads(tmp_path):
    from joulemark.data.embedded import train

    train.classifier(frozenset(), tmp_path / "classifier", seed=1, steps=4, batch=8)
    run = built("hardware=cpu", f"model.weights={tmp_path / 'classifier'}", "task.dataset=embedded")
    (prediction,) = run.model.load(run.task, "cpu", Settings()).predict(["the soup was superb."])
    assert prediction.output in ("positive", "negative")
