"""What a command came to, in lines for a person: the answer, how sure it is, what to do next."""

from collections.abc import Sequence
from dataclasses import dataclass

MOST = 8  # lines that a terminal gets
KEPT = 2  # lines of how sure it is, and of what to do next, that a longer answer does not push out


@dataclass(frozen=True)
class Answer:
    """Lines in the order in which they are read, in each part the weightiest first.

    Attributes:
        answer: what was asked for
        sure: how sure it is, and why
        then: what to do, or to type, next
        warnings: what speaks against it, below how sure it is
    """

    answer: Sequence[str]
    sure: Sequence[str] = ()
    then: Sequence[str] = ()
    warnings: Sequence[str] = ()

    @property
    def lines(self) -> list[str]:
        """All of it."""
        return [*self.answer, *self._sure, *self.then]

    @property
    def _sure(self) -> list[str]:
        return [*self.sure, *map(warned, self.warnings)]

    def brief(self, most: int = MOST) -> list[str]:
        """At most so many lines: of each part the first ones, its last one to go being the answer's first."""
        least = min(KEPT, len(self._sure)) + min(KEPT, len(self.then))
        answer = self.answer[: most - least]
        sure = self._sure[: most - len(answer) - min(KEPT, len(self.then))]
        return [*answer, *sure, *self.then[: most - len(answer) - len(sure)]]


NOTHING = Answer(())


def warned(sentence: str) -> str:
    """A warning as a line among others."""
    return f"! {sentence}"
