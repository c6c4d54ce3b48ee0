"""What a sweep came to, in the few lines that a terminal shows: its table and all other sentences stand below."""

from collections.abc import Sequence

from joulemark.core.answer import Answer
from joulemark.sweep import front_table, recommendation
from joulemark.sweep.recommendation import AGAIN
from joulemark.sweep.result import SoFar, SweepResult


def of(result: SweepResult, evidence: Sequence[str]) -> Answer:
    """The answer of a sweep: what is recommended with its figures, what fresh processes say, the line to type.

    `evidence` are the sentences about the recommended setting against the reference.
    """
    if result.recommendation.recommended is None:
        said = list(result.sentences[: 1 + len(result.recommendation.nearest)])
        return Answer(said, (), evidence, result.warnings)
    lines = [recommendation.reason(result.recommendation, result.goals), _figures(result), str(result.cost)]
    return Answer(lines, evidence, [f"{AGAIN}{result.command}"], result.warnings)


def so_far(stopped: SoFar) -> Answer:
    """The answer of a sweep that a signal stopped."""
    return Answer(stopped.sentences[:1], stopped.sentences[1:], ["the same line goes on from here"])


def rest(sentences: Sequence[str], answer: Answer) -> list[str]:
    """The sentences below the table that the answer does not hold."""
    return [line for line in sentences if line not in answer.lines]


def _figures(result: SweepResult) -> str:
    """The row of the recommended setting as a line."""
    best = result.recommendation.recommended
    assert best is not None
    energy, half, late, quality, better = front_table.figures(best, result.reference, result.goals, result.cells)
    times = f"; {result.goals.objectives[0].name} better: {better}" if better != "-" else ""
    return f"{energy} Wh per 1,000 ± {half} within-run, p95 {late} s, quality {quality}{times}"
