"""How many tokens each answer is to have, where the end-of-text token does not decide: as a reference has, or drawn."""

import re
from dataclasses import dataclass
from math import log
from random import Random

REFERENCE, FIXED, LOGNORMAL = "reference", "fixed", "lognormal"
PIECES = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True)
class AnswerLengths:
    """A distribution of lengths, in tokens.

    Attributes:
        source: `reference` (as many tokens as its reference has words and marks), `fixed` (all the median), `lognormal`
        median: of a fixed or lognormal one
        sigma: standard deviation of the logarithm of a lognormal one
        least: shorter ones have so many
        most: longer ones have so many
    """

    source: str
    median: float
    sigma: float
    least: int
    most: int

    def draw(self, random: Random, reference: str | None) -> int | None:
        """The length of one answer; None where it is to be its reference's and there is none."""
        if self.source == REFERENCE:
            return None if reference is None else self._bounded(pieces(reference))
        if self.source == FIXED:
            return self._bounded(self.median)
        return self._bounded(random.lognormvariate(log(self.median), self.sigma))

    def _bounded(self, tokens: float) -> int:
        return min(max(round(tokens), self.least, 1), self.most)


def pieces(text: str) -> int:
    """Words, numbers and marks of a text: fewer than the tokens of most vocabularies, and the same for every model."""
    return len(PIECES.findall(text))
