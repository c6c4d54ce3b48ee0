"""A sweep's search on a landscape that was measured: how much of the whole grid's front it finds, at which share of it.

    python -m benchmarks.search LANDSCAPE.jsonl --trials 9 --seeds 20

LANDSCAPE is what `benchmarks.landscape` wrote. The search is the sweep's own, one pass, told the landscape's figures in
place of runs. Prints, over the seeds, the share of the grid's hypervolume (energy, p95) that the search's points cover,
on linear and on logarithmic axes, and of its energy: trials of one length, so that their watts are their shares. Beside
it stands what as many points drawn at random cover.
"""

import argparse
import json
import math
import random
import statistics
import tempfile
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


def main() -> None:
    """Searches with each seed and prints the shares."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("landscape", type=Path)
    parser.add_argument("--trials", type=int, default=9)
    parser.add_argument("--seeds", type=int, default=20)
    asked = parser.parse_args()
    grid = read(asked.landscape)
    print(f"{len(grid)} points, {asked.trials} trials, {asked.seeds} seeds: median (least to most)")
    found = [searched(grid, asked.trials, seed) for seed in range(asked.seeds)]
    chance = [drawn(grid, asked.trials, seed) for seed in range(asked.seeds)]
    for name, points in (("search", found), ("chance", chance)):
        linear, logarithmic, energy = zip(*(shares(grid, one) for one in points), strict=True)
        print(f"{name}: hypervolume {told(linear)}, on logarithmic axes {told(logarithmic)}; energy {told(energy)}")


def read(path: Path) -> dict[Point, dict[str, float]]:
    """The landscape by its points."""
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    return {(f"batch_size={row['batch_size']}", f"precision={row['precision']}"): row for row in rows}


def searched(grid: dict[Point, dict[str, float]], trials: int, seed: int) -> list[Point]:
    """The points that a sweep measures."""
    measured: list[Point] = []

    def measure(overrides, limit_s):
        point = (f"batch_size={value(overrides, 'batch_size')}", f"precision={value(overrides, 'precision')}")
        measured.append(point)
        metrics = {METRICS[0]: grid[point]["wh"], METRICS[1]: grid[point]["p95_s"]}
        return Outcome(tuple(overrides), 0, "finished", run_id="r", metrics=metrics, seconds=1.0)

    batches = sorted({value(point, "batch_size") for point in grid}, key=int)
    precisions = list(dict.fromkeys(value(point, "precision") for point in grid))
    dimensions = (Dimension("batch_size", tuple(batches)), Dimension("precision", tuple(precisions)))
    wanted = goals(("energy", "p95"), {}, METRICS)
    with tempfile.TemporaryDirectory() as folder:
        plan = SearchPlan(
            space=space(dimensions, (), lambda overrides: None),
            reference=("batch_size=1", "precision=fp32"),
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


def drawn(grid: dict[Point, dict[str, float]], trials: int, seed: int) -> list[Point]:
    """The reference and points drawn at random."""
    first, *others = grid
    return [first, *random.Random(seed).sample(others, trials - 1)]


def shares(grid: dict[Point, dict[str, float]], points: list[Point]) -> tuple[float, float, float]:
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
