"""Transcripts as they are compared: the normalizers of Whisper's paper (Radford et al. 2022, arXiv 2212.04356, C).

english      numbers, currencies, titles, contractions and spellings in one form, fillers and signs dropped
basic        lower case, signs to spaces, letters in one form (NFKC); marks kept, which Hindi and Arabic write vowels in
characters   the same, and each character is a word: for scripts that write no spaces
"""

import re
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, ClassVar, Literal

from joulemark.tasks.metrics.libraries import library
from joulemark.tasks.metrics.scripts import mostly_unspaced, words

Normalizer = Literal["english", "basic", "characters"]

# English writes few words with other letters than a to z: more are another language
MAX_ACCENTED = 0.01
APOSTROPHES = re.compile("[‘’ʼʻ＇`´]")


def normalizer_for(references: Sequence[str]) -> Normalizer:
    """The normalizer for the language of some references, as far as their script tells it."""
    if mostly_unspaced(list(references)):
        return "characters"
    each = [word for reference in references for word in words(reference)]
    accented = sum(not word.isascii() for word in each)
    return "english" if accented <= MAX_ACCENTED * len(each) else "basic"


def normalized(text: str, name: str) -> str:
    """A transcript by one of the normalizers; with every apostrophe straight."""
    return " ".join(_normalizer(name)(APOSTROPHES.sub("'", text)).split())


def rule(name: str) -> str:
    """The library that counts errors, and the normalizer before it, with their versions."""
    return library("jiwer", library("whisper-normalizer", name))


@cache
def _normalizer(name: str) -> Callable[[str], str]:
    from whisper_normalizer.basic import BasicTextNormalizer
    from whisper_normalizer.english import EnglishTextNormalizer

    if name == "english":
        return EnglishTextNormalizer()  # type: ignore[no-any-return]
    return BasicTextNormalizer(split_letters=name == "characters", preserve_marks=True)  # type: ignore[no-any-return]


def errors(pairs: Sequence[tuple[str, str]]) -> Any:
    """jiwer's errors, and the words of the reference, of each clip: a row of two counts.

    A pair is a clip's reference and transcript, both normalized.
    """
    import jiwer
    import numpy

    each = (jiwer.process_words(*pair) for pair in pairs)
    return numpy.array(
        [
            (out.substitutions + out.deletions + out.insertions, out.hits + out.substitutions + out.deletions)
            for out in each
        ]
    )


class WordErrors:
    """jiwer's word error rate of some clips, from the errors and words of each; and 1 less it, never below 0."""

    metrics: ClassVar[tuple[str, ...]] = ("word_accuracy", "wer")

    def __init__(self, rows: Sequence[Sequence[float]]) -> None:
        """A row holds errors and words, as `errors` gives them."""
        import numpy

        self._counts = numpy.asarray(rows, float, order="F")

    def __call__(self, counts: Any) -> Any:
        """As `WholeSet`."""
        import numpy

        wrong, words = (counts @ self._counts).T
        wer = wrong / words
        return numpy.array([numpy.maximum(0.0, 1.0 - wer), wer])
