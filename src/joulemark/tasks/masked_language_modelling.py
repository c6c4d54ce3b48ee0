"""Masked language modelling: the word behind a mask; masked accuracy."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from joulemark.core.errors import BadRowError
from joulemark.core.task import NO_REFERENCES, Inputs, Prediction, Sample, Scores, without_quality
from joulemark.data.dataset import Dataset, Row, text_of
from joulemark.tasks.metrics.classification import RIGHT, WRONG

RULE = "the first token, without case and the punctuation around it"


@dataclass(frozen=True)
class MaskedLanguageModelling:
    """Fills the masked word of each text.

    With `words`, a text is cut after that many and its last word is masked. With `words` null the whole text is
    given, its full stops removed and a mask appended, as the study did with BookCorpus; nothing is hidden then, and
    there is no reference.
    """

    accepts: ClassVar[str] = "text"
    gives: ClassVar[str] = "masked_token"

    dataset: Dataset
    words: int | None
    name: str = "masked_language_modelling"
    unit: str = "token"
    metric: str = "accuracy"

    def samples(self, count: int, seed: int) -> Inputs:
        """The first `count` texts up to the mask, each with the word that it hides."""
        return self.dataset.inputs(count, self._sample)

    def _sample(self, row: Row) -> Sample:
        text = text_of(row, "text")
        if self.words is None:
            whole = text.replace(".", "").strip()
            if not whole:
                raise BadRowError("has no word before the one to mask")
            return Sample(row.id, whole)
        words = text.split()[: self.words]
        if len(words) < 2:
            raise BadRowError("has no word before the one to mask")
        return Sample(row.id, " ".join(words[:-1]), words[-1])

    def score(self, samples: Sequence[Sample], predictions: Sequence[Prediction]) -> Scores:
        """The share of masks whose most likely token is the hidden word, case and punctuation around it aside.

        A word that a vocabulary splits into several tokens cannot be right: that is part of the vocabulary's quality.
        """
        each = [
            None if sample.target is None else RIGHT if _bare(sample.target) == _bare(str(prediction.output)) else WRONG
            for sample, prediction in zip(samples, predictions, strict=True)
        ]
        scored = [score for score in each if score is not None]
        if not scored:
            return without_quality(("accuracy",), len(samples), NO_REFERENCES)
        return Scores({"accuracy": sum(scored) / len(scored)}, each, computed_by={"accuracy": RULE})


def _bare(word: str) -> str:
    """A word without case and the punctuation around it, its letters in one form (NFC)."""
    characters = unicodedata.normalize("NFC", word).strip().lower()
    inside = [place for place, character in enumerate(characters) if unicodedata.category(character)[0] != "P"]
    return characters[inside[0] : inside[-1] + 1] if inside else characters
