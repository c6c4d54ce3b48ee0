"""The grid of a suite: its runs, each as the overrides of `python -m src.run`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from joulemark.config.run import command
from joulemark.core.errors import UserError
from joulemark.core.paths import options_of
from joulemark.core.suggest import choose
from joulemark.reporting.table import Row


@dataclass(frozen=True)
class Cell:
    """One task with the models and datasets that are measured on it.

    Attributes:
        task: its name
        models: names of models, each with its size where it has several (`bloomz-7b1`)
        datasets: names of datasets; `auto` is the task's own choice
        overrides: further ones for the runs of this cell
    """

    task: str
    models: tuple[str, ...]
    datasets: tuple[str, ...] = ("auto",)
    overrides: tuple[str, ...] = ()


@dataclass(frozen=True)
class Suite:
    """A grid of runs, and the overrides that all of them share."""

    cells: tuple[Cell, ...]
    overrides: tuple[str, ...] = ()


@dataclass(frozen=True)
class Job:
    """One run of the grid: its task, its model with its size, and its overrides."""

    task: str
    model: str
    overrides: tuple[str, ...]

    @property
    def command(self) -> str:
        """The command line that makes this run."""
        return command(self.overrides)

    @property
    def options(self) -> str:
        """The command's options, by which a stored run is recognized wherever it was started."""
        return options_of(self.command)

    @property
    def row(self) -> Row:
        """The row of the table that this run will fill."""
        inputs = sorted(override for override in self.overrides if not override.startswith("model"))
        return Row(self.task, self.model, " ".join(inputs))


def jobs(suite: Suite, further: Sequence[str], tasks: Sequence[str], models: Sequence[str]) -> list[Job]:
    """The runs of the grid in order; the user's further overrides win over a cell's, and those over the suite's.

    UserError for a task or model that the suite does not have.
    """
    names = [name for cell in suite.cells for model in cell.models for name in (model, _name(model))]
    for key, chosen, known in (
        ("tasks", tasks, [cell.task for cell in suite.cells]),
        ("models", models, names),
    ):
        for name in chosen:
            if name not in known:
                raise UserError(choose(key, name, sorted(set(known))))
    return list(_jobs(suite, further, tasks, models))


def _jobs(suite: Suite, further: Sequence[str], tasks: Sequence[str], models: Sequence[str]) -> Iterator[Job]:
    for cell in suite.cells:
        for model in cell.models:
            if (tasks and cell.task not in tasks) or (models and not {model, _name(model)} & set(models)):
                continue
            for dataset in cell.datasets:
                name, _, size = model.partition("-")
                own = [f"model={name}", *([f"model.size={size}"] if size else []), f"task={cell.task}"]
                own += [] if dataset == "auto" else [f"task.dataset={dataset}"]
                every = (*own, *suite.overrides, *cell.overrides, *further)
                by_key = {override.partition("=")[0]: override for override in every}
                yield Job(cell.task, model, tuple(by_key.values()))


def _name(model: str) -> str:
    return model.partition("-")[0]
