"""What conf/ requires of the live Hub: a check for each dataset and each checkpoint, and its result."""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import OmegaConf

from joulemark.config import fit, model_files, yaml_file
from joulemark.config.factories import model_of, task_on
from joulemark.core.coerce import typed
from joulemark.core.errors import UserError
from joulemark.core.model import Capabilities
from joulemark.core.paths import CONF
from joulemark.core.suggest import choose
from joulemark.data import hub
from joulemark.sweep import trial


@dataclass(frozen=True)
class Requirement:
    """A dataset or a checkpoint that conf/ expects on the Hub.

    Attributes:
        what: `dataset` or `model`
        group: the dataset's task, or the model's kind
        name: its option in conf/, a model's with its size
        id: its repository on the Hub
        tasks: those that need it
        check: returns in short what the repository holds, or raises
    """

    what: str
    group: str
    name: str
    id: str
    tasks: tuple[str, ...]
    check: Callable[[], str]


@dataclass(frozen=True)
class HubCheckResult:
    """The outcome of one check.

    Attributes:
        works: whether a run would find what it needs
        message: what the Hub holds, or why it does not work, in one line
    """

    what: str
    group: str
    name: str
    id: str
    works: bool
    message: str


def requirements(options: Mapping[str, Any]) -> list[Requirement]:
    """The checks that the options select: all of conf/, or what they name; UserError for an unknown name."""
    if options["rows"] < 1:
        raise UserError(f"rows={options['rows']}: must be 1 or more")
    datasets = list(_datasets(options["rows"]))
    models = sorted(_models(options), key=lambda requirement: requirement.group)
    for key, known in (
        ("tasks", [requirement.group for requirement in datasets]),
        ("datasets", [requirement.name for requirement in datasets]),
        ("models", [name for requirement in models for name in _names(requirement)]),
    ):
        for name in options[key]:
            if name not in known:
                raise UserError(choose(key, name, set(known)))
    selected = []
    for key, kind in (("datasets", datasets), ("models", models)):
        if (options["datasets"] or options["models"]) and not options[key]:
            continue  # naming models selects no datasets
        for requirement in kind:
            of_task = not options["tasks"] or set(requirement.tasks) & set(options["tasks"])
            if of_task and (not options[key] or set(_names(requirement)) & set(options[key])):
                selected.append(requirement)
    return selected


def _names(requirement: Requirement) -> tuple[str, str]:
    """A name, and that of the family whose size it is."""
    return requirement.name, requirement.name.partition("-")[0]


def _datasets(rows: int) -> Iterator[Requirement]:
    for path in sorted((CONF / "task").glob("*.yaml")):
        for name, entry in yaml_file.read(path)["datasets"].items():
            if "id" in entry:
                check = partial(_rows, path.stem, name, rows)
                yield Requirement("dataset", path.stem, name, entry["id"], (path.stem,), check)


def _models(options: Mapping[str, Any]) -> Iterator[Requirement]:
    for name in model_files.names():
        node = model_files.node(name)
        if node["weights"] != "hub" or name == "hub":
            continue  # those that ship with the program, and the one whose checkpoint is typed
        tasks = tuple(fit.tasks_of(typed(Capabilities, node["capabilities"], "model.capabilities")))
        for size, own in (node["sizes"] or {None: node}).items():
            label = f"{name}-{size}" if size else name
            check = partial(_held, name, size)
            if options["weights"]:
                check = partial(_run, name, size, tasks[0], options)
            yield Requirement("model", model_files.kind_of(name), label, own["checkpoint"], tasks, check)


def _composed(group: str, name: str) -> dict[str, Any]:
    """One choice of a group, as a run composes it."""
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        node: Any = OmegaConf.to_container(compose(f"{group}/{name}")[group], resolve=True)
    return dict(node)


def _rows(task: str, dataset: str, count: int) -> str:
    """The first rows of a dataset as the task reads them."""
    samples = task_on(_composed("task", task), task, dataset).samples(count, 0).samples
    judged = any(sample.target is not None for sample in samples)
    return f"{len(samples)} rows" + ("" if judged else ", no reference")


def _held(name: str, size: str | None) -> str:
    """What the repository of a model holds, beside what conf/ states of it."""
    from joulemark.models.backend import repository

    return repository.check(model_of(_composed("model", name), name, size).checkpoint)


def _run(name: str, size: str | None, task: str, options: Mapping[str, Any]) -> str:
    """The model loaded and run in a process of its own; its record is thrown away."""
    own = [f"model={name}", *([f"model.size={size}"] if size else []), f"task={task}", f"samples={options['rows']}"]
    with tempfile.TemporaryDirectory() as folder:
        store = {"MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db"}
        done = trial.run((*own, "protocol=smoke", *options["overrides"]), forward_signals=True, environment=store)
    if done.stopped_by:  # the checks to come are not wanted either
        raise KeyboardInterrupt
    if done.status != "finished":
        raise UserError(done.error or done.status)
    return f"predicted {options['rows']} rows of {task}"


def checked(requirement: Requirement, limit_s: float | None) -> HubCheckResult:
    """The result of one check, whatever happens; after `limit_s` seconds it is that none came."""
    about = (requirement.what, requirement.group, requirement.name, requirement.id)
    try:
        return HubCheckResult(
            *about, True, requirement.check() if limit_s is None else hub.within(limit_s, requirement.check)
        )
    except UserError as error:
        return HubCheckResult(*about, False, str(error))
    except Exception as error:  # the boundary of one check: the next one is made all the same
        first = (str(error).splitlines() or [""])[0]
        return HubCheckResult(*about, False, f"{type(error).__name__}: {first[:300]}")
