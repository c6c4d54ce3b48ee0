"""What a recommended run must meet: a least quality, latency, memory, energy, money and emissions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from joulemark.core.coerce import typed
from joulemark.core.errors import UserError
from joulemark.core.formatting import digits
from joulemark.core.units import GIB
from joulemark.reporting.entry import Entry
from joulemark.reporting.stored_entry import QUALITY

QUALITY_LOSS = 0.05  # of conf/report.yaml: the share that is accepted where nothing is said

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

    Attributes:
        quality: the least value of the task's metric
        quality_loss: share below the best run that meets the other constraints, in [0, 1); used where `quality` is None
        p95_s: the largest 95th percentile of latency, s
        gpu_memory_gib: the largest peak of GPU memory, GiB
        wh_per_1k: the most energy of 1,000 inferences, Wh
        cost_per_1k: the largest cost of 1,000 inferences, in `currency`
        currency: the currency of `cost_per_1k`; None for that of the runs
        g_per_1k: the most emissions of 1,000 inferences, g CO2e
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
        """The constraints but for quality that a run does not meet; a metric that is not available meets none."""
        unmet = []
        for key, (metric, unit, sentence) in MOST.items():
            bound = getattr(self, key)
            if bound is None:
                continue
            constraint, value = (
                sentence.format(digits(bound), currency=self.currency or run.currency or ""),
                run.metrics.get(metric),
            )
            if key == "cost_per_1k" and run.currency != (self.currency or run.currency):
                unmet.append(f"{constraint} (priced in {run.currency})")
            elif value is None:
                unmet.append(f"{constraint} (not available)")
            elif value > bound * unit:
                unmet.append(f"{constraint} (it has {digits(value / unit)})")
        return unmet

    def sentences(self, metric: str) -> list[str]:
        """Every bound as a sentence."""
        sentences = []
        if self.quality is not None:
            sentences.append(f"{metric} at least {digits(self.quality)}")
        elif self.quality_loss is not None:
            sentences.append(f"{metric} at most {self.quality_loss * 100:g} % below the best")
        for key, (_, _, sentence) in MOST.items():
            if getattr(self, key) is not None:
                text = sentence.format(digits(getattr(self, key)), currency=self.currency or "")
                sentences.append(" ".join(text.split()))
        return sentences

    def floor(self, entries: Sequence[Entry]) -> float | None:
        """The least quality among these runs, which meet the other constraints; None where none is set or known."""
        known = [run.quality for run in entries if run.quality is not None]
        if self.quality is not None:
            return self.quality
        if not known or self.quality_loss is None or max(known) <= 0:  # of a quality below zero no share is a loss
            return None
        return max(known) * (1 - self.quality_loss)


def constraints(values: Mapping[str, Any]) -> Constraints:
    """The constraints of a composed configuration; UserError for a value out of range."""
    bounds = typed(Constraints, dict(values), "constraints")
    for key in MOST:
        value = getattr(bounds, key)
        if value is not None and not 0 < value < float("inf"):
            raise UserError(f"constraints.{key}={value:g}: must be above 0")
    if bounds.quality_loss is not None and not 0 <= bounds.quality_loss < 1:
        raise UserError(
            f"constraints.quality_loss={bounds.quality_loss:g}: a share, 0 or more and below 1; 0.05 is 5 %"
        )
    if bounds.quality is not None and not abs(bounds.quality) < float("inf"):
        raise UserError(f"constraints.quality={bounds.quality:g}: must be a number of {QUALITY}")
    return bounds


def check_currency(bounds: Constraints, entries: Sequence[Entry]) -> None:
    """Refuses a budget in money where the runs are priced in several currencies and none is named."""
    known = sorted({run.currency for run in entries if run.currency is not None})
    if bounds.cost_per_1k is not None and bounds.currency is None and len(known) > 1:
        raise UserError(
            f"constraints.cost_per_1k: these runs are priced in {' and '.join(known)}; "
            f"type constraints.currency={known[0]}"
        )


def check_quality(bounds: Constraints, entries: Sequence[Entry]) -> None:
    """Refuses a least quality above 1 where the metric of every run is on a scale to 1, such as 80 for 80 %."""
    best: dict[str, float] = {}
    for run in entries:
        if run.quality is not None:
            best[run.metric] = max(run.quality, best.get(run.metric, run.quality))
    if bounds.quality is None or bounds.quality <= 1 or not best or max(best.values()) > 1:
        return
    scale = ", ".join(f"{metric} is at most {digits(value)} here" for metric, value in sorted(best.items()))
    typed = f"constraints.quality={bounds.quality / 100:g}" if bounds.quality <= 100 else "a value up to 1"
    raise UserError(f"constraints.quality={bounds.quality:g}: {scale}, on a scale to 1; type {typed}")
