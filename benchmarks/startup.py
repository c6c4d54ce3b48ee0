"""Where the seconds of a run go that are not measuring: before the first warm-up, and after the last inference.

    python -m benchmarks.startup [options of python -m src.run …] [--runs 5] [--trees DIR DIR]

Times the plain lines that a run prints on standard error as each phase begins, and a refused command beside them.
Prints the median over the runs, of seconds and of processor seconds of the run's own process: those tell apart two
versions of the code on a busy machine, too. With --trees each checkout is run in turn. Linux.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
MEASURING = ("idle", "warm-up", "measuring")  # phases that last as long as the protocol says


@dataclass(frozen=True)
class Moment:
    """When a phase began, since the command.

    Attributes:
        phase: its line on standard error
        wall_s: seconds
        cpu_s: processor seconds of the run's own process
    """

    phase: str
    wall_s: float
    cpu_s: float


def moments(tree: Path, options: list[str]) -> list[Moment]:
    """Each phase of a run as it began, and its exit last."""
    used_s, began_s = _children_cpu_s(), time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-m", "src.run", *options],
        cwd=tree,
        env=_environment(tree),
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stderr is not None
        seen = [
            Moment(line.strip(), time.perf_counter() - began_s, _cpu_s(process.pid))
            for line in process.stderr
            if line.strip()
        ]
    if process.returncode:
        sys.exit(f"the run failed: {[moment.phase for moment in seen]}")
    return [*seen, Moment("exit", time.perf_counter() - began_s, _children_cpu_s() - used_s)]


def stretches(run: list[Moment]) -> dict[str, tuple[float, float]]:
    """Seconds and processor seconds of each stretch; the idle baseline, warm-up and windows are the protocol's."""
    began = {moment.phase: moment for moment in reversed(run)}
    last = max(place for place, moment in enumerate(run) if moment.phase == "measuring")
    start, end = Moment("", 0.0, 0.0), run[-1]
    measuring_s = sum(
        following.wall_s - moment.wall_s for moment, following in pairwise(run) if moment.phase in MEASURING
    )
    return {
        "command to the meters": _between(start, began["meters"]),
        "meters opened, packages imported": _between(began["meters"], began["loading"]),
        "the model loaded": _between(began["loading"], began["idle"]),
        "command to first warm-up, without the idle baseline": _between(start, began["idle"]),
        "scored": _between(began["scoring"], run[run.index(began["scoring"]) + 1]),
        "last inference to exit": _between(run[last + 1], end),
        "all that is not measuring": (end.wall_s - measuring_s, 0.0),
        "all": _between(start, end),
    }


def _between(first: Moment, second: Moment) -> tuple[float, float]:
    return second.wall_s - first.wall_s, second.cpu_s - first.cpu_s


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def _children_cpu_s() -> float:
    used = os.times()
    return used.children_user + used.children_system


def _environment(tree: Path) -> dict[str, str]:
    packages = filter(None, [str(tree / "src"), str(tree), os.environ.get("PYTHONPATH")])
    return {**os.environ, "PYTHONPATH": os.pathsep.join(packages)}


def refused(tree: Path) -> tuple[float, float]:
    """Seconds and processor seconds of a command with a mistake in it."""
    used_s, began_s = _children_cpu_s(), time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "src.run", "model=blomz"], cwd=tree, env=_environment(tree), stderr=subprocess.DEVNULL
    )
    return time.perf_counter() - began_s, _children_cpu_s() - used_s


def main() -> None:
    """Prints the median of each stretch, of each tree."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("options", nargs="*", default=["protocol=smoke"])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--trees", nargs="+", type=Path, default=[Path.cwd()])
    given = parser.parse_args()
    found: dict[Path, list[dict[str, tuple[float, float]]]] = {tree: [] for tree in given.trees}
    for _ in range(given.runs):
        for tree, runs in found.items():
            runs.append({**stretches(moments(tree, given.options)), "a refused command": refused(tree)})
    for tree, runs in found.items():
        print(tree)
        for name in runs[0]:
            wall, cpu = (statistics.median(run[name][place] for run in runs) for place in (0, 1))
            print(f"  {name:52} {wall:7.2f} s" + (f"  {cpu:6.2f} s of processor" if cpu else ""))


if __name__ == "__main__":
    main()
