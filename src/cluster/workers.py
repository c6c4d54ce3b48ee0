"""Workers of a sweep as jobs of a cluster: each the sweep's own line, which joins the study that all of them share.

A worker is what `python -m src.run -m sweep=… storage=postgresql+psycopg://… tracking_uri=http://…` is anywhere; where
it runs is all that is different here.
"""

import json
import signal
import sys
from collections.abc import Sequence
from typing import Any

from omegaconf import DictConfig, OmegaConf

from src import hardware, tracking
from src.cluster.launchers import cluster
from src.cluster.place import Queue, shared, watched
from src.config import typed
from src.core import UserError
from src.trial import STOPS, Outcome

OWN = ("hydra/launcher", "hydra.launcher.", "sweep.workers")  # words of the command that starts workers
NOT_BEGUN = 128 + signal.SIGTERM  # the exit code of a worker that was cancelled before it began


def main(config: DictConfig, words: Sequence[str]) -> int:
    """Starts the workers that the words ask for and waits; 0 where one of them ended with a recommendation.

    2 for words that cannot be; 130 and 143 when stopped, after which the same line goes on.
    """
    try:
        asked = typed(hardware.HardwareConf, _plain(config.hardware), "hardware")
        device = hardware.unseen(str(config.hydra.runtime.choices.get("hardware")), asked)
        count = _count(config)
        name = str(config.hydra.runtime.choices["hydra/launcher"])
        place = cluster(name, dict(config.hydra.launcher))
        cards = len(device.uuids) if place.cards is None else place.cards
        stops: list[str] = []
        for stop in STOPS:
            signal.signal(stop, lambda number, frame: stops.append(signal.Signals(number).name))
        codes = start([line(words)] * count, place.queue, stops, cards)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    code = 128 + signal.Signals[stops[0]] if stops else min(codes)
    status = "interrupted" if stops else "failed" if code else "finished"
    print(json.dumps({"status": status, "workers": codes}), flush=True)
    return code


def line(words: Sequence[str]) -> list[str]:
    """The words of one worker: those of the sweep without where its workers run and how many there are."""
    return ["-m", *(word for word in words if word != "-m" and not word.lstrip("+~").startswith(OWN))]


def start(lines: Sequence[Sequence[str]], queue: Queue, stops: list[str], cards: int = 0) -> list[int]:
    """Runs each line on a node, waits, and returns their exit codes, of those that never began 143.

    `stops` is where the caller's handlers put the names of signals: one cancels all workers, whose study goes on later.
    """
    names = [f"worker {number}" for number in range(1, len(lines) + 1)]
    ended: dict[int, Outcome] = {}
    try:
        for place, outcome in watched(queue, lines, names, stops, cards):
            ended[place] = outcome
            if outcome.error:
                print(f"{names[place]} {outcome.status}: {outcome.error}", file=sys.stderr, flush=True)
    finally:
        queue.close()
    return [ended[place].exit_code if place in ended else NOT_BEGUN for place in range(len(lines))]


def _count(config: DictConfig) -> int:
    """How many workers; UserError where there is no number, or nothing that they can share."""
    count = config.sweep.get("workers")
    if not isinstance(count, int) or count < 1:
        raise UserError("hydra/launcher: a sweep on a cluster is made by workers; say how many, sweep.workers=2")
    if config.storage is None or str(config.storage).startswith("sqlite"):
        raise UserError(
            "storage: workers on several machines share their study in a database; type "
            "storage=postgresql+psycopg://USER@HOST/NAME"
        )
    shared(tracking.resolve(config.tracking_uri))
    return count


def _plain(node: Any) -> Any:
    return OmegaConf.to_container(node, resolve=True)
