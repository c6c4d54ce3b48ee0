"""python -m src.run -m sweep=NAME hydra/launcher=slurm …: prints what the workers of a sweep on a cluster come to.

Exit code 0 where the first of them ended with a recommendation, 2: refused, 130 and 143: stopped, after which the same
line goes on. The last line of standard output is one JSON object: `status`, `run_id` and `workers` (exit codes).
"""

import json
from collections.abc import Sequence

from omegaconf import DictConfig

from joulemark.cli.progress import refuse, to_stderr
from joulemark.core import signals, tracking
from joulemark.core.errors import UserError
from joulemark.sweep.cluster import workers
from joulemark.sweep.trial import Outcome


def main(config: DictConfig, overrides: Sequence[str]) -> int:
    """Starts the workers of a composed configuration and waits for them; returns the exit code."""
    with signals.Forwarding() as forwarding:
        try:
            submitted = workers.submission(config, overrides)
            outcomes = workers.run(submitted, forwarding.stops, to_stderr)
        except UserError as error:
            return refuse(error)
        return _print_result(tracking.resolve(config.tracking_uri), outcomes, forwarding.stops)


def _print_result(uri: str, outcomes: Sequence[Outcome | None], stops: Sequence[str]) -> int:
    """Prints the recommendation and the last line; returns the exit code."""
    codes = [workers.NOT_BEGUN if outcome is None else outcome.exit_code for outcome in outcomes]
    code = signals.exit_code(stops[0]) if stops else codes[0]
    run_id = outcomes[0].run_id if outcomes[0] else None
    if run_id:
        _print_note(uri, run_id)
    status = "interrupted" if stops else "failed" if code else "finished"
    print(json.dumps({"status": status, "run_id": run_id, "workers": codes}), flush=True)
    return code


def _print_note(uri: str, run_id: str) -> None:
    """Prints the recommendation as MLflow has it."""
    from joulemark.store import reading  # MLflow is imported when nothing is measured any more

    try:
        print(reading.note(uri, run_id))
    except Exception as error:  # the recommendation is recorded, whatever keeps it from this screen
        to_stderr(f"the recommendation is in MLflow, run {run_id}, which could not be read: {error}")
