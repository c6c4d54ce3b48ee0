"""The labels of the task in each prediction: a classifier's compared whole, a generated text's searched for."""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any, ClassVar

from joulemark.core.indexed import Indexed
from joulemark.core.labels import Labels, key, listed, without_counterpart
from joulemark.core.task import Prediction
from joulemark.tasks.metrics.scripts import unspaced

UNANSWERED = -1  # the code of an answer that names no label
RIGHT, WRONG = 1.0, 0.0
MARKS = (WRONG, RIGHT, None)


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


class Marks(Indexed[float | None]):
    """Scores that are right, wrong or none: a byte each."""

    def __init__(self) -> None:
        self._codes = bytearray()

    def append(self, score: float | None) -> None:
        """Adds one."""
        self._codes.append(MARKS.index(score))

    def __len__(self) -> int:
        return len(self._codes)

    def item(self, place: int) -> float | None:
        """The score at a place."""
        return MARKS[self._codes[place]]

    def __iter__(self) -> Iterator[float | None]:
        return map(MARKS.__getitem__, self._codes)


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


class Codes:
    """Numbers for the labels of answers, in the order in which they come; none is -1."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}

    def code(self, label: str) -> int:
        """The number of a label; -1 for an empty one."""
        return self._known.setdefault(label, len(self._known)) if label else UNANSWERED

    def packed(self, coded: Sequence[int]) -> Any:
        """Numbers of these labels as an array of as few bytes as they take."""
        import numpy

        return numpy.asarray(coded, numpy.min_scalar_type(-1 - len(self._known)))


class MacroF1:
    """Macro F1 as scikit-learn computes it, over the classes that some requests hold; no answer is of no class."""

    metrics: ClassVar[tuple[str, ...]] = ("f1_macro",)

    def __init__(self, rows: Sequence[Sequence[float]]) -> None:
        """A row holds the codes of the reference and of the answer."""
        import numpy
        from scipy.sparse import csr_array

        codes = numpy.asarray(rows).reshape(-1, 2)
        classes = int(codes.max()) + 1
        # a million requests are a few pairs of labels: only which one each has is kept, in as few bytes as that takes
        small = numpy.min_scalar_type(-((classes + 1) ** 2))
        pairs = (codes[:, 0].astype(small) + 1) * small.type(classes + 1) + codes[:, 1].astype(small) + 1
        kinds, places = numpy.unique(pairs, return_inverse=True)
        self._pairs = places.astype(numpy.min_scalar_type(len(kinds)))
        truth, given = (part.astype(int) - 1 for part in numpy.divmod(kinds, classes + 1))

        def members(of: Any, counts: Any) -> Any:
            places = numpy.flatnonzero(counts)
            return csr_array((numpy.ones(len(places)), (places, of[places])), shape=(len(kinds), classes))

        self._found = members(truth, (truth == given) & (truth >= 0))
        self._both = members(truth, truth >= 0) + members(given, given >= 0)

    def __call__(self, counts: Any) -> Any:
        """As `WholeSet`."""
        import numpy

        kinds = self._both.shape[0]
        pairs = numpy.array([numpy.bincount(self._pairs, weights=row, minlength=kinds) for row in counts])
        found, both = pairs @ self._found, pairs @ self._both  # a column a class
        return ((2 * found / numpy.maximum(both, 1)).sum(axis=1) / (both > 0).sum(axis=1))[None]
