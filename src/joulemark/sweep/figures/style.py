"""What is drawn of a sweep, and the names, colours and axes that its figures share."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from joulemark.sweep.objectives import SHORT, Goals
from joulemark.sweep.space import Dimension, Point
from joulemark.sweep.trial_state import FULL, TrialResult

# The page's own colours, which each theme has a value of: Okabe and Ito's, distinguishable by the colour-blind
ORANGE, SKY, GREEN, BLUE, VERMILION, BLACK = "--orange", "--sky", "--green", "--blue", "--vermilion", "--black"

ENERGY, P95, QUALITY = SHORT["energy"], SHORT["p95"], SHORT["quality"]
DECADE = 10.0  # a range beyond it gets a logarithmic axis


@dataclass(frozen=True)
class FigureData:
    """What the figures of a sweep draw.

    Attributes:
        title: names the model, the task and the sweep
        results: of all trials
        reference: its result
        recommended: the recommended result, None where there is none
        goals: objectives and constraints
        dimensions: of the space
        quality: the name of the task's metric
    """

    title: str
    results: Sequence[TrialResult]
    reference: TrialResult
    recommended: TrialResult | None
    goals: Goals
    dimensions: Sequence[Dimension]
    quality: str = "quality"

    def finished(self) -> list[TrialResult]:
        """The last result of each point in each stage; the reference among them."""
        last = {(result.point, result.stage): result for result in self.results if result.finished}
        return [result for result in last.values() if result.metrics.get(ENERGY) is not None]

    def best_known(self) -> dict[Point, TrialResult]:
        """One result for each point: the full protocol's where there is one."""
        ordered = sorted(self.finished(), key=lambda result: result.stage == FULL)
        return {result.point: result for result in ordered}


def scale(values: Sequence[float | None]) -> dict[str, Any]:
    """A logarithmic axis where the values are all positive and range over more than a decade, else a linear one."""
    known = [value for value in values if value is not None]
    if known and min(known) > 0 and max(known) / min(known) > DECADE:
        return {"type": "log", "dtick": "D2" if max(known) / min(known) < 1000 else 1, "tickformat": "~g"}
    return {"type": "linear", "tickformat": "~g"}


def digits(number: float | None) -> str:
    """Three significant digits; `-` where there is no number."""
    return "-" if number is None else f"{number:.3g}"
