"""Workers of a sweep as jobs of a cluster: each the sweep's own line, which joins the study that all of them share.

A worker is what `python -m src.run -m sweep=… storage=postgresql+psycopg://… tracking_uri=http://…` is anywhere; only
where it runs differs here. The first one records the recommendation in MLflow, where cli/cluster_sweep.py reads it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from omegaconf import DictConfig, OmegaConf

from joulemark.core import signals, tracking
from joulemark.core.coerce import typed
from joulemark.core.errors import UserError
from joulemark.hardware import devices
from joulemark.sweep.busy import Report
from joulemark.sweep.cluster.launchers import cluster
from joulemark.sweep.cluster.place import Queue, require_shared, watched
from joulemark.sweep.trial import Outcome
from joulemark.sweep.workers import overrides_of

OWN = ("hydra/launcher", "hydra.launcher.", "sweep.workers")  # options of the command that starts workers
NOT_BEGUN = signals.exit_code("SIGTERM")  # the exit code of a worker that was cancelled before it began


@dataclass(frozen=True)
class Submission:
    """What is submitted to a cluster.

    Attributes:
        lines: the arguments of each worker
        queue: the cluster's scheduler
        cards: GPUs of each worker
    """

    lines: Sequence[Sequence[str]]
    queue: Queue
    cards: int


def submission(config: DictConfig, overrides: Sequence[str]) -> Submission:
    """The workers of a composed configuration; UserError, one line, where they cannot be started."""
    conf = typed(devices.HardwareConf, _plain(config.hardware), "hardware")
    device = devices.unseen(str(config.hydra.runtime.choices.get("hardware")), conf)
    count = _count(config)
    place = cluster(str(config.hydra.runtime.choices["hydra/launcher"]), dict(config.hydra.launcher))
    cards = len(device.uuids) if place.cards is None else place.cards
    return Submission([line(overrides, number) for number in range(1, count + 1)], place.queue, cards)


def line(overrides: Sequence[str], number: int) -> list[str]:
    """The arguments of one worker: the sweep's without where its workers run and how many there are.

    The first is the sweep itself, which recommends; the others have a number and give no recommendation.
    """
    kept = [override for override in overrides if override != "-m" and not override.lstrip("+~").startswith(OWN)]
    return ["-m", *kept] if number == 1 else ["-m", *overrides_of(kept, number)]


def run(submitted: Submission, stops: list[str], report: Report) -> list[Outcome | None]:
    """Runs each line on a node, waits, and returns its outcome; None for one that never began.

    Once `stops` names a signal all workers are cancelled; the same line continues their study.
    """
    names = [f"worker {number}" for number in range(1, len(submitted.lines) + 1)]
    outcomes: dict[int, Outcome] = {}
    try:
        for place, outcome in watched(submitted.queue, submitted.lines, names, stops, submitted.cards, report):
            outcomes[place] = outcome
            if outcome.error:
                report(f"{names[place]} {outcome.status}: {outcome.error}")
    finally:
        submitted.queue.close()
    return [outcomes.get(place) for place in range(len(submitted.lines))]


def _count(config: DictConfig) -> int:
    """How many workers; UserError where there is no number, or no storage that they can share."""
    count = config.sweep.get("workers")
    if not isinstance(count, int) or count < 1:
        raise UserError("hydra/launcher: a sweep on a cluster needs a number of workers; type sweep.workers=2")
    if (tracking.storage(config.storage) or "sqlite").startswith("sqlite"):
        raise UserError(
            "storage: workers on several machines share their study in a database; type "
            "storage=postgresql+psycopg://USER@HOST/NAME"
        )
    require_shared(tracking.resolve(config.tracking_uri))
    return count


def _plain(node: Any) -> Any:
    return OmegaConf.to_container(node, resolve=True)
