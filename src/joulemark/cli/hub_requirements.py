"""What conf/ asks of the live Hub: a question for each dataset and each checkpoint, and what came of it."""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import OmegaConf

from joulemark.config.factories import model_of, task_on
from joulemark.core.errors import UserError
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
class Answer:
    """What came of a question: whether it works, and what was found or why not, in one line."""

    what: str
    group: str
    name: str
    id: str
    works: bool
    said: str


def questions(words: Mapping[str, Any]) -> list[Question]:
    """What the words ask for: all of conf/, or what they name; UserError for a name that conf/ does not have."""
    if words["rows"] < 1:
        raise UserError(f"rows={words['rows']}: must be 1 or more")
    datasets = list(_datasets(words["rows"]))
    models = sorted(_models(words), key=lambda question: question.group)
    for key, known in (
        ("tasks", [question.group for question in datasets]),
        ("datasets", [question.name for question in datasets]),
        ("models", [name for question in models for name in _names(question)]),
    ):
        for word in words[key]:
            if word not in known:
                raise UserError(choose(key, word, set(known)))
    found = []
    for key, kind in (("datasets", datasets), ("models", models)):
        if (words["datasets"] or words["models"]) and not words[key]:
            continue  # who names models asks for no datasets
        for question in kind:
            of_task = not words["tasks"] or set(question.tasks) & set(words["tasks"])
            if of_task and (not words[key] or set(_names(question)) & set(words[key])):
                found.append(question)
    return found


def _names(question: Question) -> tuple[str, str]:
    """A name, and that of the family whose size it is."""
    return question.name, question.name.partition("-")[0]


def _datasets(rows: int) -> Iterator[Question]:
    for path in sorted((CONF / "task").glob("*.yaml")):
        for name, entry in _read(path)["datasets"].items():
            if "id" in entry:
                ask = partial(_rows, path.stem, name, rows)
                yield Question("dataset", path.stem, name, entry["id"], (path.stem,), ask)


def _models(words: Mapping[str, Any]) -> Iterator[Question]:
    for path in sorted((CONF / "model").glob("*.yaml")):
        node = _read(path)
        kind = next(word for word in node["defaults"] if word.startswith("kind/")).partition("@")[0]
        node = {**_read(CONF / "model" / f"{kind}.yaml"), **node}
        if node.get("weights", "hub") != "hub":
            continue  # those that ship with the program
        for size, own in (node.get("sizes") or {None: node}).items():
            label, task = f"{path.stem}-{size}" if size else path.stem, node["tasks"][0]
            ask = partial(_run, path.stem, size, task, words) if words["weights"] else partial(_held, path.stem, size)
            yield Question("model", kind.partition("/")[2], label, own["checkpoint"], tuple(node["tasks"]), ask)


def _read(path: Path) -> dict[str, Any]:
    # plain YAML for the list: composing a hundred models takes longer than the user waits for "no network"
    found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


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


def _run(name: str, size: str | None, task: str, words: Mapping[str, Any]) -> str:
    """The model loaded and asked in a process of its own; its record is thrown away."""
    own = [f"model={name}", *([f"model.size={size}"] if size else []), f"task={task}", f"samples={words['rows']}"]
    with tempfile.TemporaryDirectory() as folder:
        store = {"MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db"}
        done = trial.run((*own, "protocol=smoke", *words["words"]), forward_signals=True, environment=store)
    if done.stopped_by:  # the questions to come are not wanted either
        raise KeyboardInterrupt
    if done.status != "finished":
        raise UserError(done.error or done.status)
    return f"answered {words['rows']} rows of {task}"


def answered(question: Question, limit_s: float | None) -> Answer:
    """The answer to one question, whatever happens; after `limit_s` seconds it is that none came."""
    about = (question.what, question.group, question.name, question.id)
    try:
        return Answer(*about, True, question.ask() if limit_s is None else hub.within(limit_s, question.ask))
    except UserError as error:
        return Answer(*about, False, str(error))
    except Exception as error:  # the boundary of one question: the next one is asked all the same
        first = (str(error).splitlines() or [""])[0]
        return Answer(*about, False, f"{type(error).__name__}: {first[:300]}")
