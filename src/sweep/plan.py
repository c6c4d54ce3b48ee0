"""From the words of a sweep to its plan: every check that needs no measurement."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from src import bench, environment, pins, summary, tracking
from src.composed import GROUPS
from src.config import Run, RunSchema, typed
from src.core import Inputs, Procedure, UserError
from src.sweep.goal import QUALITY, Goals, goals
from src.sweep.judge import Judge
from src.sweep.memory import Memory
from src.sweep.search import Budget, Plan, laid
from src.sweep.space import Dimension, Point, searchable, space

FOLDER = tracking.ROOT / "mlruns" / "sweeps"
OWN = ("sweep", "storage")  # words of the sweep, not of its runs


@dataclass(frozen=True)
class SweepConf:
    """One choice of `conf/sweep`."""

    space: dict[str, Any]
    reference: dict[str, Any]
    objectives: tuple[Any, ...]
    limits: dict[str, Any] = field(default_factory=dict)
    changes_answers: tuple[str, ...] = ()
    screening: str | None = None
    finalists: int = 4
    budget: dict[str, float | None] = field(default_factory=dict)
    seed: int = 0
    pin: str | None = None


@dataclass(frozen=True)
class Asked:
    """A sweep that can begin. `typed`: the user typed a goal for quality, rather than the YAML.

    `task` and `tracking_uri` say where its answer is recorded; without the second nowhere. `run` is the reference's,
    `pin` the file that gets what is recommended. `answers` are searched keys that change what is answered.
    """

    name: str
    plan: Plan
    storage: str | None
    folder: Path
    typed: bool
    notes: tuple[str, ...]
    task: str = ""
    tracking_uri: str | None = None
    run: Run | None = None
    pin: Path | None = None
    answers: tuple[str, ...] = ()


def read(config: DictConfig, overrides: Sequence[Any], folder: Path = FOLDER) -> Asked:
    """The sweep that the words ask for; UserError, one line, for whatever cannot be."""
    chosen = config.hydra.runtime.choices.get("sweep")
    if chosen in (None, "none"):
        raise UserError("hydra/sweeper=joulemark searches what sweep=… says; type sweep=efficiency")
    node: Any = OmegaConf.to_container(config.sweep, resolve=True)
    conf = typed(SweepConf, node, "sweep")
    budget, pin = _budget(conf), pins.place(conf.pin)
    fixed, swept = _parted(overrides)
    dimensions = _dimensions(conf, fixed, swept)
    judge = Judge()
    reference = _reference(conf, dimensions, fixed)
    run = judge.run(laid(fixed, reference))
    found, notes, typed_ = _goals(conf, run, [_key(one) for one in overrides])
    answers = _answers(conf, dimensions, found)
    name = f"{chosen}-{_digest(conf, fixed, dimensions, found, run)}"
    full = (*fixed, f"sweep_id={name}")
    screening, note = _screening(conf, full, reference, run, judge)
    plan = Plan(
        space=space(dimensions, fixed, judge),
        reference=reference,
        goals=found,
        full=full,
        screening=screening,
        finalists=conf.finalists,
        budget=budget,
        memory=Memory(folder / "memory.json", device(run)),
        seed=conf.seed,
    )
    storage = None if config.storage is None else str(config.storage)
    said = (*run.notes, *notes, *note)
    return Asked(name, plan, storage, folder, typed_, said, run.task.name, run.tracking_uri, run, pin, answers)


def device(run: Run) -> str:
    """What a run is measured on, told apart from others of its kind: UUIDs, or the processor's name."""
    return ", ".join(run.hardware.uuids) or environment.cpu_name() or run.hardware.device


def _key(override: Any) -> str:
    return str(override.get_key_element()).lstrip("+~")


def _parted(overrides: Sequence[Any]) -> tuple[list[str], list[Dimension]]:
    """The words that are fixed for every trial, and those with several values."""
    fixed, swept = [], []
    for override in overrides:
        key = _key(override)
        if key == "sweep_id":
            raise UserError("sweep_id: a sweep's study gives it, so that the same line goes on; leave it out")
        if override.is_sweep_override():
            if key.partition(".")[0] in OWN:
                raise UserError(f"{key}: one sweep at a time; give it one value")
            swept.append(Dimension(key, tuple(override.sweep_string_iterator())))
        elif key.partition(".")[0] not in OWN:
            fixed.append(f"{override.get_key_element()}={override.get_value_element_as_str()}")
    return fixed, swept


def _dimensions(conf: SweepConf, fixed: Sequence[str], swept: Sequence[Dimension]) -> list[Dimension]:
    """The YAML's dimensions with the typed ones in place of theirs, and without those that a single word fixes."""
    typed_ = {one.key: one for one in swept}
    fixed_keys = {word.partition("=")[0] for word in fixed}
    found = {}
    for key, values in conf.space.items():
        if not isinstance(values, list | tuple):
            raise UserError(f"sweep.space.{key}={values}: a list of values; type sweep.space.{key}=[{values}]")
        if key not in fixed_keys:
            found[key] = Dimension(key, tuple(_word(value) for value in values))
    found.update(typed_)
    known = [one.name for one in fields(RunSchema) if one.name not in OWN and one.name not in GROUPS[1:]]
    for dimension in found.values():
        searchable(dimension.key, known, conf.changes_answers)
        if len(set(dimension.values)) < len(dimension.values):
            raise UserError(f"{dimension.key}={','.join(dimension.values)}: a value stands there twice")
    return list(found.values())


