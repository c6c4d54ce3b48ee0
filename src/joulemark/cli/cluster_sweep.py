"""python -m src.run -m sweep=NAME hydra/launcher=slurm …: prints what the workers of a sweep on a cluster come to.

Exit code 0 where the first of them ended with a recommendation, 2: refused, 130 and 143: stopped, after which the same
line goes on. The last line of standard output is one JSON object: `status`, `run_id` and `workers` (exit codes).
"""

from collections.abc import Sequence

from omegaconf import DictConfig

from joulemark.cli import output
from joulemark.cli.progress import refuse, to_stderr
from joulemark.core import signals, tracking
from joulemark.core.answer import Answer
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
    status = "interrupted" if stops else "failed" if code else "finished"
    note = _note(uri, run_id) if run_id else ""
    output.show(answer(status, codes, note), lambda: print(note))
    output.link()
    output.last({"status": status, "run_id": run_id, "workers": codes})
    return code


def answer(status: str, codes: Sequence[int | None], note: str) -> Answer:
    """The sentences below the table of the recommendation, and how the workers ended."""
    said = [line.removeprefix("- ") for line in note.splitlines() if line.startswith("- ")]
    ended = sum(code == 0 for code in codes)
    return Answer(said or [status], [f"{ended} of {len(codes)} workers ended well"])


def _note(uri: str, run_id: str) -> str:
    """The recommendation as MLflow has it; empty where it cannot be read."""
    from joulemark.store import reading  # MLflow is imported when nothing is measured any more

    try:
        return reading.note(uri, run_id)
    except Exception as error:  # the recommendation is recorded, whatever keeps it from this screen
        to_stderr(f"the recommendation is in MLflow, run {run_id}, which could not be read: {error}")
        return ""
