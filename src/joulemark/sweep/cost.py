"""What a sweep took, and after how many inferences its recommendation has paid that back."""

from collections.abc import Sequence
from dataclasses import dataclass

from joulemark.analysis import verdict
from joulemark.sweep.budget import wh
from joulemark.sweep.objectives import SHORT, Metrics
from joulemark.sweep.trial_state import Told

STARTING = ("energy/load_wh", "energy/warmup_wh")
FEW = 1000  # inferences: what a start costs below that is not worth a word


@dataclass(frozen=True)
class Bill:
    """Metered Wh of all trials, screening and failed ones too; `unknown` trials died before they could say.

    `saving_wh_per_1k` is the reference's energy less the recommended setting's, None where one is unknown.
    `metered_s` of the trials' `seconds` were metered: the rest, starting and importing above all, is not in the Wh.
    """

    wh: float | None
    trials: int
    unknown: int
    saving_wh_per_1k: float | None
    sure: bool | None = None  # whether the intervals of both energies leave a saving; None without intervals
    metered_s: float | None = None
    seconds: float = 0.0
    start_wh: float | None = None  # what loading and warming up of the recommended setting take beyond the reference's

    @property
    def paid_back_after(self) -> int | None:
        """Inferences until what was saved is what the sweep took; None where nothing is saved, or it is not known."""
        return self._earned(self.wh)

    @property
    def start_paid_back_after(self) -> int | None:
        """Inferences until a start has saved what it takes beyond one of the reference; None if unknown."""
        return self._earned(self.start_wh)

    def _earned(self, wh: float | None) -> int | None:
        if wh is None or self.saving_wh_per_1k is None or self.saving_wh_per_1k <= 0:
            return None
        return -int(-wh / self.saving_wh_per_1k * 1000 // 1)

    def __str__(self) -> str:
        took = "an unknown amount" if self.wh is None else f"{self.wh:.3g} Wh"
        rest = f" and {self.unknown} that died before they could say" if self.unknown else ""
        begun = f"the sweep took {took} in {self.trials - self.unknown} trials{rest}{self._metered()}"
        if self.saving_wh_per_1k is None or self.wh is None:
            return begun
        if self.paid_back_after is None:
            return f"{begun}; the recommended setting saves nothing against the reference"
        doubt = (
            "" if self.sure else " (without an interval)" if self.sure is None else " (within its interval: perhaps 0)"
        )
        saving = f"{self.saving_wh_per_1k:.3g} Wh per 1,000{doubt}"
        return (
            f"{begun}; the saving of {saving} pays that back after {self.paid_back_after:,} inferences{self._start()}"
        )

    def _start(self) -> str:
        """What each start of the recommended setting costs, where that is more than a few inferences earn."""
        after = self.start_paid_back_after
        if after is None or after < FEW:
            return ""
        return f"; each start of it takes {self.start_wh:.3g} Wh more, earned back after {after:,} inferences"

    def _metered(self) -> str:
        """How much of the trials' time the Wh hold."""
        if self.metered_s is None:
            return " (metered stretches)"
        return f" (metered for {self.metered_s / 60:.2g} of their {self.seconds / 60:.2g} min)"


def bill(told: Sequence[Told], reference: Metrics, recommended: Metrics | None) -> Bill:
    """The bill of all trials of a study."""
    known = [found for one in told if (found := wh(one)) is not None]
    metered = [found for one in told if (found := one.metrics.get("energy/run_s")) is not None]
    before, after = reference.get(SHORT["energy"]), (recommended or {}).get(SHORT["energy"])
    saving = before - after if before is not None and after is not None else None
    estimates = verdict.energy_estimate(recommended or {}), verdict.energy_estimate(reference)
    return Bill(
        wh=sum(known) if known else None,
        trials=len(told),
        unknown=len(told) - len(known),
        saving_wh_per_1k=saving,
        sure=verdict.apart(*estimates),
        metered_s=sum(metered) if metered else None,
        seconds=sum(one.outcome.seconds for one in told),
        start_wh=_start_wh(recommended or {}, reference),
    )


def _start_wh(recommended: Metrics, reference: Metrics) -> float | None:
    """What a start takes more: compiling in its warm-up, processes that prepare pictures in its loading, say."""
    more = [
        one - other
        for key in STARTING
        if (one := recommended.get(key)) is not None and (other := reference.get(key)) is not None
    ]
    return max(0.0, sum(more)) if more else None
