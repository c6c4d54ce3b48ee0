"""A mix of jobs, and who may answer it: the jobs of a day from conf/mix, the models from runs made of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from joulemark.analysis import readings, verdict
from joulemark.analysis.impact.amount import Amount
from joulemark.core.coerce import typed
from joulemark.core.errors import UserError
from joulemark.core.measurement import COMPONENTS
from joulemark.core.paths import CONF
from joulemark.core.record import Record
from joulemark.core.units import J_PER_WH, PER

FOLDER = CONF / "mix"
HOURS_A_DAY = 24.0


@dataclass(frozen=True)
class Mix:
    """Jobs of a day.

    Attributes:
        calls_per_day: calls of all tasks
        shares: task -> share of the calls; they add up to 1
        hours_on: hours a day that the card is on, at most 24
        rounds_per_day: how often collected jobs are answered where models are swapped, at least 1
        name: name of the mix
    """

    calls_per_day: float
    shares: Mapping[str, float]
    hours_on: float = HOURS_A_DAY
    rounds_per_day: float = 24.0
    name: str = ""


@dataclass(frozen=True)
class Measured:
    """What a run says of one model on one task.

    Attributes:
        model: name of the model
        task: name of the task
        device: name of the device
        role: `specialist` or `general_purpose`
        gross: gross energy, Wh per 1,000 inferences
        dynamic: dynamic energy above idle, Wh per 1,000 inferences; None without an idle baseline
        seconds: the card's time for one inference, s
        load_wh: energy of loading once, idle power of that time included, Wh
        load_s: time of loading, s
        peak_memory_bytes: peak memory of the device
        idle_w: idle power with the model loaded, W
        quality: primary metric, in [0, 1]
        estimated_share: share of the energy that was estimated, in [0, 1]
    """

    model: str
    task: str
    device: str
    role: str
    gross: Amount
    dynamic: Amount | None
    seconds: float | None = None
    load_wh: float | None = None
    load_s: float | None = None
    peak_memory_bytes: int | None = None
    idle_w: Amount | None = None
    quality: float | None = None
    estimated_share: float | None = None


@dataclass(frozen=True)
class Side:
    """One way to answer the mix.

    Attributes:
        name: the model, or what the models have in common
        by_task: task -> the run whose model answers it
    """

    name: str
    by_task: Mapping[str, Measured]

    @property
    def models(self) -> tuple[str, ...]:
        """The models that must be loaded, each once."""
        return tuple(dict.fromkeys(value.model for value in self.by_task.values()))

    @property
    def memory_bytes(self) -> int | None:
        """The sum of the models' peak memory, which is more than they need at one moment; None where one is unknown."""
        peaks: dict[str, int] = {}
        for value in self.by_task.values():
            if value.peak_memory_bytes is None:
                return None
            peaks[value.model] = max(peaks.get(value.model, 0), value.peak_memory_bytes)
        return sum(peaks.values())


def mix(values: Mapping[str, Any], name: str) -> Mix:
    """The mix of a composed node of `conf/mix`; UserError for values that cannot be."""
    jobs = typed(Mix, {"name": name, **values}, "mix")
    checks: Sequence[tuple[str, float, Callable[[float], bool], str]] = (
        ("calls_per_day", jobs.calls_per_day, lambda v: 0 <= v < float("inf"), "must be 0 or more"),
        ("hours_on", jobs.hours_on, lambda v: 0 < v <= HOURS_A_DAY, "must be above 0 and at most 24"),
        ("rounds_per_day", jobs.rounds_per_day, lambda v: 1 <= v < float("inf"), "must be 1 or more"),
    )
    for key, value, holds, says in checks:
        if not holds(value):
            raise UserError(f"mix.{key}={value:g}: {says}")
    for task, share in jobs.shares.items():
        if not 0 < share <= 1:
            raise UserError(f"mix.shares.{task}={share:g}: must be above 0 and at most 1; leave out what has no calls")
    if abs(sum(jobs.shares.values()) - 1) > 1e-6:
        raise UserError(f"mix.shares add up to {sum(jobs.shares.values()):g}: they are parts of one whole, 1")
    return jobs


