"""A landscape whose energy, latency, quality and memory are known for every setting, in place of a machine."""

from dataclasses import dataclass, field
from pathlib import Path

from joulemark.core.signals import Interrupted
from joulemark.sweep.budget import Budget
from joulemark.sweep.memory import Memory
from joulemark.sweep.next_point import SearchPlan
from joulemark.sweep.objectives import goals
from joulemark.sweep.pareto import hypervolume
from joulemark.sweep.search import Search
from joulemark.sweep.space import Dimension, space
from joulemark.sweep.storage import open_study
from joulemark.sweep.trial import Outcome

BATCHES = ("1", "2", "4", "8", "16", "32", "64", "128", "256")
# Wh per 1,000 at an endless batch, and quality
PRECISIONS = {"fp32": (1.0, 0.900), "tf32": (0.6, 0.900), "bf16": (0.3, 0.899), "fp16": (0.32, 0.880)}
KNOWN = ("energy/total_wh_per_1k", "latency/p95_s", "latency/p99_s", "quality/primary", "throughput/requests_per_s")
SPACE = (Dimension("batch_size", BATCHES), Dimension("precision", tuple(PRECISIONS)))
REFERENCE = ("batch_size=1", "precision=fp32")


def truth(batch: int, precision: str) -> dict[str, float]:
    """What is measured at a setting: the batch spreads a fixed cost, and beyond 64 costs again."""
    floor, quality = PRECISIONS[precision]
    return {
        "energy/total_wh_per_1k": floor + 20.0 * floor / batch + 0.001 * max(0, batch - 64) * floor,
        "energy/ci95_rel": 0.01,
        "latency/p95_s": 0.01 + 0.002 * batch * floor,
        "quality/primary": quality,
        "energy/run_wh": 0.5,
    }


@dataclass
class Machine:
    """Measures the landscape and keeps each request's overrides; memory holds batches below `memory` of a precision."""

    memory: dict[str, int] = field(default_factory=dict)
    seconds: float = 60.0
    requests: list[tuple[str, ...]] = field(default_factory=list)
    constraints: list[float | None] = field(default_factory=list)
    stop_after: int | None = None
    metrics: dict[str, float | None] = field(default_factory=dict)

    def __call__(self, overrides, limit_s):
        if self.stop_after is not None and len(self.requests) >= self.stop_after:
            return Outcome(
                tuple(overrides), 130, "interrupted", "interrupted by SIGINT", seconds=1.0, stopped_by="SIGINT"
            )
        self.requests.append(tuple(overrides))
        self.constraints.append(limit_s)
        if limit_s is not None and limit_s < self.seconds:
            return Outcome(tuple(overrides), 143, "timed_out", "not done", seconds=limit_s)
        given = dict(override.split("=") for override in overrides)
        batch, precision = int(given["batch_size"]), given["precision"]
        if batch > self.memory.get(precision, 10**9):
            error = f"out of memory at batch_size={batch}: OutOfMemoryError: CUDA out of memory"
            return Outcome(tuple(overrides), 1, "failed", error, metrics={"energy/run_wh": 0.1}, seconds=self.seconds)
        metrics = {**truth(batch, precision), **self.metrics}
        return Outcome(tuple(overrides), 0, "finished", run_id="r", metrics=metrics, seconds=self.seconds)

    def points(self, protocol):
        return [point_of(overrides) for overrides in self.requests if f"protocol={protocol}" in overrides]


def point_of(overrides):
    return tuple(override for override in overrides if override.startswith(("batch_size", "precision")))


def wanted(constraints=None, objectives=("energy", "p95")):
    return goals(objectives, constraints or {}, KNOWN)


def plan(folder: Path, budget=None, dimensions=SPACE, screening=True, **more):
    return SearchPlan(
        **{
            "space": space(dimensions, (), lambda overrides: None),
            "reference": REFERENCE,
            "goals": wanted(),
            "full": ("model=m", "protocol=standard"),
            "screening": ("model=m", "protocol=screening") if screening else None,
            "finalists": 4,
            "budget": budget or Budget(),
            "memory": Memory(folder / "memory.json", "card"),
            **more,
        }
    )


def search(plan, machine, folder: Path, messages=None):
    """A search on the journal in the folder: another one in the same folder is a later session of the same study."""
    study = open_study(None, folder, "study", plan.space.dimensions, plan.goals, plan.seed)
    return Search(plan, study, machine, (messages if messages is not None else []).append), study


def through(plan, machine, folder: Path):
    """A whole session; returns its search and study, also when it was interrupted."""
    session, study = search(plan, machine, folder)
    study.close_lost()
    try:
        session.reference()
        session.points()
        session.results()
    except Interrupted:
        pass
    return session, study


def true_front(allowed=lambda overrides: True):
    """The settings that no other of the landscape beats, by comparing every pair."""
    values = {}
    for batch in BATCHES:
        for precision in PRECISIONS:
            overrides = (f"batch_size={batch}", f"precision={precision}")
            metrics = truth(int(batch), precision)
            if allowed(overrides):
                values[overrides] = (metrics["energy/total_wh_per_1k"], metrics["latency/p95_s"])
    return {
        overrides: own
        for overrides, own in values.items()
        if not any(o[0] <= own[0] and o[1] <= own[1] and o != own for o in values.values())
    }


def covered(values):
    """The volume of the landscape that these values beat, up to the reference's energy and the slowest setting."""
    return hypervolume(values, (truth(1, "fp32")["energy/total_wh_per_1k"] * 1.01, truth(256, "fp32")["latency/p95_s"]))
