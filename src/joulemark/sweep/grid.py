"""The grid of a suite: which runs it is made of, each as the words of `python -m src.run`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from joulemark.config.run import command
from joulemark.core.errors import UserError
from joulemark.core.paths import options_of
from joulemark.core.suggest import choose
from joulemark.report.table import Row


@dataclass(frozen=True)
class Cell:
    """One task with the models and datasets that are tried on it; a model may carry its size (`bloomz-7b1`)."""

    task: str
    models: tuple[str, ...]
    datasets: tuple[str, ...] = ("auto",)
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Suite:
    """A grid of runs, and the words that all of them share."""

    cells: tuple[Cell, ...]
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Job:
    """One run of the grid, as words."""

    task: str
    model: str
    words: tuple[str, ...]

    @property
    def command(self) -> str:
        return command(self.words)

    @property
    def options(self) -> str:
        """The command's options, by which a stored run is recognized wherever it was started."""
        return options_of(self.command)

    @property
    def row(self) -> Row:
        """The row of the table that this run will fill."""
        return Row(self.task, self.model, " ".join(sorted(w for w in self.words if not w.startswith("model"))))


def jobs(suite: Suite, more: Sequence[str], tasks: Sequence[str], models: Sequence[str]) -> list[Job]:
    """The runs of the grid in order; a word of the user's prevails over a cell's, and that over the suite's.

    UserError for a task or model that the suite does not have.
    """
    for key, asked, known in (
        ("tasks", tasks, [cell.task for cell in suite.cells]),
        ("models", models, [name for cell in suite.cells for one in cell.models for name in (one, _name(one))]),
    ):
        for word in asked:
            if word not in known:
                raise UserError(choose(key, word, sorted(set(known))))
    return list(_jobs(suite, more, tasks, models))


def _jobs(suite: Suite, more: Sequence[str], tasks: Sequence[str], models: Sequence[str]) -> Iterator[Job]:
    for cell in suite.cells:
        for model in cell.models:
            if (tasks and cell.task not in tasks) or (models and not {model, _name(model)} & set(models)):
                continue
            for dataset in cell.datasets:
                name, _, size = model.partition("-")
                own = [f"model={name}", *([f"model.size={size}"] if size else []), f"task={cell.task}"]
                own += [] if dataset == "auto" else [f"task.dataset={dataset}"]
                words = {word.partition("=")[0]: word for word in (*own, *suite.words, *cell.words, *more)}
                yield Job(cell.task, model, tuple(words.values()))


def _name(model: str) -> str:
    return model.partition("-")[0]
