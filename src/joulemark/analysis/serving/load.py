"""What a load of requests costs, and which setting to take for it: from curves of measured loads, nothing else.

cards    the fewest among which the load is on each at most the highest measured rate that keeps the limits
power    of a card under its share of the load (curve.py), times the cards: each of them idles in between
chosen   the least power of the curves that can carry the load, the error of all comparisons held by ranking.py
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from statistics import fmean

from joulemark.analysis.ranking import rank
from joulemark.analysis.serving.curve import ROUNDING, Curve, MeasuredLoad
from joulemark.core.cell import Cell
from joulemark.core.serving import Limits

H_PER_DAY = 24
UNMEASURED = "below the lowest measured load, and no idle baseline was read"
NONE_PASSES = "no measured load keeps the limits"


@dataclass(frozen=True)
class LoadCost:
    """What a load costs on one curve.

    Attributes:
        curve: the setting
        load_per_s: requests per second, of all cards
        highest: the highest measured load that keeps the limits on one card; None: none does
        cards: how many cards share it equally
        power: W of all of them, one value a process; None where it is not known, with the reason in `unknown`
        between: the measured loads of one card that the power is of
        idle_w: of `power`, W of the cards being on; None without a baseline
        unknown: why there is no answer; None where there is one
    """

    curve: Curve
    load_per_s: float
    highest: MeasuredLoad | None = None
    cards: int | None = None
    power: Cell | None = None
    between: tuple[float, ...] = ()
    idle_w: float | None = None
    unknown: str | None = None

    @property
    def power_w(self) -> float | None:
        """Mean watts of all cards."""
        return None if self.power is None else fmean(self.power.values)

    @property
    def wh_per_day(self) -> float | None:
        """Wh of a day under this load, waiting included."""
        return None if self.power_w is None else self.power_w * H_PER_DAY

    @property
    def j_per_request(self) -> float | None:
        """J a request, waiting included."""
        return None if self.power_w is None else self.power_w / self.load_per_s

    @property
    def headroom(self) -> float | None:
        """The highest passing rate of all cards over the load, 1 or more."""
        if self.highest is None or self.cards is None:
            return None
        return max(1.0, self.highest.rate_per_s * self.cards / self.load_per_s)


def cost(curve: Curve, load_per_s: float, limits: Limits) -> LoadCost:
    """What a load above zero costs on a curve, on as many cards as keep the limits."""
    highest = curve.highest(limits)
    if highest is None:
        return LoadCost(curve, load_per_s, unknown=NONE_PASSES)
    cards = max(1, ceil(load_per_s / highest.rate_per_s - ROUNDING))
    each = min(load_per_s / cards, highest.rate_per_s)
    one = curve.power(each)
    if one is None:
        return LoadCost(curve, load_per_s, highest, cards, unknown=UNMEASURED)
    idle = [process.idle_w for load in curve.loads for process in load.processes if process.idle_w is not None]
    return LoadCost(
        curve,
        load_per_s,
        highest,
        cards,
        Cell(tuple(cards * watts for watts in one.values), None, curve.card),
        curve.between(each),
        cards * fmean(idle) if idle else None,
    )


@dataclass(frozen=True)
class LoadChoice:
    """Which setting to take for a load.

    Attributes:
        load_per_s: requests per second
        limits: what the answers keep
        costs: of the settings that can carry it, the least power first
        refused: those that cannot, each with the reason
        tied: of `costs`, those indistinguishable from the first
        open: of `costs`, those of which nothing is established against the first, for want of processes
        test: the test that held the error of the family; None where nothing could be judged
    """

    load_per_s: float
    limits: Limits
    costs: tuple[LoadCost, ...] = ()
    refused: tuple[LoadCost, ...] = ()
    tied: tuple[LoadCost, ...] = ()
    open: tuple[LoadCost, ...] = ()
    test: str | None = None

    @property
    def chosen(self) -> LoadCost | None:
        """The least power; None where no setting can carry the load."""
        return self.costs[0] if self.costs else None

    @property
    def passing_established(self) -> bool:
        """Whether processes enough say that the chosen setting keeps the limits at its highest rate."""
        chosen = self.chosen
        return chosen is not None and chosen.highest is not None and chosen.highest.keeps(self.limits).established

    @property
    def sure(self) -> str:
        """One word, as of a recommendation (`established`, `tie`, `open`, `alone`, `none`)."""
        if self.chosen is None:
            return "none"
        if self.open or not self.passing_established:
            return "open"
        if len(self.costs) == 1:
            return "alone"
        return "tie" if self.tied else "established"


def choose(curves: Sequence[Curve], load_per_s: float, limits: Limits) -> LoadChoice:
    """The setting that carries the load within the limits at the least power."""
    known = [cost(curve, load_per_s, limits) for curve in curves]
    able = sorted((each for each in known if each.power is not None), key=lambda each: (each.power_w, each.curve.name))
    refused = tuple(each for each in known if each.power is None)
    if not able:
        return LoadChoice(load_per_s, limits, refused=refused)
    ranking = rank([each.power for each in able if each.power is not None])
    tied, unjudged = (tuple(able[place] for place in places) for places in (ranking.tied, ranking.open))
    return LoadChoice(load_per_s, limits, tuple(able), refused, tied, unjudged, ranking.test)
