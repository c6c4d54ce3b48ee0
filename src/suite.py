"""python -m src.suite: a grid of runs, one after the other, each a fresh process of `python -m src.run`.

A run whose command is in the tracking store as finished on this device is not made again, so the same line goes on
where it stopped. A run that fails is a row of the table, and the next one starts. Exit code 0 when every run is
finished, 1 when one is not, 2 for a mistake in the words, 130 and 143 when stopped.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import hydra
from omegaconf import DictConfig, OmegaConf

from src import mistakes, tracking
from src.config import CONF, command, typed
from src.core import UserError
from src.words import choose

# How a row ends that has no metrics
SKIPPED, FAILED, STOPPED = "measured before", "failed", "stopped"


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
    """One run of the grid: its words, and its end."""

    task: str
    model: str
    words: tuple[str, ...]
    status: str = ""
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    error: str = ""

    @property
    def command(self) -> str:
        return command(self.words)


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


@hydra.main(config_path=str(CONF), config_name="suite", version_base="1.3")
def main_command(config: DictConfig) -> None:
    """The suite that Hydra composed; leaves the process with its exit code."""
    try:
        code = run(config)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        code = 2
    sys.exit(code)


def run(config: DictConfig) -> int:
    """Makes the runs that are not made yet and prints the table; returns the exit code."""
    values: dict[str, Any] = OmegaConf.to_container(config, resolve=True)  # type: ignore[assignment]
    suite = typed(Suite, values["suite"], "suite")
    todo = jobs(suite, values["words"], values["tasks"], values["models"])
    if values["dry"]:
        for job in todo:
            print(job.command)
        return 0
    uri = tracking.resolve(values["tracking_uri"])
    known = {} if values["again"] else _measured_before(uri)
    done: list[Job] = []
    try:
        for number, job in enumerate(todo, start=1):
            print(f"[{number}/{len(todo)}] {job.command}", file=sys.stderr, flush=True)
            done.append(_again(job, known[job.command]) if job.command in known else performed(job, uri))
    except KeyboardInterrupt:  # the run that was going on has had the signal too, and left its record
        print("stopped; the same line goes on from here", file=sys.stderr)
        show(done)
        return 128 + signal.SIGINT
    show(done)
    print(json.dumps({"runs": len(done), "failed": sum(job.status == FAILED for job in done)}))
    return 1 if any(job.status == FAILED for job in done) else 0


def _measured_before(uri: str) -> Mapping[str, Mapping[str, float]]:
    from src import environment, hardware, store

    cards = hardware.cards()
    found = {}
    for device in {card.name for card in cards} | {environment.cpu_name() or "cpu"}:
        found.update(store.finished(uri, device))
    return found


def _again(job: Job, metrics: Mapping[str, float]) -> Job:
    return Job(job.task, job.model, job.words, SKIPPED, dict(metrics))


def performed(job: Job, uri: str) -> Job:
    """The job done in a process of its own; its progress goes to standard error."""
    done = subprocess.run(
        [sys.executable, "-m", "src.run", *job.words],
        cwd=tracking.ROOT,
        env={**os.environ, "MLFLOW_TRACKING_URI": uri},
        capture_output=True,
        text=True,
    )
    lines = done.stdout.strip().splitlines()
    if done.returncode in (128 + signal.SIGINT, 128 + signal.SIGTERM):
        raise KeyboardInterrupt
    if done.returncode == 0:
        last = json.loads(lines[-1])
        return Job(job.task, job.model, job.words, last["status"], last["metrics"])
    said = [
        line for line in (*lines, *done.stderr.splitlines()) if line.startswith(("failed:", "error:", "not recorded"))
    ]
    return Job(job.task, job.model, job.words, FAILED, {}, (said or [f"exit code {done.returncode}"])[-1])


def show(done: Sequence[Job]) -> None:
    """Prints one row for each run, and what a general model costs beside the specialists of its task."""
    from rich.console import Console
    from rich.table import Table

    console = Console(width=None if sys.stdout.isatty() else 120, markup=False, highlight=False)
    table = Table(box=None, pad_edge=False)
    for name in ("task", "model", "quality", "Wh per 1,000", "± 95 %", "p50 s", ""):
        table.add_column(name, justify="left" if name in ("task", "model", "") else "right", no_wrap=True)
    for job in done:
        metrics = job.metrics
        interval = metrics.get("energy/ci95_rel")
        table.add_row(
            job.task,
            job.model,
            _digits(metrics.get("quality/primary")),
            _digits(metrics.get("energy/total_wh_per_1k")),
            "" if interval is None else f"{interval:.0%}",
            _digits(metrics.get("latency/p50_s")),
            job.error or (job.status if job.status == SKIPPED else ""),
        )
    console.print(table)


def _digits(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"


def main() -> int:
    """The command; every mistake of the user's is one line on standard error and exit code 2."""
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")
    try:
        main_command()
    except mistakes.COMPOSITION as error:
        print(f"error: {mistakes.explain(error, 'suite', sys.argv[1:])}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
