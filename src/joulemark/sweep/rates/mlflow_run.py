"""The run in MLflow that represents a search for the highest passing rate, written anew by every session of it."""

import json

from joulemark.reporting import table
from joulemark.sweep.busy import Report
from joulemark.sweep.rates import text
from joulemark.sweep.rates.search import RateResult

ALL = "sweep.json"


def save(result: RateResult, began_s: float, report: Report) -> str | None:
    """The id of the run; None where it was not written, of which `report` gets a sentence."""
    from joulemark.store import sweeps  # MLflow is imported when nothing is measured any more

    request, last_line = result.request, text.last_line(result)
    run = request.run
    tags = {
        "sweep_id": request.name,
        "task": run.task.name,
        "model": run.label,
        "scenario": run.names["scenario"],
        "engine": run.names["engine"],
        "status": last_line["status"],
    }
    try:
        sweep = sweeps.SweepRun(
            tags=tags,
            table=table.marked(text.COLUMNS, text.rows(result), (), text.LEFT, text.answer(result)),
            metrics=text.metrics(result),
            files={ALL: json.dumps(last_line, indent=1, allow_nan=False)},
            again=True,
        )
        return sweeps.save_sweep(run.tracking_uri, run.task.name, str(last_line["status"]), began_s, sweep)
    except Exception as error:  # the boundary of a sweep: its runs are recorded, its table is on the screen
        report(f"the table is not recorded: {error}")
        return None
