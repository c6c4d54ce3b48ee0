"""How often the program's verdicts are wrong, on made-up windows whose truth is known.

    python benchmarks/verdicts.py [PAIRS]        default 2,000 pairs a cell of the grid; prints Markdown

A process has a mean of its own (coefficient of variation `between`), its windows scatter around it (`window`) and hang
together (`phi`, the correlation of one window with the next). The standard protocol's rule ends the windows, and what
is judged goes through core/cell.py, analysis/verdict.py and analysis/ranking.py as a report's does.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import sqrt

import numpy

from joulemark.analysis import ranking, verdict
from joulemark.core.cell import Cell, cell

WINDOW_CV = (0.005, 0.01, 0.02, 0.05)
BETWEEN_CV = (0.0, 0.016, 0.03, 0.1)
PHI = (0.0, 0.6, 0.9)
PROCESSES = (3, 5, 10)
EFFECTS = (0.05, 0.1)
MIN_WINDOWS, MAX_WINDOWS, CI95_REL = 3, 10, 0.02  # conf/protocol/standard.yaml; a test holds them equal
EQUALS = 20


@dataclass(frozen=True)
class Truth:
    """What the windows of one setting are drawn from.

    Attributes:
        window: coefficient of variation of windows within a process
        between: coefficient of variation of processes
        phi: correlation of one window with the next
    """

    window: float
    between: float
    phi: float

    def __str__(self) -> str:
        return f"{self.window:.1%} | {self.between:.1%} | {self.phi:g}"


def processes(truth: Truth, count: int, draw: numpy.random.Generator, mean: float = 1.0) -> list[tuple[float, float]]:
    """The mean and the half of the within-run interval of each of `count` processes."""
    centers = mean * numpy.exp(draw.normal(0, truth.between, count))
    shocks = draw.normal(0, truth.window, (count, MAX_WINDOWS))
    deviations = numpy.empty_like(shocks)
    deviations[:, 0] = shocks[:, 0]
    for index in range(1, MAX_WINDOWS):
        deviations[:, index] = truth.phi * deviations[:, index - 1] + sqrt(1 - truth.phi**2) * shocks[:, index]
    return ended(centers[:, None] * (1 + deviations))


def ended(windows: numpy.ndarray) -> list[tuple[float, float]]:
    """Of each process (a row) its windows up to the one at which the protocol ends: mean and half-width."""
    from scipy.special import stdtrit

    counts = numpy.arange(1, MAX_WINDOWS + 1)
    means = windows.cumsum(axis=1) / counts
    squares = (windows**2).cumsum(axis=1) - counts * means**2
    used = counts[MIN_WINDOWS - 1 :]
    halves = stdtrit(used - 1, 0.975) * numpy.sqrt(squares[:, MIN_WINDOWS - 1 :].clip(0) / (used - 1) / used)
    means = means[:, MIN_WINDOWS - 1 :]
    narrow = halves <= CI95_REL * means
    narrow[:, -1] = True
    last = narrow.argmax(axis=1)
    rows = numpy.arange(len(windows))
    return list(zip(means[rows, last].tolist(), halves[rows, last].tolist(), strict=True))


def a_cell(truth: Truth, count: int, draw: numpy.random.Generator, mean: float = 1.0) -> Cell:
    """A cell of `count` processes."""
    means, halves = zip(*processes(truth, count, draw, mean), strict=True)
    return cell(means, halves)


def share_established(truth: Truth, count: int, pairs: int, draw: numpy.random.Generator, effect: float = 0.0) -> float:
    """The share of pairs of which one side is called lower; `effect` is by how much the second truly is higher."""
    return sum(_outcome(truth, count, draw, effect).established for _ in range(pairs)) / pairs


def _outcome(truth: Truth, count: int, draw: numpy.random.Generator, effect: float) -> verdict.Verdict:
    return verdict.between(a_cell(truth, count, draw), a_cell(truth, count, draw, 1 + effect))


def coverage(truth: Truth, count: int, cells: int, draw: numpy.random.Generator) -> float:
    """The share of cells whose 95 % interval holds the setting's true mean."""
    center = float(numpy.exp(truth.between**2 / 2))
    held = 0
    for _ in range(cells):
        estimate = a_cell(truth, count, draw).estimate
        assert estimate is not None
        assert estimate.low is not None
        assert estimate.high is not None
        held += estimate.low <= center <= estimate.high
    return held / cells


def family_error(truths: Sequence[Truth], count: int, families: int, draw: numpy.random.Generator) -> float:
    """The share of families of equal results in which the lowest is called lower than some other."""
    false = 0
    for _ in range(families):
        result = ranking.rank([a_cell(truth, count, draw) for truth in truths])
        false += len(result.tied) < len(truths) - 1
    return false / families


def grid() -> Iterator[Truth]:
    """Every combination of the three."""
    return (Truth(*values) for values in product(WINDOW_CV, BETWEEN_CV, PHI))


def allowed(pairs: int, share: float = 0.05) -> float:
    """A share that should be `share`, plus three standard errors."""
    return share + 3 * sqrt(share * (1 - share) / pairs)


def _percent(value: float) -> str:
    return f"{value:.1%}"


def report(pairs: int) -> None:
    """Prints the grid: false verdicts, coverage and power, then the families."""
    draw = numpy.random.default_rng(20261129)
    print(f"{pairs} pairs a row; at most {allowed(pairs):.1%} false and at least 93 % covered are asked\n")
    heads = ["window CV", "between CV", "phi"]
    heads += [f"false, n={count}" for count in PROCESSES]
    heads += [f"covered, n={count}" for count in PROCESSES]
    heads += [f"{effect:.0%} found, n={count}" for effect in EFFECTS for count in PROCESSES]
    print(f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
    for truth in grid():
        row = [_percent(share_established(truth, count, pairs, draw)) for count in PROCESSES]
        row += [_percent(coverage(truth, count, pairs, draw)) for count in PROCESSES]
        row += [
            _percent(share_established(truth, count, pairs // 4, draw, effect))
            for effect in EFFECTS
            for count in PROCESSES
        ]
        print(f"| {truth} | {' | '.join(row)} |", flush=True)
    print(f"\n{EQUALS} equal results, {pairs} families a row\n\n| truth | processes | false |\n|---|---|---|")
    for between in BETWEEN_CV:
        for count in PROCESSES[:2]:
            error = family_error([Truth(0.01, between, 0.0)] * EQUALS, count, pairs, draw)
            print(f"| window 1 %, between {between:.1%} | {count} | {error:.1%} |", flush=True)
    mixed = [Truth(0.005, 0.005, 0.0)] * (EQUALS // 2) + [Truth(0.01, 0.1, 0.0)] * (EQUALS // 2)
    for count in PROCESSES[:2]:
        error = family_error(mixed, count, pairs // 4, draw)
        print(f"| ten at 0.5 %, ten at 10 % between | {count} | {error:.1%} |", flush=True)


if __name__ == "__main__":
    report(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
