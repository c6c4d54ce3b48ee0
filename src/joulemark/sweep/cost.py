"""What a sweep cost, and after how many inferences its recommendation has saved that."""

from collections.abc import Sequence
from dataclasses import dataclass

from joulemark.analysis import verdict
from joulemark.sweep.budget import metered_wh
from joulemark.sweep.objectives import SHORT, Metrics
from joulemark.sweep.trial_state import TrialResult

START_METRICS = ("energy/load_wh", "energy/warmup_wh")
FEW = 1000  # inferences: an extra cost of each start that is saved sooner is not mentioned


@dataclass(frozen=True)
class SweepCost:
    """The metered energy of all trials, screening and failed ones too, and what the recommendation saves.

    Attributes:
        wh: metered, Wh; None where no trial reported it
        trials: number of trials
        unknown: trials that ended before they could report their energy
        saving_wh_per_1k: the reference's energy less the recommended setting's; None where one is unknown
        beyond_intervals: whether the intervals of both energies do not overlap; None without intervals
        metered_s: of `seconds`, those that were metered: starting and importing is not in the Wh
        seconds: of all trials
        start_wh: what loading and warming up of the recommended setting take beyond the reference's, Wh
    """

    wh: float | None
    trials: int
    unknown: int
    saving_wh_per_1k: float | None
    beyond_intervals: bool | None = None
    metered_s: float | None = None
    seconds: float = 0.0
    start_wh: float | None = None

    @property
    def paid_back_after(self) -> int | None:
        """Inferences until the saving equals the cost; None where nothing is saved, or it is not known."""
        return self._inferences(self.wh)

    @property
    def start_paid_back_after(self) -> int | None:
        """Inferences until a start has saved what it takes beyond one of the reference; None if unknown."""
        return self._inferences(self.start_wh)

    def _inferences(self, wh: float | None) -> int | None:
        if wh is None or self.saving_wh_per_1k is None or self.saving_wh_per_1k <= 0:
            return None
        return -int(-wh / self.saving_wh_per_1k * 1000 // 1)

    def __str__(self) -> str:
        wh = "an unknown amount" if self.wh is None else f"{self.wh:.3g} Wh"
        unknown = f" and {self.unknown} that ended before they could report it" if self.unknown else ""
        cost = f"cost of the sweep: {wh} in {self.trials - self.unknown} trials{unknown}{self._metered()}"
        if self.saving_wh_per_1k is None or self.wh is None:
            return cost
        if self.paid_back_after is None:
            return f"{cost}; the recommended setting saves nothing against the reference"
        doubt = {True: "", None: " (without an interval)", False: " (within its interval: perhaps 0)"}
        saving = f"{self.saving_wh_per_1k:.3g} Wh per 1,000{doubt[self.beyond_intervals]}"
        return f"{cost}; the saving of {saving} pays that back after {self.paid_back_after:,} inferences{self._start()}"

    def _start(self) -> str:
        """What each start of the recommended setting costs, where that takes more than a few inferences to save."""
        after = self.start_paid_back_after
        if after is None or after < FEW:
            return ""
        return f"; each start of it takes {self.start_wh:.3g} Wh more, paid back after {after:,} inferences"

    def _metered(self) -> str:
        """How much of the trials' time the Wh hold."""
        if self.metered_s is None:
            return " (metered stretches)"
        return f" (metered for {self.metered_s / 60:.2g} of their {self.seconds / 60:.2g} min)"


def cost_of(results: Sequence[TrialResult], reference: Metrics, recommended: Metrics | None) -> SweepCost:
    """The cost of all trials of a study."""
    energies_wh = [wh for result in results if (wh := metered_wh(result)) is not None]
    metered_s = [seconds for result in results if (seconds := result.metrics.get("energy/run_s")) is not None]
    before, after = reference.get(SHORT["energy"]), (recommended or {}).get(SHORT["energy"])
    estimates = verdict.energy_estimate(recommended or {}), verdict.energy_estimate(reference)
    return SweepCost(
        wh=sum(energies_wh) if energies_wh else None,
        trials=len(results),
        unknown=len(results) - len(energies_wh),
        saving_wh_per_1k=before - after if before is not None and after is not None else None,
        beyond_intervals=verdict.apart(*estimates),
        metered_s=sum(metered_s) if metered_s else None,
        seconds=sum(result.outcome.seconds for result in results),
        start_wh=_start_wh(recommended or {}, reference),
    )


def _start_wh(recommended: Metrics, reference: Metrics) -> float | None:
    """What a start takes more: compiling in its warm-up, preprocessing workers in its loading, say."""
    differences = [
        own - at_reference
        for key in START_METRICS
        if (own := recommended.get(key)) is not None and (at_reference := reference.get(key)) is not None
    ]
    return max(0.0, sum(differences)) if differences else None
