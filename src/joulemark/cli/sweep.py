"""python -m src.run -m sweep=NAME …: prints what a sweep recommends (joulemark.sweep makes it).

Exit code 0: a setting is recommended; 1: none; 2: refused; 130, 143: stopped. The last line of standard output is one
JSON object, unless the sweep is refused.
"""

import os
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from omegaconf import DictConfig

from joulemark.cli import output
from joulemark.cli.progress import refuse, to_stderr
from joulemark.core import signals, tracking
from joulemark.core.answer import Answer
from joulemark.core.errors import UserError
from joulemark.core.signals import Interrupted
from joulemark.reporting import table
from joulemark.sweep import coordinator, mlflow_sweep, plan, process, sweep_answer, trial
from joulemark.sweep.busy import Measure, Report
from joulemark.sweep.confirmation import Confirmation, confirm
from joulemark.sweep.front_table import SETTING
from joulemark.sweep.plan import SweepRequest
from joulemark.sweep.result import SessionEnd, SoFar, SweepResult
from joulemark.sweep.search import POLL_S
from joulemark.sweep.shared import SharedTrials
from joulemark.sweep.workers import PROGRAM

NOT_CONFIRMED = (
    "each setting was measured in one process, which establishes nothing; the same line with repeats=3 measures the "
    "recommended one and the reference three times more, in turn"
)


def main(config: DictConfig, overrides: Sequence[Any]) -> int:
    """The sweep of a composed configuration and Hydra's overrides; returns the exit code."""
    try:
        request = plan.read(config, overrides)
        shared = SharedTrials(_reporter(request.worker)) if request.shared_process else None
        return run(
            request,
            lambda overrides, limit_s: trial.run(overrides, forward_signals=True, limit_s=limit_s),
            shared=shared,
        )
    except UserError as error:
        return refuse(error)


def run(
    request: SweepRequest,
    measure: Measure,
    program: Sequence[str] = PROGRAM,
    poll_s: float = POLL_S,
    shared: SharedTrials | None = None,
) -> int:
    """The sweep measured here, or by workers that `program` starts; returns the exit code."""
    began_s, report = time.time(), _reporter(request.worker)
    if len(request.workers) == 1 or request.worker is not None:
        signals.interrupt_on_stop()
        end = process.run(request, measure, report, poll_s, shared)
    else:
        end = coordinator.run(request, report, program)
    if isinstance(end, SessionEnd):
        with suppress(Interrupted), signals.deferred():  # a second Ctrl-C cuts nothing off
            if end.so_far is not None:
                _show(sweep_answer.so_far(end.so_far), end.so_far)
            output.link()
            _print_last_line(end.last_line)
        return end.exit_code
    confirmation = confirm(end, measure, report)
    _print_result(end, confirmation, began_s, report)
    if confirmation is not None and confirmation.stopped_by:
        return signals.exit_code(confirmation.stopped_by)
    return end.exit_code


def _reporter(worker: int | None) -> Report:
    """Reports on standard error; of one worker of several with its number before each sentence."""
    head = "" if worker is None else f"worker {worker}: "
    return lambda sentence: to_stderr(f"{head}{sentence}")


def _print_result(result: SweepResult, confirmation: Confirmation | None, began_s: float, report: Report) -> None:
    """Prints the table, saves the sweep in MLflow, and prints its link and the last line."""
    said = _evidence(result, confirmation)
    result = _with_evidence(result, confirmation, said)
    answer = sweep_answer.of(result, said)
    _show(answer, result)
    link = mlflow_sweep.save(result, answer, began_s, report)
    where = f"Open this sweep{_needs_server(result.request.tracking_uri)}: {link['url']}"
    output.link(where if link["url"] else None)
    _print_last_line({**result.last_line, **link})


def _show(answer: Answer, shown: SweepResult | SoFar) -> None:
    """Shows the answer, and where everything is read the table with the other sentences below it."""
    further = sweep_answer.rest(shown.sentences, answer)
    output.show(answer, lambda: table.printed(shown.columns, shown.rows, further, (SETTING,)))


def _evidence(result: SweepResult, confirmation: Confirmation | None) -> list[str]:
    """What fresh processes say of the recommended setting, else what one process of each setting indicates."""
    if confirmation is None:
        return [*result.cost.saving_in_words(), NOT_CONFIRMED]
    return confirmation.sentences()


def _with_evidence(result: SweepResult, confirmation: Confirmation | None, said: Sequence[str]) -> SweepResult:
    """The result with the evidence among its sentences and in its last line."""
    cells = {} if confirmation is None else confirmation.cells
    evidence = None if confirmation is None else confirmation.as_json()
    return replace(
        result,
        cells=cells,
        sentences=[*result.sentences, *said],
        last_line={**result.last_line, "confirmation": evidence},
    )


def _print_last_line(last_line: dict[str, Any]) -> None:
    try:
        output.last(last_line)
    except BrokenPipeError:  # whoever started this worker was killed; closing would try to write once more
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _needs_server(uri: str | None) -> str:
    """What must run before a link opens; nothing for a server."""
    if uri is None or uri.startswith("http"):
        return ""
    return f" (after {tracking.ui_command(uri)})"
