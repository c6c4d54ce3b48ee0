"""What a sweep took, and after how many inferences its recommendation has paid that back."""

from collections.abc import Sequence
from dataclasses import dataclass

from src.sweep.goal import SHORT, Metrics
from src.sweep.search import wh
from src.sweep.study import Told


@dataclass(frozen=True)
class Bill:
    """Metered Wh of all trials, screening and failed ones too; `unknown` trials died before they could say.

    `saving_wh_per_1k` is the reference's energy less the recommended setting's, None where one is unknown.
    """

    wh: float | None
    trials: int
    unknown: int
    saving_wh_per_1k: float | None

    @property
    def paid_back_after(self) -> int | None:
        """Inferences until what was saved is what the sweep took; None where nothing is saved, or it is not known."""
        if self.wh is None or self.saving_wh_per_1k is None or self.saving_wh_per_1k <= 0:
            return None
        return -int(-self.wh / self.saving_wh_per_1k * 1000 // 1)

    def __str__(self) -> str:
        took = "an unknown amount" if self.wh is None else f"{self.wh:.3g} Wh"
        rest = f" and {self.unknown} that died before they could say" if self.unknown else ""
        begun = f"the sweep took {took} in {self.trials - self.unknown} trials{rest} (metered stretches)"
        if self.saving_wh_per_1k is None or self.wh is None:
            return begun
        if self.paid_back_after is None:
            return f"{begun}; the recommended setting saves nothing against the reference"
        saving = f"{self.saving_wh_per_1k:.3g} Wh per 1,000"
        return f"{begun}; the saving of {saving} pays that back after {self.paid_back_after:,} inferences"


def bill(told: Sequence[Told], reference: Metrics, recommended: Metrics | None) -> Bill:
    """The bill of all trials of a study."""
    known = [found for one in told if (found := wh(one)) is not None]
    before, after = reference.get(SHORT["energy"]), (recommended or {}).get(SHORT["energy"])
    saving = before - after if before is not None and after is not None else None
    return Bill(sum(known) if known else None, len(told), len(told) - len(known), saving)
