"""How many processes, windows and samples it takes to tell two results apart, from the scatter measured here.

Power is 80 % throughout: four of five times a difference of that size is established.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, log, log1p, sqrt
from statistics import variance

from joulemark.analysis.verdict import MIN_PROCESSES
from joulemark.core.cell import Cell
from joulemark.core.formatting import many
from joulemark.core.stats import LEVEL

POWER = 0.8
FEWEST_SAMPLES = 2
MOST_WINDOWS = 1000
MOST_PROCESSES = 1000  # no one repeats a run more often; beyond it the plan says "more than"


@dataclass(frozen=True)
class Scatter:
    """How far fresh processes of one setting differ, pooled over cells.

    Attributes:
        sd_log: standard deviation of the logarithm of the quantity between processes, which is about its coefficient
            of variation
        freedom: degrees of freedom that it rests on
        cells: how many cells it is pooled over
    """

    sd_log: float
    freedom: int
    cells: int

    def __str__(self) -> str:
        pooled = f"pooled over {many(self.cells, 'setting')} measured here, {self.freedom} degrees of freedom"
        return f"{self.sd_log:.2%} between processes ({pooled})"


def scatter(cells: Sequence[Cell]) -> Scatter | None:
    """The scatter between processes over all cells of two processes or more; None without one."""
    logs = [[log(value) for value in cell.values] for cell in cells if cell.processes > 1 and min(cell.values) > 0]
    freedom = sum(len(values) - 1 for values in logs)
    if not freedom:
        return None
    pooled = sum(variance(values) * (len(values) - 1) for values in logs) / freedom
    return Scatter(sqrt(pooled), freedom, len(logs))


def processes_needed(known: Scatter, share: float) -> int | None:
    """Processes a side that establish a difference of this share; None where it takes more than `MOST_PROCESSES`."""
    if not known.sd_log:
        return MIN_PROCESSES
    effect = log1p(share) / known.sd_log
    counts = range(MIN_PROCESSES, MOST_PROCESSES + 1)
    return next((count for count in counts if _power(effect, count) >= POWER), None)


@dataclass(frozen=True)
class Windows:
    """The windows of one run.

    Attributes:
        count: how many
        relative: half of the within-run interval of its energy, over the mean
    """

    count: int
    relative: float


def windows_needed(runs: Sequence[Windows], share: float) -> int | None:
    """Windows whose within-run interval is at most this share each way, by the windows of runs measured here.

    None without a run of several windows, and where it takes more than `MOST_WINDOWS`.
    """
    from scipy.special import stdtrit

    def t(count: int) -> float:
        return float(stdtrit(count - 1, (1 + LEVEL) / 2))

    several = [run for run in runs if run.count > 1]
    freedom = sum(run.count - 1 for run in several)
    if not freedom:
        return None
    squares = ((run.relative * sqrt(run.count) / t(run.count)) ** 2 * (run.count - 1) for run in several)
    cv = sqrt(sum(squares) / freedom)
    return next((count for count in range(2, MOST_WINDOWS + 1) if t(count) * cv / sqrt(count) <= share), None)


def samples_needed(share_a: float, share_b: float) -> int | None:
    """Inputs that tell two shares of correct predictions apart, each model on all of them; None where they are equal.

    By the normal approximation of two independent shares: an upper bound, since the same inputs are a paired design.
    """
    return _samples(share_a, share_b, other_samples=1)


def samples_to_limit(share: float, limit: float) -> int | None:
    """Inputs that tell a share of correct predictions from a limit in [0, 1]; None where they are equal."""
    return _samples(share, limit, other_samples=0)


def _samples(share: float, other: float, other_samples: int) -> int | None:
    """Samples of the first share, with as many times as many of the other; 0 is one that is known exactly."""
    from statsmodels.stats.power import NormalIndPower
    from statsmodels.stats.proportion import proportion_effectsize

    effect, power = abs(float(proportion_effectsize(share, other))), NormalIndPower()
    if effect == 0:
        return None
    if power.power(effect, FEWEST_SAMPLES, 0.05, other_samples) >= POWER:  # below it there is no solution
        return FEWEST_SAMPLES
    return ceil(float(power.solve_power(effect, power=POWER, alpha=0.05, ratio=other_samples)))


def _power(effect: float, processes: int) -> float:
    from statsmodels.stats.power import TTestIndPower  # seconds to import

    return float(TTestIndPower().power(effect, processes, 0.05))
