"""A sweep's search on a landscape that was measured: how much of the whole grid's front it finds, at which share of it.

    python -m benchmarks.search LANDSCAPE.jsonl [--energy 0.25] [--seeds 20]

LANDSCAPE is what `benchmarks.landscape` wrote. The search is the sweep's own, one pass, told the landscape's figures in
place of runs, until it used so much of the whole grid's energy: trials of one length, so that their watts are their
shares. Prints, over the seeds, by how much the least energy that was found is above that of the grid, and the share of
the grid's hypervolume (energy, p95) that its points cover, on linear and on logarithmic axes. Beside it stands what
points drawn at random find with as much.
"""

import argparse
import json
import math
import random
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path

from joulemark.sweep.budget import Budget
from joulemark.sweep.memory import Memory
from joulemark.sweep.next_point import SearchPlan
from joulemark.sweep.objectives import goals
from joulemark.sweep.pareto import hypervolume
from joulemark.sweep.search import Search
from joulemark.sweep.space import Dimension, Point, space, value
from joulemark.sweep.storage import open_study
from joulemark.sweep.trial import Outcome

METRICS = ("energy/total_wh_per_1k", "latency/p95_s")
FIGURES = ("wh", "p95_s", "watts", "requests", "warm_s")  # what a row holds beside its settings
NEAR = 0.03  # a least energy within so much of the grid's is found

Grid = dict[Point, dict[str, float]]


def main() -> None:
    """Searches with each seed and prints the shares."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("landscape", type=Path)
    parser.add_argument("--energy", type=float, default=0.25, help="share of the grid's")
    parser.add_argument("--seeds", type=int, default=20)
    asked = parser.parse_args()
    grid = read(asked.landscape)
    print(f"{len(grid)} points, {asked.energy:.0%} of their energy, {asked.seeds} seeds: median (least to most)")
    found = [within_energy(grid, searched(grid, len(grid) // 2, seed), asked.energy) for seed in range(asked.seeds)]
    chance = [within_energy(grid, drawn(grid, len(grid) // 2, seed), asked.energy) for seed in range(asked.seeds)]
    for name, points in (("search", found), ("chance", chance)):
        linear, logarithmic, energy = zip(*(shares(grid, one) for one in points), strict=True)
        above = [above_least(grid, one) for one in points]
        near = sum(each <= NEAR for each in above)
        print(f"{name}: least energy {told(above)} above the grid's, within {NEAR:.0%} by {near} of {len(above)} seeds")
        counts = sorted(map(len, points))
        trials = f"{counts[0]} to {counts[-1]} trials, energy {told(energy)}"
        print(f"    hypervolume {told(linear)}, on logarithmic axes {told(logarithmic)}; {trials}")


def within_energy(grid: Grid, points: Sequence[Point], share: float) -> list[Point]:
    """The first of the points, as many as take no more than this share of the grid's energy."""
    left = share * sum(row["watts"] for row in grid.values())
    taken = []
    for point in points:
        left -= grid[point]["watts"]
        if left < 0:
            break
        taken.append(point)
    return taken


def above_least(grid: Grid, points: Sequence[Point]) -> float:
    """By how much the least energy of the points is above the grid's, as a share of it."""
    return min(grid[point]["wh"] for point in points) / min(row["wh"] for row in grid.values()) - 1


def read(path: Path) -> Grid:
    """The landscape by its points; less those that were measured without a reading."""
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    keys = [key for key in rows[0] if key not in FIGURES]
    return {tuple(f"{key}={row[key]}" for key in keys): row for row in rows if row["wh"] is not None}


def searched(grid: Grid, trials: int, seed: int) -> list[Point]:
    """The points that a sweep measures, the plainest of each setting as its reference."""
    measured: list[Point] = []
    dimensions = dimensions_of(grid)
    keys = [dimension.key for dimension in dimensions]

    def measure(overrides, limit_s):
        point = tuple(f"{key}={value(overrides, key)}" for key in keys)
        measured.append(point)
        metrics = {METRICS[0]: grid[point]["wh"], METRICS[1]: grid[point]["p95_s"]}
        return Outcome(tuple(overrides), 0, "finished", run_id="r", metrics=metrics, seconds=1.0)

    wanted = goals(("energy", "p95"), {}, METRICS)
    with tempfile.TemporaryDirectory() as folder:
        plan = SearchPlan(
            space=space(dimensions, (), lambda point: None if tuple(point) in grid else "not measured"),
            reference=tuple(dimension.overrides[0] for dimension in dimensions),
            goals=wanted,
            full=(),
            screening=None,
            finalists=1,
            budget=Budget(trials=trials),
            memory=Memory(Path(folder) / "memory.json", "card"),
            seed=seed,
        )
        study = open_study(None, Path(folder), "study", dimensions, wanted, seed)
        search = Search(plan, study, measure, lambda text: None)
        search.reference()
        search.points()
    return measured


def dimensions_of(grid: Grid) -> tuple[Dimension, ...]:
    """The settings of the grid with their values, in the order in which the file has them."""
    by_key: dict[str, dict[str, None]] = {}
    for point in grid:
        for override in point:
            key, _, one = override.partition("=")
            by_key.setdefault(key, {})[one] = None
    return tuple(Dimension(key, tuple(values)) for key, values in by_key.items())


def drawn(grid: Grid, trials: int, seed: int) -> list[Point]:
    """The reference and points drawn at random."""
    first, *others = grid
    return [first, *random.Random(seed).sample(others, trials - 1)]


def shares(grid: Grid, points: list[Point]) -> tuple[float, float, float]:
    """Hypervolume, linear and logarithmic, and energy: each over that of the whole grid."""
    watts = sum(grid[one]["watts"] for one in points) / sum(row["watts"] for row in grid.values())
    return _covered(grid, points, float), _covered(grid, points, math.log), watts


def _covered(grid, points, scale) -> float:
    """Up to a hundredth beyond the worst of the grid, so that its last point counts too."""
    worst = [scale(max(row[key] for row in grid.values()) * 1.01) for key in ("wh", "p95_s")]
    volumes = [
        hypervolume([[scale(grid[one][key]) for key in ("wh", "p95_s")] for one in some], worst)
        for some in (points, grid)
    ]
    return volumes[0] / volumes[1]


def told(values) -> str:
    return f"{statistics.median(values):.1%} ({min(values):.1%} to {max(values):.1%})"


if __name__ == "__main__":
    main()
