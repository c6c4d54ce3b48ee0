"""Two models by a metric of the whole set (macro F1, BLEU, mAP, …), computed again for the requests that both hold."""

from joulemark.analysis import requests
from joulemark.core.record import Record
from joulemark.tasks.metrics import resampling
from joulemark.tasks.metrics.resampling import Difference
from joulemark.tasks.metrics.whole_set import KINDS


def is_primary(record: Record) -> bool:
    """Whether a record's primary metric is one of the whole set: its interval was computed when it was scored."""
    return record.task.metric in record.intervals or kept(record)


def kept(record: Record) -> bool:
    """Whether its primary metric can be computed again from the statistics of its requests."""
    known = KINDS.get(record.statistics or "")
    return known is not None and record.task.metric in known.metrics


def difference(a: Record, b: Record, share: float = 1.0) -> tuple[int, Difference] | str:
    """The requests that both hold, and the metric of A less a share of B's on these; else why not, as half a sentence.

    Both have such a metric (`kept`).
    """
    if (a.task.metric, a.statistics) != (b.task.metric, b.statistics):
        return f"{a.task.metric} and {b.task.metric} are not one metric"
    of_a, of_b = requests.statistics(a), requests.statistics(b)
    if of_a is None or of_b is None:
        return f"requests.parquet of {'A' if of_a is None else 'B'} is not beside its record, or not readable"
    both = [key for key in of_a if key in of_b]
    if len(both) < resampling.FEWEST:
        return f"they share {len(both)} scored inputs" if both else "they share no scored input"
    rows = [[of[key] for key in both] for of in (of_a, of_b)]
    return len(both), resampling.difference(a.statistics or "", a.task.metric, rows[0], rows[1], share)
