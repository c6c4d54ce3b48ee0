"""From the words of a sweep to its plan: every check that needs no measurement."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from joulemark.analysis import named_metrics
from joulemark.config import saved_settings
from joulemark.config.run import Run
from joulemark.core import extras, paths
from joulemark.core.coerce import typed
from joulemark.core.errors import UserError
from joulemark.core.machine import Hardware
from joulemark.core.procedure import Procedure
from joulemark.core.task import Inputs
from joulemark.hardware import host
from joulemark.measure.draft import draft
from joulemark.sweep import busy, workers
from joulemark.sweep.budget import Budget
from joulemark.sweep.memory import Memory
from joulemark.sweep.next_point import Plan
from joulemark.sweep.objectives import QUALITY, Goals, goals
from joulemark.sweep.options import SweepConf, dimensions_of, key_of, parted, reference_of
from joulemark.sweep.space import Dimension, Point, laid, space
from joulemark.sweep.validity import Judge


@dataclass(frozen=True)
class Asked:
    """A sweep that can begin. `typed`: the user typed a goal for quality, rather than the YAML.

    `task` and `tracking_uri` say where its answer is recorded; without the second nowhere. `words` is the line as
    typed; `workers` holds the environment of each process that is to measure, `worker` this one's number where it is
    one of several. `hardware` is what this process would measure on, `busy` what to do where another measures there.
    `run` is the reference's, `pin` the file that gets what is recommended, `answers` are searched keys that change what
    is answered.
    """

    name: str
    plan: Plan
    storage: str | None
    folder: Path
    typed: bool
    notes: tuple[str, ...]
    task: str = ""
    tracking_uri: str | None = None
    words: tuple[str, ...] = ()
    workers: tuple[Mapping[str, str], ...] = ({},)
    worker: int | None = None
    hardware: Hardware | None = None
    busy: str = busy.REFUSE
    run: Run | None = None
    pin: Path | None = None
    answers: tuple[str, ...] = ()

    @property
    def card(self) -> str | None:
        """What this process measures on."""
        return None if self.hardware is None else device(self.hardware)


def read(config: DictConfig, overrides: Sequence[Any], folder: Path | None = None) -> Asked:
    """The sweep that the words ask for; UserError, one line, for whatever cannot be."""
    chosen = config.hydra.runtime.choices.get("sweep")
    folder = folder or paths.home() / "sweeps"
    if chosen in (None, "none"):
        raise UserError("hydra/sweeper=joulemark searches what sweep=… says; type sweep=efficiency")
    node: Any = OmegaConf.to_container(config.sweep, resolve=True)
    conf = typed(SweepConf, node, "sweep")
    budget, pin = _budget(conf), saved_settings.place(conf.pin)
    fixed, swept = parted(overrides)
    dimensions = dimensions_of(conf, fixed, swept)
    judge = Judge()
    reference = reference_of(conf, dimensions, fixed)
    run = judge.run(laid(fixed, reference))
    keys = [key_of(one) for one in overrides]
    found, notes, typed_ = _goals(conf, run, keys)
    answers = _answers(conf, dimensions, found)
    storage = None if config.storage is None else str(config.storage)
    extras.require_driver("storage", storage or "")
    crew = workers.environments(conf.workers, run.hardware, keys, storage)
    alone = len(crew) == 1 and conf.worker is None and storage is None
    name = f"{chosen}-{_digest(conf, fixed, dimensions, found, device(run.hardware) if alone else _product(run))}"
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
        memory=Memory(folder / "memory.json", device(run.hardware)),
        seed=conf.seed,
    )
    return Asked(
        name,
        plan,
        storage,
        folder,
        typed_,
        (*run.notes, *notes, *note),
        run.task.name,
        run.tracking_uri,
        words=tuple(one.input_line for one in overrides),
        workers=crew,
        worker=conf.worker,
        hardware=run.hardware,
        busy=busy.checked(conf.busy),
        run=run,
        pin=pin,
        answers=answers,
    )


def device(hardware: Hardware) -> str:
    """What a run is measured on, told apart from others of its kind: UUIDs, or the processor's name."""
    return ", ".join(hardware.uuids) or host.cpu_name() or hardware.device


def _product(run: Run) -> str:
    """What a run is measured on by its product's name: workers on other cards of that product share one study."""
    return run.hardware.device_name(host.cpu_name())


def _goals(conf: SweepConf, run: Run, keys: Sequence[str]) -> tuple[Goals, list[str], bool]:
    """The goals, notes about those that are left out, and whether the user typed one for quality."""
    known = list(named_metrics.metrics(draft(run, Inputs())))
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


def _digest(conf: SweepConf, fixed: Sequence[str], dimensions: Sequence[Dimension], found: Goals, place: str) -> str:
    """What makes two lines the same study: all but the budget, who measures, and where runs and study go."""
    kept = sorted(
        word
        for word in fixed
        if not word.lstrip("+").startswith(("tracking_uri=", "shared_host=", "early_stop_against="))
    )
    asked = [kept, [asdict(one) for one in dimensions], conf.reference, asdict(found), conf.screening, conf.seed, place]
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:10]
