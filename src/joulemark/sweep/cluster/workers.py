"""Workers of a sweep as jobs of a cluster: each the sweep's own line, which joins the study that all of them share.

A worker is what `python -m src.run -m sweep=… storage=postgresql+psycopg://… tracking_uri=http://…` is anywhere; where
it runs is all that is different here. The first one gives the answer, into MLflow; from there it is printed here.
"""

import json
import sys
from collections.abc import Sequence
from typing import Any

from omegaconf import DictConfig, OmegaConf

from joulemark.core import signals, tracking
from joulemark.core.coerce import typed
from joulemark.core.errors import UserError
from joulemark.hardware import devices
from joulemark.sweep.cluster.launchers import cluster
from joulemark.sweep.cluster.place import Queue, shared, watched
from joulemark.sweep.trial import Outcome
from joulemark.sweep.workers import line as numbered

OWN = ("hydra/launcher", "hydra.launcher.", "sweep.workers")  # words of the command that starts workers
NOT_BEGUN = signals.exit_code("SIGTERM")  # the exit code of a worker that was cancelled before it began


def main(config: DictConfig, words: Sequence[str]) -> int:
    """Starts the workers that the words ask for and waits; 0 where the first of them ended with a recommendation.

    2 for words that cannot be; 130 and 143 when stopped, after which the same line goes on.
    """
    with signals.Forwarding() as forwarding:
        try:
            lines, queue, cards = _placed(config, words)
            outcomes = start(lines, queue, forwarding.stops, cards)
        except UserError as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
        return _ended(config, outcomes, forwarding.stops)


def _placed(config: DictConfig, words: Sequence[str]) -> tuple[list[list[str]], Queue, int]:
    """Each worker's line, the queue it goes to, and the GPUs of each."""
    asked = typed(devices.HardwareConf, _plain(config.hardware), "hardware")
    device = devices.unseen(str(config.hydra.runtime.choices.get("hardware")), asked)
    count = _count(config)
    place = cluster(str(config.hydra.runtime.choices["hydra/launcher"]), dict(config.hydra.launcher))
    cards = len(device.uuids) if place.cards is None else place.cards
    return [line(words, number) for number in range(1, count + 1)], place.queue, cards


def _ended(config: DictConfig, outcomes: Sequence[Outcome | None], stops: Sequence[str]) -> int:
    """Prints the recommendation and the last line; returns the exit code."""
    codes = [NOT_BEGUN if outcome is None else outcome.exit_code for outcome in outcomes]
    code = signals.exit_code(stops[0]) if stops else codes[0]
    run_id = outcomes[0].run_id if outcomes[0] else None
    if run_id:
        _show(tracking.resolve(config.tracking_uri), run_id)
    status = "interrupted" if stops else "failed" if code else "finished"
    print(json.dumps({"status": status, "run_id": run_id, "workers": codes}), flush=True)
    return code


def _show(uri: str, run_id: str) -> None:
    """Prints the answer as it stands in MLflow."""
    from joulemark.store import reading  # MLflow enters when nothing is measured any more

    try:
        print(reading.note(uri, run_id))
    except Exception as error:  # the answer is recorded, whatever keeps it from this screen
        print(f"the answer is in MLflow, run {run_id}, and was not read: {error}", file=sys.stderr)


def line(words: Sequence[str], number: int) -> list[str]:
    """The words of one worker: those of the sweep without where its workers run and how many there are.

    The first is the sweep itself, which answers; the others have a number and say nothing at their end.
    """
    kept = [word for word in words if word != "-m" and not word.lstrip("+~").startswith(OWN)]
    return ["-m", *kept] if number == 1 else ["-m", *numbered(kept, number)]


def start(lines: Sequence[Sequence[str]], queue: Queue, stops: list[str], cards: int = 0) -> list[Outcome | None]:
    """Runs each line on a node, waits, and returns what became of it, of one that never began None.

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
    return [ended.get(place) for place in range(len(lines))]


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
