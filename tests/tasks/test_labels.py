"""Classification by labels: a classifier's compared whole, a text's searched; scikit-learn is the reference."""

import math
from dataclasses import replace

import pytest
from sklearn.metrics import accuracy_score, f1_score

from joulemark.tasks.image_classification import ImageClassification
from joulemark.tasks.text_classification import TextClassification
from tests.tasks.scoring import SOURCE, scored


def texts(*labels):
    return TextClassification(SOURCE, labels, "{text}", 1, 4)


def images(*labels):
    return ImageClassification(replace(SOURCE, labels=labels), None, "", 1, 5)


def own(*labels):
    """The labels of a classifier that maps none of them."""
    return {label: label for label in labels}


def test_a_classifiers_label_may_differ_from_the_tasks_by_case():
    pairs = [("Negative", "negative"), ("Positive", "positive")]
    assert scored(texts("Negative", "Positive"), *pairs, labels=own("negative", "positive")).values["accuracy"] == 1.0


def test_a_classifiers_label_is_compared_whole_and_not_by_its_beginning():
    pairs = [("sports_news", "sports_news"), ("sport", "sport"), ("sport", "sports_news")]
    result = scored(texts("sport", "sports_news"), *pairs, labels=own("sport", "sports_news"))
    assert list(result.each) == [1.0, 1.0, 0.0]


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("Sports news.", "sports_news"),
        ("sports", "sport"),
        ("this is sport, not politics", "sport"),
        ("politics, not sport", "politics"),
        ("transport", ""),
        ("这是正面的", "正面"),
    ],
)
def test_a_text_counts_as_the_label_that_it_names_first_as_whole_words(text, label):
    labels = ("sport", "sports_news", "politics", "正面")
    result = scored(texts(*labels), (label or "sport", text))
    assert result.values["accuracy"] == (1.0 if label else 0.0)
    assert result.values["unanswered"] == (0.0 if label else 1.0)


@pytest.mark.parametrize("task", [texts("negative", "positive"), images("negative", "positive")], ids=["text", "image"])
def test_a_classifier_that_knows_none_of_the_labels_has_no_quality_and_the_option_is_named(task):
    output = "LABEL_0" if task.name == "text_classification" else ["LABEL_0"]
    result = scored(task, ("negative", output), labels=own("LABEL_0", "LABEL_1"))
    assert set(result.values.values()) == {None}
    assert list(result.each) == [None]
    assert "model.labels.LABEL_0=negative" in result.reason


@pytest.mark.parametrize("task", [texts("negative", "positive"), images("negative", "positive")], ids=["text", "image"])
def test_a_classifier_that_cannot_give_a_label_of_the_references_has_no_quality_and_the_label_is_named(task):
    negative = "negative" if task.name == "text_classification" else ["negative"]
    pairs = [("negative", negative), ("positive", negative)]
    half_mapped = scored(task, *pairs, labels={"LABEL_0": "negative", "LABEL_1": "LABEL_1"})
    assert set(half_mapped.values.values()) == {None}
    assert half_mapped.reason == (
        "the model's labels (negative, LABEL_1) lack the task's positive: map each, as in model.labels.LABEL_1=positive"
    )
    without_spare = scored(task, *pairs, labels=own("negative"))
    assert without_spare.reason == (
        "the model's labels (negative) lack the task's positive: choose another checkpoint, or data without them"
    )
    only_what_it_knows = scored(task, pairs[0], labels=own("negative", "LABEL_1"))
    assert (only_what_it_knows.values["accuracy"], only_what_it_knows.reason) == (1.0, None)


def test_a_classifier_that_knows_a_label_is_wrong_where_it_gives_another():
    labels = own("negative", "neutral", "positive")
    result = scored(texts("negative", "positive"), ("negative", "neutral"), labels=labels)
    assert result.values["accuracy"] == 0.0
    assert result.reason is None
    assert "none of the task's: neutral" in result.computed_by["accuracy"]


@pytest.mark.parametrize(
    ("truth", "given"),
    [
        (["positive", "positive"], ["positive", "positive"]),
        (["positive", "negative", "negative"], ["positive", "positive", "negative"]),
        (["positive", "negative"], ["neutral", "negative"]),
    ],
)
def test_macro_f1_is_over_the_classes_present_as_scikit_learn_computes_it(truth, given):
    result = scored(
        texts("negative", "positive"), *zip(truth, given, strict=True), labels=own("negative", "neutral", "positive")
    )
    assert result.values["accuracy"] == accuracy_score(truth, given)
    assert result.values["f1_macro"] == pytest.approx(f1_score(truth, given, average="macro", zero_division=0.0))


def test_an_answer_that_names_no_label_is_no_class_of_its_own():
    result = scored(texts("negative", "positive"), ("positive", "positive"), ("positive", "who knows"))
    assert result.values["f1_macro"] == pytest.approx(2 / 3)


def test_separators_tell_no_labels_of_images_apart():
    result = scored(images("aquarium_fish", "lion"), ("aquarium_fish", ["Aquarium fish"]), labels=own("Aquarium fish"))
    assert result.values == {"accuracy": 1.0, "top5": 1.0}


def test_images_of_a_file_are_named_in_a_text_by_the_labels_of_its_references():
    task = ImageClassification(SOURCE, None, "", 1, 5)
    result = scored(task, ("cat", "a photo of two cats"), ("dog", "a cat"))
    assert result.values["accuracy"] == 0.5


def test_no_metric_is_nan():
    for task in (texts("a", "b"), images("a", "b")):
        assert all(value is None or math.isfinite(value) for value in scored(task, ("a", "")).values.values())
