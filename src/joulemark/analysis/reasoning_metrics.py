"""What an answer costs, and what a token of the reasoning before it: all energy over their number."""

from joulemark.analysis import requests
from joulemark.analysis.energy_metrics import Metrics, total_j
from joulemark.core.record import Record


def reasoning_metrics(record: Record) -> Metrics:
    """Gross J, all components that were read, per token of reasoning and per answer.

    As with correct predictions, all energy is divided, that of the answers too: reasoning that is twice as long halves
    the first and may double the second. A request whose tokens were used up before its answer began gave none. Empty of
    records in which nobody looked for reasoning; None where the energy is not available, or there is none of these.
    """
    summary = requests.summary(record)
    if summary.reasoning_tokens is None or summary.answers is None:
        return {}
    measured, per_request = record.measurement, total_j(record.measurement)
    # fixed batches may be measured again and again, and their rows are the first pass; traffic comes once
    count = sum(window.requests for window in measured.windows) if measured.traffic else summary.count
    total = None if per_request is None else per_request * count
    return {
        "energy/j_per_reasoning_token": _each(total, summary.reasoning_tokens),
        "energy/j_per_answer": _each(total, summary.answers),
    }


def _each(total: float | None, count: int) -> float | None:
    return total / count if total is not None and count else None
