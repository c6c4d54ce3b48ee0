"""Pairs of target and output as a task scores them."""

from joulemark.core.task import Prediction, Sample, Scores
from joulemark.data.dataset import Dataset

SOURCE = Dataset(name="x", task="x", fields={})


def scored(task, *pairs, labels=None) -> Scores:
    """The scores of (target, output) pairs; `labels` are those of a classifier that gave the outputs."""
    samples = [Sample(str(i), "x", target) for i, (target, _) in enumerate(pairs)]
    return task.score(samples, [Prediction(output, 1, labels=labels or {}) for _, output in pairs])