@cache
def known(folder: Path = FOLDER) -> Mapping[str, Mix]:
    """Every mix of conf/mix by its name."""
    nodes = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.yaml"))}
    return {name: mix(values, name) for name, values in nodes.items()}


def measured(record: Record, metrics: Mapping[str, float | None]) -> Measured | None:
    """What a record says of its model on its task; None where its energy is not available.

    The interval of the dynamic energy is that of gross plus that of the idle power for as long as an inference takes.
    Components without an idle reading are in gross alone.
    """
    gross, dynamic = verdict.energy_estimate(metrics), metrics.get("energy/dynamic_wh_per_1k")
    if gross is None:
        return None
    per_s, loads = metrics.get("throughput/requests_per_s"), record.measurement.load
    seconds = 1 / per_s if per_s else None
    idle_w = _idle_w(record)
    half = widened = gross.half_width
    if half is not None and seconds is not None and idle_w is not None and idle_w.high is not None:
        widened = half + (idle_w.high - idle_w.mean) * seconds * PER / J_PER_WH
    return Measured(
        model=record.model.name,
        task=record.task.name,
        device=record.device_name,
        role=str(record.model.role),
        gross=Amount.of(gross.mean, half),
        dynamic=None if dynamic is None else Amount.of(max(0.0, dynamic), widened),
        seconds=seconds,
        load_wh=metrics.get("energy/load_wh"),
        load_s=max((reading.duration_s for reading in loads), default=None),
        peak_memory_bytes=record.measurement.peak_memory_bytes,
        idle_w=idle_w,
        quality=metrics.get("quality/primary"),
        estimated_share=metrics.get("energy/estimated_share"),
    )


def _idle_w(record: Record) -> Amount | None:
    """Idle power of all components that have a baseline; its interval is unknown where one part has no spread."""
    parts = {c: w for c in COMPONENTS if (w := readings.idle_w(record.measurement, c)) is not None}
    if not parts:
        return None
    halves = [readings.idle_half_width_w(record.measurement, component) for component in parts]
    known_halves = [half for half in halves if half is not None]
    return Amount.of(sum(parts.values()), sum(known_halves) if len(known_halves) == len(halves) else None)


def sides(jobs: Mix, runs: Sequence[Measured]) -> tuple[Side, Side]:
    """The general-purpose model (A) and the specialists (B) that answer the mix best, of equals the cheapest.

    A is one model that was measured on every task of the mix; tasks that a side lacks are not in it.
    """
    wanted = [run for run in runs if run.task in jobs.shares]
    specialists = {
        task: _best([r for r in wanted if r.role == "specialist" and r.task == task]) for task in jobs.shares
    }
    generals: dict[str, dict[str, Measured]] = {}
    for name in sorted({run.model for run in wanted if run.role == "general_purpose"}):
        own = [run for run in wanted if run.role == "general_purpose" and run.model == name]
        tasks = {task: _best([run for run in own if run.task == task]) for task in jobs.shares}
        generals[name] = {task: run for task, run in tasks.items() if run is not None}
    widest = max(generals, key=lambda name: _rank(list(generals[name].values()), jobs), default=None)
    return (
        Side(widest or "one general-purpose model", generals.get(widest or "", {})),
        Side("specialists", {task: run for task, run in specialists.items() if run is not None}),
    )


def _best(runs: Sequence[Measured]) -> Measured | None:
    return min(runs, key=lambda run: (-(run.quality or 0.0), run.gross.mean), default=None)


def _rank(runs: Sequence[Measured], jobs: Mix) -> tuple[int, float, float]:
    """How many tasks of the mix, how well by their shares, and, less is more, at what energy."""
    return (
        len(runs),
        sum((run.quality or 0.0) * jobs.shares[run.task] for run in runs),
        -sum(run.gross.mean * jobs.shares[run.task] for run in runs),
    )
