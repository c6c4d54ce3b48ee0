"""python -m src.hub_check: every model and dataset of conf/ against the live Hub, and a table of what works.

Of a dataset the first two rows are read as a run reads them; of a checkpoint only its list of files and its
configuration, unless `weights=true` has each one loaded and asked. Exit code 0 when all works, 1 when something does
not, 2 for a mistake in the words or no network.
"""

import json
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import hydra
import yaml
from hydra import compose, initialize_config_dir
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig, OmegaConf

from src import hub, mistakes
from src.config import CONF, model_of, task_on
from src.core import UserError
from src.grid import Job
from src.suite import performed
from src.table import FAILED
from src.words import choose


@dataclass
class Words:
    """What `conf/hub_check.yaml` may hold; Hydra checks names and types against it (it must not be frozen)."""

    tasks: list[str] = field(default_factory=list)
    datasets: list[str] = field(default_factory=list)
    models: list[str] = field(default_factory=list)
    rows: int = 2
    limit_s: float = 120.0
    weights: bool = False
    words: list[str] = field(default_factory=list)


ConfigStore.instance().store(name="hub_check_schema", node=Words)


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


@hydra.main(config_path=str(CONF), config_name="hub_check", version_base="1.3")
def main_command(config: DictConfig) -> None:
    """The check that Hydra composed; leaves the process with its exit code."""
    try:
        code = run(config)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        code = 2
    except KeyboardInterrupt:
        code = 128 + signal.SIGINT
    sys.exit(code)


def run(config: DictConfig) -> int:
    """Asks every question and prints the table; returns the exit code."""
    words: dict[str, Any] = OmegaConf.to_container(config, resolve=True)  # type: ignore[assignment]
    todo = questions(words)
    hub.require_network()
    answers = []
    for number, question in enumerate(todo, start=1):
        print(f"[{number}/{len(todo)}] {question.what} {question.name}: {question.id}", file=sys.stderr, flush=True)
        answers.append(answered(question, None if words["weights"] else words["limit_s"]))
    show(answers)
    failed = sum(not answer.works for answer in answers)
    print(json.dumps({"checked": len(answers), "failed": failed, "rows": [asdict(answer) for answer in answers]}))
    return 1 if failed else 0


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
    from src.models import published

    return published.check(model_of(_composed("model", name), name, size).checkpoint)


def _run(name: str, size: str | None, task: str, words: Mapping[str, Any]) -> str:
    """The model loaded and asked in a process of its own; its record is thrown away."""
    own = [f"model={name}", *([f"model.size={size}"] if size else []), f"task={task}", f"samples={words['rows']}"]
    with tempfile.TemporaryDirectory() as folder:
        done = performed(Job(task, name, (*own, "protocol=smoke", *words["words"])), f"sqlite:///{folder}/mlflow.db")
    if done.status == FAILED:
        raise UserError(done.error)
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


def show(answers: Sequence[Answer]) -> None:
    """Prints one line for each answer, those of one task or kind together."""
    from rich.console import Console
    from rich.table import Table

    console = Console(width=None if sys.stdout.isatty() else 2000, markup=False, highlight=False)
    table = Table(box=None, pad_edge=False)
    for name in ("", "name", "on the Hub", "works", ""):
        table.add_column(name, no_wrap=bool(name), overflow="fold")
    before = ""
    for answer in answers:
        group = f"{answer.what}s: {answer.group}"
        table.add_row(
            "" if group == before else group, answer.name, answer.id, "yes" if answer.works else "NO", answer.said
        )
        before = group
    console.print(table)


def main() -> int:
    """The command; every mistake of the user's is one line on standard error and exit code 2."""
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")
    try:
        main_command()
    except mistakes.COMPOSITION as error:
        print(f"error: {mistakes.explain(error, 'hub_check', sys.argv[1:])}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
