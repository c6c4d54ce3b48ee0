"""python -m src.run -m sweep=serving …: prints the highest rate that one engine keeps within its limits.

Exit code 0: a rate passes; 1: none; 2: refused; 130, 143: stopped, with the table so far. The last line of standard
output is one JSON object, unless the sweep is refused.
"""

import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from omegaconf import DictConfig

from joulemark.cli import output
from joulemark.cli.progress import refuse, to_stderr
from joulemark.core import signals
from joulemark.core.errors import UserError
from joulemark.core.signals import Interrupted
from joulemark.reporting import table
from joulemark.sweep import trial
from joulemark.sweep.busy import Measure, Report
from joulemark.sweep.rates import mlflow_run, text
from joulemark.sweep.rates.request import RateRequest, read
from joulemark.sweep.rates.search import RateSearch


def main(config: DictConfig, overrides: Sequence[Any]) -> int:
    """The search of a composed configuration and Hydra's overrides; returns the exit code."""
    try:
        if config.hydra.runtime.choices["hydra/launcher"] != "fresh":
            raise UserError("sweep=serving measures one rate after the other on this machine: leave hydra/launcher out")
        request = read(config, overrides)
        return run(request, lambda overrides, limit_s: trial.run(overrides, forward_signals=True, limit_s=limit_s))
    except UserError as error:
        return refuse(error)


def run(request: RateRequest, measure: Measure, report: Report = to_stderr) -> int:
    """Searches, prints the table and the last line, and records both; returns the exit code."""
    began_s = time.time()
    signals.interrupt_on_stop()
    result = RateSearch(request, measure, report).run()
    with suppress(Interrupted), signals.deferred():  # a second Ctrl-C cuts nothing off
        output.show(text.answer(result), lambda: table.printed(text.COLUMNS, text.rows(result), (), text.LEFT))
        run_id = mlflow_run.save(result, began_s, report) if result.rates else None
        output.link()
        output.last({**text.last_line(result), "run_id": run_id})
    if result.stopped_by:
        return signals.exit_code(result.stopped_by)
    return 0 if result.highest is not None else 1
