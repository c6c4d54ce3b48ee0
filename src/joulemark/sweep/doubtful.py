"""What the store says of runs of a shared process whose check disagreed: they get the flag `carry_over`, too."""

from collections.abc import Sequence

from joulemark.analysis.flags import CARRY_OVER, of_text
from joulemark.core.errors import UserError
from joulemark.sweep.busy import Report
from joulemark.sweep.trial_state import TrialResult

FLAGS = "flags"  # the tag of a run that names its flags


def tag_anew(uri: str | None, report: Report, results: Sequence[TrialResult]) -> None:
    """Adds the flag to the tags of the runs of these results; says so where the store does not take it."""
    ids = [result.outcome.run_id for result in results if result.outcome.run_id is not None]
    if uri is None or not ids:
        return
    from joulemark.store import additions, reading  # MLflow, between two trials

    for run_id in ids:
        try:
            flags = of_text(reading.tag(uri, run_id, FLAGS))
            if CARRY_OVER not in flags:
                raised = ", ".join(sorted({*flags, CARRY_OVER}))
                additions.add(uri, run_id, {}, {FLAGS: raised})
        except UserError as error:
            report(f"not tagged as {CARRY_OVER}: run {run_id[:12]}: {error}")
