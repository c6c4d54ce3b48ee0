"""What it takes to tell two settings apart on this machine, from what its runs showed: a sentence of a sweep's plan."""

from joulemark.analysis import comparability, planning
from joulemark.config.run import Run
from joulemark.core.errors import UserError
from joulemark.core.task import Inputs
from joulemark.measure.draft import draft
from joulemark.store import cells
from joulemark.store.cells import Remembered
from joulemark.sweep.plan import SweepRequest

NOTHING = Remembered((), (), {})


def sentences(request: SweepRequest) -> list[str]:
    """How many processes, windows and samples a difference of the request's share takes, as far as it is known."""
    if request.run is None or request.tracking_uri is None:
        return []
    try:
        card = comparability.card(draft(request.run, Inputs()))
        known = cells.remembered(request.tracking_uri, card, request.run.task.name)
    except UserError:  # no run is stored yet, or the store is away: the first trial says so
        known = NOTHING
    return [in_words(known, request.run, request.difference)]


def in_words(known: Remembered, run: Run, share: float) -> str:
    """The sentence; what nothing was measured for is named after it."""
    said, unknown = [], []
    scatter = planning.scatter(known.cells)
    if scatter is None:
        unknown.append("processes (type repeats=3: no setting was measured in several)")
    else:
        count = planning.processes_needed(scatter, share)
        times = f"more than {planning.MOST_PROCESSES}" if count is None else str(count)
        said.append(f"{times} processes a side (repeats={times}), at {scatter}")
    if not any(windows.count > 1 for windows in known.windows):
        unknown.append("windows")
    else:
        windows = planning.windows_needed(known.windows, share)
        times = f"more than {planning.MOST_WINDOWS}" if windows is None else str(windows)
        said.append(f"{times} windows in each ({len(known.windows)} runs, {run.procedure.max_windows} at most)")
    quality = known.qualities.get(run.label)
    samples = None if quality is None else planning.samples_needed(quality, quality * (1 - share))
    if samples is None:
        unknown.append(f"samples for {run.task.metric}")
    else:
        said.append(f"{samples:,} samples for {run.task.metric} (by {quality:.3g}; {run.samples:,} are given)")
    apart, missing = f"telling {share * 100:g} % apart", f"not known yet here: {', '.join(unknown)}"
    if not said:
        return f"plan: what {apart} takes is {missing}"
    return f"plan: {apart} takes {', '.join(said)}" + (f"; {missing}" if unknown else "")