def _word(value: Any) -> str:
    """A value of the YAML as it is typed."""
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _reference(conf: SweepConf, dimensions: Sequence[Dimension], fixed: Sequence[str]) -> Point:
    """The reference in words: a dimension without a value there has its plainest, the first.

    Words that are fixed to the same value are no part of it, so that the reference is then a point of the space; nor is
    a null, which stands for the run's own value, of what is not searched.
    """
    words = [f"{d.key}={_word(conf.reference[d.key]) if d.key in conf.reference else d.values[0]}" for d in dimensions]
    keys = {dimension.key for dimension in dimensions}
    further = [
        f"{key}={_word(value)}" for key, value in conf.reference.items() if key not in keys and value is not None
    ]
    return (*words, *(word for word in further if word not in fixed))


def _goals(conf: SweepConf, run: Run, keys: Sequence[str]) -> tuple[Goals, list[str], bool]:
    """The goals, notes about those that are left out, and whether the user typed one for quality."""
    known = list(summary.metrics(bench.draft(run, Inputs())))
    named = [*map(str, conf.objectives), *conf.limits]
    if any(QUALITY in name for name in named):
        known += [f"{QUALITY}{name}" for name in run.task.score((), ()).values]
    found = goals(conf.objectives, conf.limits, known)
    asked = Goals(
        found.objectives if "sweep.objectives" in keys else (),
        tuple(
            one for one in found.limits if any(k in ("sweep.limits", f"sweep.limits.{one.name}") for k in _above(keys))
        ),
    )
    typed_ = any(metric.startswith(QUALITY) for metric in asked.metrics)
    if run.model.checkpoint.weights != "random" or not any(m.startswith(QUALITY) for m in found.metrics):
        return found, [], typed_
    why = "answers of random weights have no quality"
    if typed_:
        raise UserError(f"model.weights=random: {why}; leave quality out of sweep.objectives and sweep.limits")
    left = found.without(QUALITY)
    if not left.objectives:
        raise UserError(f"model.weights=random: {why}; type sweep.objectives=[energy,p95]")
    return left, [f"left out: the goals for quality: {why}"], False


def _above(keys: Sequence[str]) -> list[str]:
    """Each key and those that hold it."""
    return [".".join(key.split(".")[: n + 1]) for key in keys for n in range(key.count(".") + 1)]


def _answers(conf: SweepConf, dimensions: Sequence[Dimension], found: Goals) -> tuple[str, ...]:
    """What is searched of that which changes the answers; UserError where nothing asks how good they are: the worst
    would win."""
    keys = tuple(dimension.key for dimension in dimensions if dimension.key in conf.changes_answers)
    if keys and not any(metric.startswith(QUALITY) for metric in found.metrics):
        raise UserError(f"{keys[0]} changes the answers: make quality an objective, sweep.objectives=[energy,quality]")
    return keys


def _screening(
    conf: SweepConf, full: Sequence[str], reference: Point, run: Run, judge: Judge
) -> tuple[tuple[str, ...] | None, list[str]]:
    """The words of the screening pass: another protocol, the same inputs. None where it would be no shorter."""
    if conf.screening is None:
        return None, []
    kept = [word for word in full if word.partition("=")[0].partition(".")[0] not in ("protocol", "samples")]
    words = (*kept, f"protocol={conf.screening}", f"samples={run.samples}")
    own = [word for word in words if not word.startswith("sweep_id=")]
    if not _shorter(judge.run(laid(own, reference)).procedure, run.procedure):
        return None, [f"protocol={run.procedure.name} is as short as protocol={conf.screening}: no screening pass"]
    return words, []


def _shorter(one: Procedure, other: Procedure) -> bool:
    if one.min_windows > other.min_windows:
        return False
    return one.min_windows < other.min_windows or one.window_s < other.window_s


def _budget(conf: SweepConf) -> Budget:
    found = typed(Budget, conf.budget, "sweep.budget")
    for key, value in asdict(found).items():
        if value is not None and value <= 0:
            raise UserError(f"sweep.budget.{key}={value:g}: must be more than 0, or null for no limit")
    if conf.finalists < 1:
        raise UserError(f"sweep.finalists={conf.finalists}: must be 1 or more")
    return found


def _digest(conf: SweepConf, fixed: Sequence[str], dimensions: Sequence[Dimension], found: Goals, run: Run) -> str:
    """What makes two lines the same study: all but the budget, and where runs and study go."""
    kept = sorted(word for word in fixed if not word.startswith("tracking_uri="))
    asked = [
        kept,
        [asdict(one) for one in dimensions],
        conf.reference,
        asdict(found),
        conf.screening,
        conf.seed,
        device(run),
    ]
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:10]
