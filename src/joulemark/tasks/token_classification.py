"""Token classification: a tag for each word; entity F1."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from joulemark.core.errors import BadRowError
from joulemark.core.labels import Labels, without_counterpart
from joulemark.core.task import NO_REFERENCES, Inputs, Prediction, Sample, Scores, Statistics, without_quality
from joulemark.data.dataset import Dataset, Row, blank
from joulemark.tasks.metrics import entities
from joulemark.tasks.metrics.entities import OUTSIDE
from joulemark.tasks.metrics.libraries import library

METRICS = ("f1", "precision", "recall", "accuracy")


@dataclass(frozen=True)
class TokenClassification:
    """Tags each word of a text with the entity it belongs to, in any scheme (IOB1, IOB2, IOBES, no prefixes).

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
        if blank(tags):
            return Sample(row.id, words)
        if not isinstance(tags, list | tuple):
            raise BadRowError(f"tags {str(tags)[:60]!r} are not a list")
        if len(tags) != len(words):
            raise BadRowError(f"has {len(words)} words and {len(tags)} tags")
        return Sample(row.id, words, [self.dataset.named(tag, "tag") for tag in tags])

    def score(self, samples: Sequence[Sample], predictions: Sequence[Prediction]) -> Scores:
        """Micro F1, precision and recall of whole entities (seqeval), and the accuracy of tags.

        The scheme of either side is found from its own tags, and both are brought to IOB2. A model that cannot give
        some kind of the references (a part-of-speech tagger asked for names) has no quality here.
        """
        from seqeval.metrics import accuracy_score, f1_score, precision_score, recall_score

        pairs = [(s.target, list(p.output)) for s, p in zip(samples, predictions, strict=True) if s.target is not None]
        if not pairs:
            return without_quality(METRICS, len(samples), NO_REFERENCES)
        of_model = next((p.labels for p in predictions if p.labels), {})
        tags = of_model or {tag: tag for _, output in pairs for tag in output}
        declared = [*self.dataset.labels, *(tag for target, _ in pairs for tag in target)]
        known = Labels.of(entities.kinds(declared))
        if not known.names:
            return without_quality(METRICS, len(samples), "the references hold no entity")
        wanted = entities.kinds(tag for target, _ in pairs for tag in target)
        why = without_counterpart(_kinds(tags), known, wanted, seen=not of_model)
        if why is not None:
            return without_quality(METRICS, len(samples), why)
        schemes = entities.scheme(declared), entities.scheme(tags.values())
        both = [
            (entities.iob2(target, schemes[0] is not None, known), entities.iob2(output, schemes[1] is not None, known))
            for target, output in pairs
        ]
        truth, given = map(list, zip(*both, strict=True))
        values = {
            "f1": f1_score(truth, given, zero_division=0),
            "precision": precision_score(truth, given, zero_division=0),
            "recall": recall_score(truth, given, zero_division=0),
            "accuracy": accuracy_score(truth, given),
        }
        shares = iter([sum(a == b for a, b in zip(*pair, strict=True)) / len(pair[0]) for pair in both])
        each = [None if sample.target is None else next(shares) for sample in samples]
        names = [scheme or "no prefixes" for scheme in schemes]
        rule = library("seqeval", f"references {names[0]}, predictions {names[1]}, both as IOB2")
        return Scores(
            {name: float(value) for name, value in values.items()},
            each,
            computed_by=dict.fromkeys(values, rule),
            statistics=Statistics("entities", entities.counted(both), [s.target is not None for s in samples]),
        )


def _kinds(tags: Mapping[str, str]) -> dict[str, str]:
    """A model's kinds of entity to the names that they are mapped to: each is mapped by itself, its prefixes stay."""
    prefixed = entities.scheme(tags.values()) is not None
    by_kind = {entities.split(tag)[1] if prefixed else tag: name for tag, name in tags.items() if name != OUTSIDE}
    return {kind: entities.split(name)[1] if prefixed else name for kind, name in by_kind.items()}
