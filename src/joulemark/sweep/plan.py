"""From the options of a sweep to its request: every check that needs no measurement."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from joulemark.analysis import named_metrics
from joulemark.analysis.serving.metrics import serving_metrics
from joulemark.config import saved_settings
from joulemark.config.run import Run
from joulemark.core import extras, paths, tracking
from joulemark.core.coerce import typed
from joulemark.core.errors import UserError
from joulemark.core.machine import Hardware
from joulemark.core.measurement import Measurement
from joulemark.core.serving import BATCH
from joulemark.core.task import Inputs
from joulemark.core.traffic import Traffic
from joulemark.measure.draft import draft
from joulemark.sweep import busy, stages, workers
from joulemark.sweep.budget import Budget
from joulemark.sweep.identity import device, digest_of, product, study_name
from joulemark.sweep.memory import Memory
from joulemark.sweep.next_point import SearchPlan
from joulemark.sweep.objectives import QUALITY, Goals, goals
from joulemark.sweep.options import (
    SweepConf,
    defaults,
    dimensions_of,
    feeding_of,
    fixed_and_swept,
    key_of,
    reference_of,
    with_scenario,
)
from joulemark.sweep.repeats import repeated
from joulemark.sweep.software import Software, software
from joulemark.sweep.space import Dimension, Point, Space, merged, space, without_choice
from joulemark.sweep.validity import Validity


@dataclass(frozen=True)
class SweepRequest:
    """A sweep that can begin.

    Attributes:
        name: of the study
        plan: what is searched
        storage: URI of the study's database; None: a journal in `folder`
        folder: of journals and remembered batch sizes
        quality_typed: whether the user typed a goal for quality, rather than the YAML
        notes: sentences for the user
        task: its name
        tracking_uri: where the recommendation is recorded; None: nowhere
        overrides: as typed
        workers: environment variables of each process that measures
        worker: this process's number where it is one of several
        hardware: what this process measures on
        busy: `refuse` or `wait` where another run has the card
        run: the reference's
        save_as: the file that gets the recommended settings
        task_options: searched options of the task, which change its outputs
        repeats: fresh processes of the recommended setting and the reference after the search
        difference: the share for which the plan says what it takes to tell it apart
        line: how the names of all studies of this line begin, whatever software measured them; empty where unknown
        software: what this session measures with
        shared_process: whether screening trials that need one loaded model share a process
    """

    name: str
    plan: SearchPlan
    storage: str | None
    folder: Path
    quality_typed: bool
    notes: tuple[str, ...]
    task: str = ""
    tracking_uri: str | None = None
    overrides: tuple[str, ...] = ()
    workers: tuple[Mapping[str, str], ...] = ({},)
    worker: int | None = None
    hardware: Hardware | None = None
    busy: str = busy.REFUSE
    run: Run | None = None
    save_as: Path | None = None
    task_options: tuple[str, ...] = ()
    repeats: int = 1
    difference: float = SweepConf.difference
    line: str = ""
    software: Software = field(default_factory=dict)
    shared_process: bool = False

    @property
    def card(self) -> str | None:
        """What this process measures on."""
        return None if self.hardware is None else device(self.hardware)


def read(config: DictConfig, overrides: Sequence[Any], folder: Path | None = None) -> SweepRequest:
    """The sweep of a composed configuration and its overrides; UserError, one line, where it is refused."""
    (choice, conf), folder = _chosen(config), folder or paths.home() / "sweeps"
    budget, save_as = _budget(conf), saved_settings.place(conf.save_as)
    fixed, swept = fixed_and_swept(overrides)
    (fixed,), repeats = repeated([with_scenario(fixed, config.hydra.runtime.choices)])
    dimensions = dimensions_of(conf, fixed, swept)
    validity = Validity()
    reference = reference_of(conf, dimensions, fixed)
    run = validity.run(merged(fixed, reference))
    keys = [key_of(override) for override in overrides]
    chosen_goals, goal_notes, quality_typed = _goals(conf, run, keys)
    made = space(dimensions, fixed, validity)
    searched, reference = _searched(made, reference, swept)
    task_options = _task_options(conf, searched.dimensions, chosen_goals)
    storage = tracking.storage(config.storage)
    extras.require_driver("storage", storage or "")
    environments = workers.environments(conf.workers, run.hardware, keys, storage)
    alone = len(environments) == 1 and conf.worker is None and storage is None
    measured_on = device(run.hardware) if alone else product(run)
    line, used = f"{choice}-{digest_of(conf, fixed, searched.dimensions, chosen_goals, measured_on)}-", software(run)
    name = study_name(conf.resume, line, used, folder, storage)
    full = (*fixed, f"sweep_id={name}")
    screening, screening_notes = stages.screening(conf, full, reference, run, validity)
    plan = SearchPlan(
        searched,
        reference,
        chosen_goals,
        full,
        screening,
        conf.finalists,
        budget,
        memory=Memory(folder / "memory.json", device(run.hardware)),
        seed=conf.seed,
        preliminary=screening is None and run.procedure.preliminary,
    )
    plan = stages.later(plan, feeding_of(conf, searched.dimensions, fixed), conf, run, validity)
    return SweepRequest(
        name,
        plan,
        storage,
        folder,
        quality_typed,
        (*run.notes, *goal_notes, *screening_notes),
        run.task.name,
        run.tracking_uri,
        overrides=tuple(override.input_line for override in overrides),
        workers=environments,
        worker=conf.worker,
        hardware=run.hardware,
        busy=busy.checked(conf.busy),
        run=run,
        save_as=save_as,
        task_options=task_options,
        repeats=repeats,
        difference=conf.difference,
        line=line,
        software=used,
        shared_process=conf.shared_process and (screening is not None or plan.preliminary),
    )


def _chosen(config: DictConfig) -> tuple[str, SweepConf]:
    """The choice of the group `sweep` and its options; UserError where none is chosen."""
    choice = config.hydra.runtime.choices.get("sweep")
    if choice in (None, "none"):
        raise UserError("hydra/sweeper=joulemark needs a choice of sweep=…; type sweep=efficiency")
    node: Any = OmegaConf.to_container(config.sweep, resolve=True)
    return choice, typed(SweepConf, node, "sweep")


def _searched(made: Space, reference: Point, typed: Sequence[Dimension]) -> tuple[Space, Point]:
    """The space and the reference without the defaults of options that are no choice."""
    searched = without_choice(made, defaults(), [dimension.key for dimension in typed])
    left = {dimension.key for dimension in searched.dimensions}
    dropped = {dimension.key for dimension in made.dimensions if dimension.key not in left}
    known = defaults()
    return searched, tuple(each for each in reference if each.partition("=")[0] not in dropped or each not in known)


def _goals(conf: SweepConf, run: Run, keys: Sequence[str]) -> tuple[Goals, list[str], bool]:
    """The goals, notes about those that are excluded, and whether the user typed one for quality."""
    known = list(named_metrics.metrics(draft(run, Inputs())))
    if run.names["scenario"] != BATCH:
        known += serving_metrics(Measurement(traffic=Traffic(0.0)))
    names = [*map(str, conf.objectives), *conf.constraints]
    if any(QUALITY in name for name in names):
        known += [f"{QUALITY}{name}" for name in run.task.score((), ()).values]
    chosen = goals(conf.objectives, conf.constraints, known)
    typed_keys = _with_parents(keys)
    typed_goals = Goals(
        chosen.objectives if "sweep.objectives" in keys else (),
        tuple(
            constraint
            for constraint in chosen.constraints
            if {"sweep.constraints", f"sweep.constraints.{constraint.name}"} & typed_keys
        ),
    )
    quality_typed = any(metric.startswith(QUALITY) for metric in typed_goals.metrics)
    if run.model.checkpoint.weights != "random" or not any(m.startswith(QUALITY) for m in chosen.metrics):
        return chosen, [], quality_typed
    reason = "predictions of random weights have no quality"
    if quality_typed:
        raise UserError(f"model.weights=random: {reason}; leave quality out of sweep.objectives and sweep.constraints")
    without_quality = chosen.without(QUALITY)
    if not without_quality.objectives:
        raise UserError(f"model.weights=random: {reason}; type sweep.objectives=[energy,p95]")
    return without_quality, [f"excluded: the goals for quality: {reason}"], False


def _with_parents(keys: Sequence[str]) -> set[str]:
    """Each option and those that hold it."""
    return {".".join(key.split(".")[: count + 1]) for key in keys for count in range(key.count(".") + 1)}


def _task_options(conf: SweepConf, dimensions: Sequence[Dimension], chosen: Goals) -> tuple[str, ...]:
    """The searched options of the task; UserError where quality is no goal: the worst outputs would win."""
    keys = tuple(dimension.key for dimension in dimensions if dimension.key in conf.allow_task_options)
    if keys and not any(metric.startswith(QUALITY) for metric in chosen.metrics):
        raise UserError(
            f"{keys[0]} changes the task's outputs: make quality an objective, sweep.objectives=[energy,quality]"
        )
    return keys


def _budget(conf: SweepConf) -> Budget:
    budget = typed(Budget, conf.budget, "sweep.budget")
    for key, value in asdict(budget).items():
        if value is not None and value <= 0:
            raise UserError(f"sweep.budget.{key}={value:g}: must be more than 0, or null for no limit")
    if not 0 < conf.difference < 1:
        raise UserError(f"sweep.difference={conf.difference:g}: a share, above 0 and below 1; 0.05 is 5 %")
    if conf.finalists < 1:
        raise UserError(f"sweep.finalists={conf.finalists}: must be 1 or more")
    return budget
