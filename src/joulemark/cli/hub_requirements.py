"""What conf/ asks of the live Hub: a question for each dataset and each checkpoint, and what came of it."""

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
class Question:
    """Something of conf/ that should be on the Hub; `ask` says in a few words what is there, or raises."""

    what: str
    group: str
    name: str
    id: str
    tasks: tuple[str, ...]
    ask: Callable[[], str]


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


def questions(options: Mapping[str, Any]) -> list[Question]:
    """What the options ask for: all of conf/, or what they name; UserError for a name that conf/ does not have."""
    if options["rows"] < 1:
        raise UserError(f"rows={options['rows']}: must be 1 or more")
    datasets = list(_datasets(options["rows"]))
    models = sorted(_models(options), key=lambda question: question.group)
    for key, known in (
        ("tasks", [question.group for question in datasets]),
        ("datasets", [question.name for question in datasets]),
        ("models", [name for question in models for name in _names(question)]),
    ):
        for word in options[key]:
            if word not in known:
                raise UserError(choose(key, word, set(known)))
    found = []
    for key, kind in (("datasets", datasets), ("models", models)):
        if (options["datasets"] or options["models"]) and not options[key]:
            continue  # who names models asks for no datasets
        for question in kind:
            of_task = not options["tasks"] or set(question.tasks) & set(options["tasks"])
            if of_task and (not options[key] or set(_names(question)) & set(options[key])):
                found.append(question)
    return found


def _names(question: Question) -> tuple[str, str]:
    """A name, and that of the family whose size it is."""
    return question.name, question.name.partition("-")[0]


def _datasets(rows: int) -> Iterator[Question]:
    for path in sorted((CONF / "task").glob("*.yaml")):
        for name, entry in yaml_file.read(path)["datasets"].items():
            if "id" in entry:
                ask = partial(_rows, path.stem, name, rows)
                yield Question("dataset", path.stem, name, entry["id"], (path.stem,), ask)


def _models(options: Mapping[str, Any]) -> Iterator[Question]:
    for name in model_files.names():
        node = model_files.node(name)
        if node["weights"] != "hub" or name == "hub":
            continue  # those that ship with the program, and the one whose checkpoint is typed
        tasks = tuple(fit.tasks_of(typed(Capabilities, node["capabilities"], "model.capabilities")))
        for size, own in (node["sizes"] or {None: node}).items():
            label = f"{name}-{size}" if size else name
            ask = partial(_held, name, size)
            if options["weights"]:
                ask = partial(_run, name, size, tasks[0], options)
            yield Question("model", model_files.kind_of(name), label, own["checkpoint"], tasks, ask)


def _composed(group: str, name: str) -> dict[str, Any]:
    """One choice of a group, as a run composes it."""
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        found: Any = OmegaConf.to_container(compose(f"{group}/{name}")[group], resolve=True)
    return dict(found)


def _rows(task: str, dataset: str, count: int) -> str:
    """The first rows of a dataset as the task reads them."""
    samples = task_on(_composed("task", task), task, dataset).samples(count, 0).samples
    judged = any(sample.target is not None for sample in samples)
    return f"{len(samples)} rows" + ("" if judged else ", no reference")


def _held(name: str, size: str | None) -> str:
    """What the repository of a model holds, beside what conf/ says of it."""
    from joulemark.models.backend import repository

    return repository.check(model_of(_composed("model", name), name, size).checkpoint)


def _run(name: str, size: str | None, task: str, options: Mapping[str, Any]) -> str:
    """The model loaded and asked in a process of its own; its record is thrown away."""
    own = [f"model={name}", *([f"model.size={size}"] if size else []), f"task={task}", f"samples={options['rows']}"]
    with tempfile.TemporaryDirectory() as folder:
        store = {"MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db"}
        done = trial.run((*own, "protocol=smoke", *options["overrides"]), forward_signals=True, environment=store)
    if done.stopped_by:  # the questions to come are not wanted either
        raise KeyboardInterrupt
    if done.status != "finished":
        raise UserError(done.error or done.status)
    return f"answered {options['rows']} rows of {task}"


def checked(question: Question, limit_s: float | None) -> HubCheckResult:
    """The answer to one question, whatever happens; after `limit_s` seconds it is that none came."""
    about = (question.what, question.group, question.name, question.id)
    try:
        return HubCheckResult(*about, True, question.ask() if limit_s is None else hub.within(limit_s, question.ask))
    except UserError as error:
        return HubCheckResult(*about, False, str(error))
    except Exception as error:  # the boundary of one question: the next one is asked all the same
        first = (str(error).splitlines() or [""])[0]
        return HubCheckResult(*about, False, f"{type(error).__name__}: {first[:300]}")
