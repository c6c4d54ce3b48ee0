"""python -m src.run -m sweep=NAME …: from the words to the answer of a sweep, with one process or several.

    this process                         worker 1, 2, …                    python -m src.run …
    ────────────                         ──────────────                    ───────────────────
    opens the study, starts ──────────▶  claims a point in the study
    asleep                               starts ─────────── words ───────▶ measures
    SIGINT, SIGTERM ── once ──────────▶  ── once ────────────────────────▶ leaves its record
                                         tells the study ◀─── last line ── exits
    the answer, from the study ◀──────── nothing is left

With `sweep.workers=1`, as by default, this process is the only worker (sweep/process.py).
"""

import json
import sys
import time
from collections.abc import Sequence
from typing import Any

from omegaconf import DictConfig

from joulemark.core import signals
from joulemark.core.errors import UserError
from joulemark.sweep import plan, trial, workers
from joulemark.sweep import process as command
from joulemark.sweep.busy import Measure
from joulemark.sweep.plan import Asked
from joulemark.sweep.search import POLL_S, Search
from joulemark.sweep.study import Study
from joulemark.sweep.trial_state import FULL
from joulemark.sweep.workers import PROGRAM, Ended


def main(config: DictConfig, overrides: Sequence[Any]) -> int:
    """Searches and prints the answer. 0: a setting is recommended; 1: none; 2: words that cannot be; 130, 143: stopped.

    The last line of standard output is one JSON object, unless words were refused.
    """
    try:
        asked = plan.read(config, overrides)
        return run(asked, lambda words, limit_s: trial.run(words, forward_signals=True, limit_s=limit_s))
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def run(asked: Asked, measure: Measure, program: Sequence[str] = PROGRAM, poll_s: float = POLL_S) -> int:
    """The sweep that was asked for, measured here or by workers, which `program` starts; returns the exit code."""
    if len(asked.workers) == 1 or asked.worker is not None:
        return command.run(asked, measure, poll_s)
    began_s, say = time.time(), command.saying(None)
    study = command.begun(asked, say)  # made before the workers come: not every storage bears two makers
    with signals.Forwarding() as forwarding:
        started = []
        for number, environment in enumerate(asked.workers, start=1):
            started.append(workers.start(workers.line(asked.words, number, shared=True), environment, program))
            forwarding.add(started[-1])
        ends = [workers.ended(number, process) for number, process in enumerate(started, start=1)]
    for end in ends:
        if end.killed:
            say(f"worker {end.number} was killed by {end.killed}")
    if stops := forwarding.stops:
        say(f"stopped by {stops[0]}; the same line goes on from here")
        print(json.dumps({"status": "interrupted", "sweep_id": asked.name, "trials": len(study.told())}), flush=True)
        return signals.exit_code(stops[0])
    return _answered(asked, study, ends, began_s)


def _answered(asked: Asked, study: Study, ends: Sequence[Ended], began_s: float) -> int:
    """The answer from what the workers told the study; UserError where they told nothing to answer from."""
    errors = list(dict.fromkeys(end.error for end in ends if end.error))
    if len(errors) == 1 and all(end.error for end in ends):  # the storage is gone, say, and need not be asked again
        raise UserError(errors[0])
    seen = study.look()
    if asked.plan.reference not in seen.known(FULL):
        raise UserError(errors[0] if errors else "every worker died before the reference was measured; once more?")
    search = Search(asked.plan, study, _measures_nothing, command.saying(None))
    reference = command.measured_reference(search, asked, study)
    search.look_back({why: reason for end in ends for why, reason in end.left_out.items()})
    search.ended = next((end.ended for end in ends if end.ended), None)
    if all(end.code for end in ends):
        search.ended = errors[0] if errors else "every worker died"
    return command.end(search, asked, study, reference, began_s)


def _measures_nothing(words: Sequence[str], limit_s: float | None) -> Any:
    raise AssertionError("the workers measure")
