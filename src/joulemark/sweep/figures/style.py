"""What is drawn of a sweep, and the names, colours and axes that its figures share."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from joulemark.sweep.objectives import SHORT, Goals
from joulemark.sweep.space import Dimension, Point
from joulemark.sweep.trial_state import FULL, Told

# Okabe and Ito's palette, told apart by the colour-blind
ORANGE, SKY, GREEN, BLUE, VERMILION, BLACK = "#E69F00", "#56B4E9", "#009E73", "#0072B2", "#D55E00", "#000000"

ENERGY, P95, QUALITY = SHORT["energy"], SHORT["p95"], SHORT["quality"]
DECADE = 10.0  # a range beyond it gets a logarithmic axis


@dataclass(frozen=True)
class Shown:
    """All that is drawn: the last measurement of each point in each pass, and what the answer says of them.

    `quality` is the name of the task's metric, `title` says whose sweep it is.
    """

    title: str
    told: Sequence[Told]
    reference: Told
    recommended: Told | None
    goals: Goals
    dimensions: Sequence[Dimension]
    quality: str = "quality"

    def finished(self) -> list[Told]:
        """One result of each point, in each pass where it has one; the reference among them."""
        last = {(one.point, one.stage): one for one in self.told if one.finished}
        return [one for one in last.values() if one.metrics.get(ENERGY) is not None]

    def best_known(self) -> dict[Point, Told]:
        """One result for each point: the full protocol's where there is one."""
        found = sorted(self.finished(), key=lambda one: one.stage == FULL)
        return {one.point: one for one in found}


def scale(values: Sequence[float | None]) -> dict[str, Any]:
    """A logarithmic axis where the values are all positive and range over more than a decade, else a linear one."""
    known = [one for one in values if one is not None]
    if known and min(known) > 0 and max(known) / min(known) > DECADE:
        return {"type": "log", "dtick": "D2" if max(known) / min(known) < 1000 else 1, "tickformat": "~g"}
    return {"type": "linear", "tickformat": "~g"}


def digits(number: float | None) -> str:
    """Three digits that mean something; `-` where there is no number."""
    return "-" if number is None else f"{number:.3g}"
