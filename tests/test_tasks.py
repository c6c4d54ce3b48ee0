"""What each task asks and how it judges."""

import json

import pytest

from src.core import Prediction, Sample
from src.dataset import Dataset
from src.tasks.summarization import Summarization
from src.tasks.text_classification import TextClassification
from src.tasks.text_generation import TextGeneration

NOTHING = Dataset(name="none", task="none", fields={"text": "text"})


def classification():
    return TextClassification(NOTHING, ("negative", "positive"), "{text}", 1, 4)


def answers(*texts):
    return [Prediction(text, 1) for text in texts]


def samples(*targets):
    return [Sample(str(i), "text", target) for i, target in enumerate(targets)]


def test_accuracy_counts_the_label_that_an_answer_names_first():
    found = classification().score(
        samples("positive", "positive", "negative", "negative"),
        answers("Positive.", "negative, not positive", "it is negative", "who knows"),
    )
    assert found.values["accuracy"] == 0.5
    assert found.values["unanswered"] == 0.25
    assert list(found.each) == [1.0, 0.0, 1.0, 0.0]


def test_samples_without_a_label_are_not_scored_and_do_not_count():
    found = classification().score(samples("positive", None), answers("positive", "positive"))
    assert found.values["accuracy"] == 1.0
    assert list(found.each) == [1.0, None]


def test_hidden_labels_leave_the_quality_unknown_not_zero():
    found = classification().score(samples(None, None), answers("positive", "negative"))
    assert found.values["accuracy"] is None


@pytest.mark.parametrize(
    "task",
    [
        classification(),
        Summarization(NOTHING, "{text}", 10, 15),
        TextGeneration(NOTHING, "{text}", 20, 10, 10, 10),
    ],
    ids=lambda task: task.name,
)
def test_scoring_nothing_gives_no_figures_but_names_every_metric(task):
    found = task.score((), ())
    assert task.metric in found.values
    assert set(found.values.values()) == {None}
    assert list(found.each) == []


def test_rouge_of_the_reference_itself_is_one_and_of_other_words_zero():
    task = Summarization(NOTHING, "{text}", 10, 15)
    found = task.score(samples("the cat sat", "the cat sat"), answers("the cat sat", "dogs bark"))
    assert list(found.each) == [1.0, 0.0]
    assert found.values["rouge1"] == 0.5


def generation(tmp_path, rows, prompt_words):
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    fields = {"text": "text", "target": "target"}
    dataset = Dataset("file", "text_generation", fields, path=str(path), optional=("target",))
    return TextGeneration(dataset, "{text}", prompt_words, 3, 10, 10).samples(len(rows), seed=0)


def test_a_running_text_is_cut_into_prompt_and_true_continuation(tmp_path):
    found = generation(tmp_path, [{"text": "a b  c d e f"}, {"text": "a b"}], prompt_words=2)
    assert [(sample.input, sample.target) for sample in found] == [("a b", "c d e"), ("a b", None)]


def test_a_prompt_is_taken_whole_and_its_reference_is_the_sources_own(tmp_path):
    found = generation(tmp_path, [{"text": "a b c", "target": "d"}, {"text": "a"}], prompt_words=None)
    assert [(sample.input, sample.target) for sample in found] == [("a b c", "d"), ("a", None)]
