"""Token classification: a tag for each word; entity F1."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from joulemark.core.errors import BadRowError
from joulemark.core.task import Inputs, Prediction, Sample, Scores
from joulemark.data.dataset import Dataset, Row

OUTSIDE = "O"


@dataclass(frozen=True)
class TokenClassification:
    """Tags each word of a text with the entity it belongs to, in the IOB2 scheme (B-PER, I-PER, O).

    Text that the source does not split is split at spaces and has no reference.
    """

    accepts: ClassVar[str] = "words"
    gives: ClassVar[str] = "tags"

    dataset: Dataset
    name: str = "token_classification"
    unit: str = "word"
    metric: str = "f1"

    def samples(self, count: int, seed: int) -> Inputs:
        """The first `count` texts as lists of words, each with its list of tags (None where the source has none)."""
        return self.dataset.inputs(count, self._sample)

    def _sample(self, row: Row) -> Sample:
        words = row.values["tokens"]
        words = words.split() if isinstance(words, str) else words
        tags = row.values.get("tags")
        if not isinstance(words, list | tuple) or not all(isinstance(word, str) for word in words):
            raise BadRowError(f"tokens {str(words)[:60]!r} are not words")
        if not any(word.strip() for word in words):
            raise BadRowError("holds no word")
        words = list(words)
        if tags is None:
            return Sample(row.id, words)
        if not isinstance(tags, list | tuple):
            raise BadRowError(f"tags {str(tags)[:60]!r} are not a list")
        if len(tags) != len(words):
            raise BadRowError(f"has {len(words)} words and {len(tags)} tags")
        return Sample(row.id, words, [self._tag(tag) for tag in tags])

    def _tag(self, tag: object) -> str:
        names = self.dataset.labels
        if isinstance(tag, str) and (not names or tag in names):
            return tag
        if isinstance(tag, int) and 0 <= tag < len(names):
            return names[tag]
        raise BadRowError(f"tag {tag!r} is not one of {', '.join(names)}")

    def score(self, samples: Sequence[Sample], predictions: Sequence[Prediction]) -> Scores:
        """Micro F1, precision and recall of whole entities (seqeval), and the accuracy of tags.

        A model whose entities are all of kinds the data does not know (a part-of-speech tagger asked for names) has
        no quality here: None, not zero.
        """
        from seqeval.metrics import accuracy_score, f1_score, precision_score, recall_score

        pairs = [(s.target, list(p.output)) for s, p in zip(samples, predictions, strict=True) if s.target is not None]
        names = ("f1", "precision", "recall", "accuracy")
        if not pairs or _unknown_entities(pairs):
            return Scores(dict.fromkeys(names), [None] * len(samples))
        truth, given = ([list(side) for side in sides] for sides in zip(*pairs, strict=True))
        values = {
            "f1": f1_score(truth, given, zero_division=0),
            "precision": precision_score(truth, given, zero_division=0),
            "recall": recall_score(truth, given, zero_division=0),
            "accuracy": accuracy_score(truth, given),
        }
        each = [
            None if s.target is None else sum(a == b for a, b in zip(s.target, p.output, strict=True)) / len(s.target)
            for s, p in zip(samples, predictions, strict=True)
        ]
        return Scores({name: float(value) for name, value in values.items()}, each)


def _unknown_entities(pairs: Sequence[tuple[Sequence[str], Sequence[str]]]) -> bool:
    """Whether the model predicts entities, and none of a kind that the data have."""
    known = {_kind(tag) for truth, _ in pairs for tag in truth} - {OUTSIDE}
    given = {_kind(tag) for _, tags in pairs for tag in tags} - {OUTSIDE}
    return bool(given) and not known & given


def _kind(tag: str) -> str:
    return tag.split("-", 1)[-1]
