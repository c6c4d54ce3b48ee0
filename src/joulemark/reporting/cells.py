"""One entry for each cell: the processes of one setting on one card with one software, by the mean of those that count.

A setting that was measured again is so represented by all of its processes, not by its luckiest.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from joulemark.core import stats
from joulemark.reporting.entry import Energy, Entry


def merged(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """The entry of each cell, in the order of their first runs; results of other programs stay as they are."""
    cells: dict[tuple[object, ...], list[Entry]] = defaultdict(list)
    for entry in entries:
        own = entry.run_id if entry.external or not entry.cell else entry.cell
        cells[(entry.key, entry.prompt, entry.setting, entry.card, own)].append(entry)
    return tuple(_merged(runs) for runs in cells.values())


def _merged(runs: Sequence[Entry]) -> Entry:
    counted = [run for run in runs if run.ranked] or runs[:1]  # the newest stands for processes that decide nothing
    ids = tuple(run.run_id for run in runs)
    newest = counted[0]
    if len(counted) == 1:
        return replace(newest, run_ids=ids)
    gross, dynamic = _between([run.energy for run in counted]), [run.dynamic.mean for run in counted if run.dynamic]
    return replace(
        newest,
        run_ids=ids,
        values=gross.values,
        energy=gross.mean,
        half_width=gross.half_width,
        dynamic=_between(dynamic) if len(dynamic) == len(counted) else None,
        windows=sum(run.windows or 0 for run in counted) or None,
        quality=stats.mean_of_all([run.quality for run in counted]),
        metrics=_means(counted),
    )


def _between(values: Sequence[float]) -> Energy:
    """The mean of several processes with their 95 % interval."""
    estimate = stats.estimate(values)
    assert estimate is not None
    return Energy(estimate.mean, estimate.half_width, tuple(values))


def _means(runs: Sequence[Entry]) -> dict[str, float]:
    """The mean of each metric that all processes have; the within-run interval is of none of them any more."""
    means = {name: stats.mean_of_all([run.metrics.get(name) for run in runs]) for name in runs[0].metrics}
    return {name: value for name, value in means.items() if value is not None}
