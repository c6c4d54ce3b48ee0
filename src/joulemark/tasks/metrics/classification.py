"""The labels of the task in each prediction: a classifier's compared whole, a generated text's searched for."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache

from joulemark.core.labels import Labels, key, listed, without_counterpart
from joulemark.core.task import Prediction
from joulemark.tasks.metrics.scripts import unspaced

RIGHT, WRONG = 1.0, 0.0  # one object each, however many requests


def predicted_labels(predictions: Iterable[Prediction], known: Labels) -> Iterator[list[str]]:
    """The labels of each prediction by the task's names, the most likely or the first named first.

    A classifier's label that is none of the task's stays as it is: it is wrong. A text that names none has none.
    """
    for prediction in predictions:
        labels = given(prediction)
        yield named(str(prediction.output), known) if labels is None else [known.name(label) for label in labels]


def right(target: str | None, labels: Sequence[str]) -> float | None:
    """The score of an answer: whether its first label is the target's; None without a target."""
    return None if target is None else RIGHT if target in labels[:1] else WRONG


def given(prediction: Prediction) -> list[str] | None:
    """A classifier's labels, the most likely first; None for generated text."""
    if isinstance(prediction.output, list | tuple):
        return [str(label) for label in prediction.output]
    return [str(prediction.output)] if prediction.labels else None


def reason(predictions: Sequence[Prediction], known: Labels, references: Iterable[str]) -> str | None:
    """Why these predictions have no quality: the classifier cannot give some label of the references; else None."""
    labels = next((prediction.labels for prediction in predictions if prediction.labels), None)
    if labels is not None:
        return without_counterpart(labels, known, references)
    outputs = {label: label for prediction in predictions for label in given(prediction) or ()}
    return without_counterpart(outputs, known, references, seen=True)  # a model of another's own


def described(predictions: Sequence[Prediction], known: Labels) -> str:
    """How predictions became labels, and which of the classifier's labels are none of the task's."""
    labels = next((prediction.labels for prediction in predictions if prediction.labels), None)
    if labels is None:
        return "labels searched in the text, as whole words without case"
    others = [label for label in labels.values() if known.match(label) is None]
    rest = f"; none of the task's: {listed(others)}" if others else ""
    return f"labels compared whole, without case and separators{rest}"


def named(text: str, known: Labels) -> list[str]:
    """The labels that a text names as whole words, in order; of two at one place the longer. A plural counts."""
    places: dict[str, tuple[int, int]] = {}
    bare = key(text)
    for name in known.names:
        if match := _pattern(name).search(bare):
            places[name] = (match.start(), -len(key(name)))
    starts = {place: min(length for start, length in places.values() if start == place) for place, _ in places.values()}
    longest = [name for name, (place, length) in places.items() if starts[place] == length]
    return sorted(longest, key=lambda name: places[name])


@cache
def _pattern(label: str) -> re.Pattern[str]:
    bare = key(label)
    before = r"(?<!\w)" if bare and not unspaced(bare[0]) else ""
    after = r"(?:e?s)?(?!\w)" if bare and not unspaced(bare[-1]) else ""
    return re.compile(f"{before}{re.escape(bare)}{after}")


def macro_f1(counts: Mapping[tuple[str, str], int]) -> Callable[[Sequence[int]], dict[str, float | None]]:
    """scikit-learn's macro F1 of some of these requests, over the classes that they hold.

    `counts` says how often each label was answered by each; an empty one is of no class.

    A hundred times as fast as the library, whose checks of every call are most of its time.
    """
    import numpy

    names = [name for name in dict.fromkeys(name for pair in counts for name in pair) if name]
    number = {name: place for place, name in enumerate(names)} | {"": len(names)}
    pairs = numpy.array([[number[truth], number[given]] for truth, given in counts])
    truths, givens = numpy.repeat(pairs, list(counts.values()), axis=0).T

    def some(places: Sequence[int]) -> dict[str, float | None]:
        chosen = numpy.asarray(places)
        one, other = truths[chosen], givens[chosen]
        found, of_truth, of_given = (
            numpy.bincount(labels, minlength=len(names) + 1)[:-1] for labels in (one[one == other], one, other)
        )
        present = of_truth + of_given > 0
        return {"f1_macro": float((2 * found[present] / (of_truth + of_given)[present]).mean())}

    return some
