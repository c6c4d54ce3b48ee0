"""Classifiers of every kind say which labels they have, and by what name each is given."""

import pytest

from joulemark.core.model import Settings
from tests.composed import built

CASES = [
    ("embedded_classifier", "text_classification", "negative", "positive"),
    ("embedded_image_classifier", "image_classification", "zero", "one"),
    ("embedded_tagger", "token_classification", "PER", "LOC"),
    ("embedded_detector", "object_detection", "circle", "square"),
]


def scored(model, task, *overrides):
    """The scores of six embedded inputs, and the first prediction."""
    run = built(f"model={model}", f"task={task}", "hardware=cpu", *overrides)
    samples = run.task.samples(6, 0).samples
    predictions = run.model.load(run.task, "cpu", Settings()).predict([sample.input for sample in samples])
    return run.task.score(samples, predictions), predictions[0]


@pytest.mark.weights
@pytest.mark.parametrize(("model", "task", "label", "other"), CASES, ids=[case[0] for case in CASES])
def test_a_mapped_label_is_given_by_its_name_and_none_known_is_no_quality(model, task, label, other):
    known, prediction = scored(model, task)
    metric = next(iter(known.values))
    assert known.values[metric] > 0.5
    own = {name.removeprefix("B-").removeprefix("I-") for name in prediction.labels} - {"O"}
    assert {label, other} <= own
    swapped, _ = scored(model, task, f"model.labels.{label}={other}", f"model.labels.{other}={label}")
    assert swapped.values[metric] < known.values[metric]
    unknown, _ = scored(model, task, *(f"model.labels.{name}=x{name}" for name in own))
    assert set(unknown.values.values()) == {None}
    assert "model.labels." in unknown.reason
