"""What a recommended run must meet: a least quality, latency, memory, energy, money and emissions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from joulemark.core.coerce import typed
from joulemark.core.errors import UserError
from joulemark.core.formatting import digits
from joulemark.reporting.entry import QUALITY, Entry

GIB = 2**30

# key -> metric, factor to the metric's unit, and the constraint as a sentence
MOST = {
    "p95_s": ("latency/p95_s", 1.0, "95th percentile of latency at most {} s"),
    "gpu_memory_gib": ("memory/gpu_peak_bytes", float(GIB), "GPU memory at most {} GiB"),
    "wh_per_1k": ("energy/total_wh_per_1k", 1.0, "at most {} Wh per 1,000"),
    "cost_per_1k": ("cost/per_1k", 1.0, "at most {} {currency} per 1,000"),
    "g_per_1k": ("emissions/g_per_1k", 1.0, "at most {} g CO2e per 1,000"),
}


@dataclass(frozen=True)
class Constraints:
    """Bounds of what may be recommended; None is no bound.

    `quality` is the least of the task's metric; `quality_loss` the share by which a run may answer worse than the best
    one of those that meet the other constraints, in [0, 1), and counts where `quality` is Nrun.
    """

    quality: float | None = None
    quality_loss: float | None = None
    p95_s: float | None = None
    gpu_memory_gib: float | None = None
    wh_per_1k: float | None = None
    cost_per_1k: float | None = None
    currency: str | None = None
    g_per_1k: float | None = None

    def violated(self, run: Entry) -> list[str]:
        """The constraints but for quality that a run does not meet; a metric that is not available meets nrun."""
        found = []
        for key, (metric, unit, words) in MOST.items():
            bound = getattr(self, key)
            if bound is None:
                continue
            said, value = (
                words.format(digits(bound), currency=self.currency or run.currency or ""),
                run.metrics.get(metric),
            )
            if key == "cost_per_1k" and run.currency != (self.currency or run.currency):
                found.append(f"{said} (priced in {run.currency})")
            elif value is None:
                found.append(f"{said} (not available)")
            elif value > bound * unit:
                found.append(f"{said} (it has {digits(value / unit)})")
        return found

    def words(self, metric: str) -> list[str]:
        """Every bound in words."""
        found = []
        if self.quality is not None:
            found.append(f"{metric} at least {digits(self.quality)}")
        elif self.quality_loss is not None:
            found.append(f"{metric} at most {self.quality_loss * 100:g} % below the best")
        for key, (_, _, words) in MOST.items():
            if getattr(self, key) is not None:
                found.append(words.format(digits(getattr(self, key)), currency=self.currency or ""))
        return found

    def floor(self, entries: Sequence[Entry]) -> float | None:
        """The least quality among these runs, which meet the other constraints; None where none is asked or known."""
        known = [run.quality for run in entries if run.quality is not None]
        if self.quality is not None:
            return self.quality
        if not known or self.quality_loss is None or max(known) <= 0:  # of a quality below zero no share is a loss
            return None
        return max(known) * (1 - self.quality_loss)


def constraints(values: Mapping[str, Any]) -> Constraints:
    """The constraints of a composed configuration; UserError for a value out of range."""
    found = typed(Constraints, dict(values), "constraints")
    for key in MOST:
        value = getattr(found, key)
        if value is not None and not 0 < value < float("inf"):
            raise UserError(f"constraints.{key}={value:g}: must be above 0")
    if found.quality_loss is not None and not 0 <= found.quality_loss < 1:
        raise UserError(f"constraints.quality_loss={found.quality_loss:g}: a share, 0 or more and below 1; 0.05 is 5 %")
    if found.quality is not None and not abs(found.quality) < float("inf"):
        raise UserError(f"constraints.quality={found.quality:g}: must be a number of {QUALITY}")
    return found


def check_currency(asked: Constraints, entries: Sequence[Entry]) -> None:
    """Refuses a budget in money where the runs are priced in several currencies and none is named."""
    known = sorted({run.currency for run in entries if run.currency is not None})
    if asked.cost_per_1k is not None and asked.currency is None and len(known) > 1:
        raise UserError(
            f"constraints.cost_per_1k: these runs are priced in {' and '.join(known)}; "
            f"type constraints.currency={known[0]}"
        )
