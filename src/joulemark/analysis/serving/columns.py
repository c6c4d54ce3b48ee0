"""The timings of a traffic as columns of numbers, NaN where there is none: 100,000 of them take six megabytes."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from joulemark.core.traffic import Timing

NAMES = ("due_s", "sent_s", "first_s", "finished_s", "input_tokens", "output_tokens")


@dataclass(frozen=True)
class Columns:
    """One numpy array each, all of one order; what a timing does not have is NaN.

    Attributes:
        due_s: when each came, s after the traffic began
        sent_s: when it was sent
        first_s: when the first part of its answer came
        finished_s: when it ended
        input_tokens: tokens of the prompt
        output_tokens: tokens of the answer
        answered: whether the whole answer came
        sent: whether it was sent and has ended
    """

    due_s: Any
    sent_s: Any
    first_s: Any
    finished_s: Any
    input_tokens: Any
    output_tokens: Any
    answered: Any

    @cached_property
    def sent(self) -> Any:
        """Whether each was under way for a time that is known."""
        import numpy

        return numpy.isfinite(self.sent_s) & numpy.isfinite(self.finished_s)

    @cached_property
    def ttft_s(self) -> Any:
        """Time to first token of each answered one."""
        return self._of_answered(self.first_s - self.due_s)

    @cached_property
    def tpot_s(self) -> Any:
        """Mean time per output token after the first of each answered one with two tokens or more."""
        import numpy

        several = self.output_tokens >= 2
        tokens = numpy.where(several, self.output_tokens - 1, 1)
        return self._of_answered(numpy.where(several, (self.finished_s - self.first_s) / tokens, numpy.nan))

    @cached_property
    def latency_s(self) -> Any:
        """Time to the whole answer of each answered one."""
        return self._of_answered(self.finished_s - self.due_s)

    def _of_answered(self, values: Any) -> Any:
        import numpy

        return numpy.where(self.answered, values, numpy.nan)


def columns(timings: Iterable[Timing]) -> Columns:
    """The columns of the timings, in their order."""
    import numpy

    rows = [(*(getattr(each, name) for name in NAMES), each.outcome == "answered") for each in timings]
    table = numpy.array(rows, dtype=float).reshape(-1, len(NAMES) + 1)
    due_s, sent_s, first_s, finished_s, tokens_in, tokens_out, answered = table.T
    return Columns(due_s, sent_s, first_s, finished_s, tokens_in, tokens_out, answered == 1)
