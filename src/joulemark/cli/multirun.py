"""python -m src.run -m a=1,2 b=3,4: prints what comes of many runs (sweep/multirun.py makes them).

Exit code 0 when every run is finished, 1 when one is not, 130 and 143 when stopped. The last line on standard output is
one JSON object: `status`, `sweep_id`, `run_id` (the run in MLflow that holds the table; null where it could not be
written), `left` (runs not begun) and `runs`.
"""

from collections.abc import Sequence

from joulemark.cli import output
from joulemark.cli.progress import to_stderr
from joulemark.core import signals
from joulemark.core.paths import program
from joulemark.reporting import table, table_answer
from joulemark.sweep import multirun
from joulemark.sweep.multirun import Place, ThisMachine
from joulemark.sweep.trial import Outcome


def launch(
    jobs: Sequence[Sequence[str]], sweep_id: str | None = None, place: Place | None = None
) -> tuple[Sequence[Outcome], int]:
    """Makes all runs and prints their table and the last line; returns the outcomes of those begun, and the exit code.

    UserError, before anything runs, for overrides that are refused, and for two runs that are the same.
    """
    with signals.Forwarding() as forwarding:  # no signal between and after the runs cuts off what is being written
        done = multirun.perform(jobs, sweep_id, place or ThisMachine(), forwarding.stops, to_stderr)
        page = f"{program('report')} sweep_id={done.sweep_id}"
        output.show(table_answer.of(done.rows, len(done.runs)), lambda: table.show_sweep(done.rows))
        run_id = multirun.save(done, to_stderr)
        output.link(f"Make a page of these runs: {page}")
        output.last(done.last_line(run_id))
    return done.outcomes, signals.exit_code(done.stopped_by) if done.stopped_by else int(done.status != "finished")
