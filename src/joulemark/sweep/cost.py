"""What a sweep cost, and after how many inferences its recommendation has saved that."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, hypot

from joulemark.analysis import verdict
from joulemark.analysis.verdict import Verdict
from joulemark.core.cell import Cell
from joulemark.sweep.budget import metered_wh
from joulemark.sweep.objectives import Metrics
from joulemark.sweep.trial_state import TrialResult

START_METRICS = ("energy/load_wh", "energy/warmup_wh")
NOT_KNOWN = Verdict(verdict.UNKNOWN, verdict.NO_VALUE)
FEW = 1000  # inferences: an extra cost of each start that is saved sooner is not mentioned


@dataclass(frozen=True)
class SweepCost:
    """The metered energy of all trials, screening and failed ones too, and what the recommendation saves.

    Of the search's own processes, one a setting: a saving between processes is the confirmation's.

    Attributes:
        wh: metered, Wh; None where no trial reported it
        trials: number of trials
        unknown: trials that ended before they could report their energy
        saving_wh_per_1k: the reference's energy less the recommended setting's; None where one is unknown
        saving_half: half of the interval of the saving, of both within-run intervals; None without one of them
        verdict: of the recommended setting (A) against the reference (B)
        metered_s: of `seconds`, those that were metered: starting and importing is not in the Wh
        seconds: of all trials
        start_wh: what loading and warming up of the recommended setting take beyond the reference's, Wh
    """

    wh: float | None
    trials: int
    unknown: int
    saving_wh_per_1k: float | None
    saving_half: float | None = None
    verdict: Verdict = NOT_KNOWN
    metered_s: float | None = None
    seconds: float = 0.0
    start_wh: float | None = None

    @property
    def saving(self) -> tuple[float | None, float | None]:
        """The ends of the saving by the within-run intervals, Wh per 1,000; None where they are unknown."""
        if self.saving_wh_per_1k is None or self.saving_half is None:
            return None, None
        return self.saving_wh_per_1k - self.saving_half, self.saving_wh_per_1k + self.saving_half

    @property
    def paid_back_after(self) -> tuple[int | None, int | None]:
        """Inferences until the saving equals the cost, by the ends of the saving; None where it may never."""
        return payback(self.wh, *self.saving)

    @property
    def start_paid_back_after(self) -> int | None:
        """Inferences until a start has saved what it takes beyond one of the reference; None if unknown."""
        return inferences(self.start_wh, self.saving_wh_per_1k)

    def __str__(self) -> str:
        wh = "an unknown amount" if self.wh is None else f"{self.wh:.3g} Wh"
        unknown = f" and {self.unknown} that ended before they could report it" if self.unknown else ""
        return (
            f"cost of the sweep: {wh} in {self.trials - self.unknown} trials{unknown}{self._metered()}{self._start()}"
        )

    def saving_in_words(self) -> list[str]:
        """The saving by one process of either setting, and after how many inferences it would pay the cost back."""
        low, high = self.saving
        if self.saving_wh_per_1k is None:
            return []
        if self.saving_wh_per_1k <= 0:
            return ["the recommended setting saves nothing against the reference"]
        ends = "no interval" if low is None or high is None else f"{low:.3g} to {high:.3g} by within-run intervals"
        saving = f"saving, {self.verdict}: {self.saving_wh_per_1k:.3g} Wh per 1,000 ({ends})"
        return [
            saving if self.wh is None else f"{saving}, which would pay the sweep back {after(*self.paid_back_after)}"
        ]

    def _start(self) -> str:
        """What each start of the recommended setting costs, where that takes more than a few inferences to save."""
        count = self.start_paid_back_after
        if count is None or count < FEW:
            return ""
        start = f"each start of the recommended setting takes {self.start_wh:.3g} Wh more"
        return f"; {start}, paid back after about {count:,} inferences"

    def _metered(self) -> str:
        """How much of the trials' time the Wh hold."""
        if self.metered_s is None:
            return " (metered stretches)"
        return f" (metered for {self.metered_s / 60:.2g} of their {self.seconds / 60:.2g} min)"


def cost_of(results: Sequence[TrialResult], reference: Metrics, recommended: Metrics | None) -> SweepCost:
    """The cost of all trials of a study."""
    energies_wh = [wh for result in results if (wh := metered_wh(result)) is not None]
    metered_s = [seconds for result in results if (seconds := result.metrics.get("energy/run_s")) is not None]
    own, at_reference = cell_of(recommended or {}), cell_of(reference)
    known = bool(own.values and at_reference.values)
    halves = [own.within, at_reference.within]
    return SweepCost(
        wh=sum(energies_wh) if energies_wh else None,
        trials=len(results),
        unknown=len(results) - len(energies_wh),
        saving_wh_per_1k=at_reference.values[0] - own.values[0] if known else None,
        saving_half=hypot(*(half for half in halves if half is not None)) if None not in halves else None,
        verdict=verdict.between(own, at_reference),
        metered_s=sum(metered_s) if metered_s else None,
        seconds=sum(result.outcome.seconds for result in results),
        start_wh=_start_wh(recommended or {}, reference),
    )


def cell_of(metrics: Metrics) -> Cell:
    """The one process of a setting that the search measured; without values where its energy is unknown."""
    estimate = verdict.energy_estimate(metrics)
    return Cell(()) if estimate is None else Cell((estimate.mean,), estimate.half_width)


def inferences(wh: float | None, saving_wh_per_1k: float | None) -> int | None:
    """Inferences until a saving equals an energy; None where nothing is saved, or one is not known."""
    if wh is None or saving_wh_per_1k is None or saving_wh_per_1k <= 0:
        return None
    return ceil(wh / saving_wh_per_1k * 1000)


def payback(wh: float | None, low: float | None, high: float | None) -> tuple[int | None, int | None]:
    """Inferences that pay an energy back at soonest and at latest, by the ends of a saving; None where never."""
    return inferences(wh, high), inferences(wh, low)


def after(soonest: int | None, latest: int | None) -> str:
    """Both ends of a payback in words."""
    if soonest is None:
        return "after an unknown number of inferences"
    return f"after {soonest:,} to {latest:,} inferences" if latest else f"after {soonest:,} inferences, or never"


def _start_wh(recommended: Metrics, reference: Metrics) -> float | None:
    """What a start takes more: compiling in its warm-up, preprocessing workers in its loading, say."""
    differences = [
        own - at_reference
        for key in START_METRICS
        if (own := recommended.get(key)) is not None and (at_reference := reference.get(key)) is not None
    ]
    return max(0.0, sum(differences)) if differences else None
