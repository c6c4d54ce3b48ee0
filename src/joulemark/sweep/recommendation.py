"""What a sweep says at its end: the front, what is recommended and why, its command, the bill, what was left out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from joulemark.analysis import verdict
from joulemark.config.run import command
from joulemark.sweep import pareto as front
from joulemark.sweep.cost import Bill
from joulemark.sweep.finalists import compared
from joulemark.sweep.objectives import SHORT, Goals, Limit, Metrics
from joulemark.sweep.space import LeftOut, Point, Space, laid
from joulemark.sweep.trial_state import Told

SETTING = "setting"  # the head of the one column of words
SHOWN = 3  # nearest results, where none keeps the limits


@dataclass(frozen=True)
class Answer:
    """The front within the limits, and the best of it by the first objective: None where no result keeps them.

    `tied` are the other results whose intervals reach the best one's: of these and the best the plainest is recommended
    that is nearly as good, so that a wide interval does not make a dearer one look free. `best` is the best by its mean
    alone. `nearest` holds the results nearest to the limits with those that each passes, where none keeps them all.
    """

    front: tuple[Told, ...]
    recommended: Told | None
    tied: tuple[Told, ...]
    nearest: tuple[tuple[Told, tuple[Limit, ...]], ...] = ()
    best: Told | None = None


def answer(results: Mapping[Point, Told], reference: Told, goals: Goals, space: Space) -> Answer:
    """The answer that finished results in the full protocol give; the reference is one where it lies in the space."""
    over = {point: goals.excesses(one.metrics, reference.metrics) for point, one in results.items() if one.finished}
    kept = {point: results[point] for point, by in over.items() if all(value <= 0 for value in by.values())}
    values = compared(kept, goals)
    if not values:
        ranked = sorted(over, key=lambda point: sum(max(0.0, by) for by in over[point].values()))
        failed = [(results[p], tuple(limit for limit, by in over[p].items() if by > 0)) for p in ranked[:SHOWN]]
        return Answer((), None, (), tuple(failed))
    best = min(values, key=lambda point: values[point].values[0])
    lowest = values[best].estimates[0]
    tied = [point for point, one in values.items() if verdict.may_be_as_low(one.estimates[0], lowest)]
    near = [point for point in tied if verdict.nearly_as_low(values[point].values[0], lowest.mean)]
    chosen = min(near, key=space.rank)
    others = tuple(kept[point] for point in sorted(tied, key=space.rank) if point != chosen)
    return Answer(tuple(kept[point] for point in front.front(values)), kept[chosen], others, best=kept[best])


def why(found: Answer, goals: Goals) -> str:
    """The recommendation in one sentence."""
    assert found.recommended is not None
    first = goals.objectives[0]
    kept = f" of those that keep the limits ({'; '.join(map(str, goals.limits))})" if goals.limits else ""
    extreme = f"{'least' if first.direction == 'min' else 'most'} {first.name}{kept}"
    if found.best is not None and found.best is not found.recommended:
        extreme = f"the plainest within {verdict.NEARLY:.0%} of the {extreme}, that of {_words(found.best)}"
    others = [one for one in found.tied if one is not found.best]
    tie = f", tied within its interval with {_words(others[0])}" if others else ""
    more = f" and {len(others) - 1} more" if len(others) > 1 else ""
    return f"recommended: {_words(found.recommended)}: {extreme}{tie}{more}"


def columns(goals: Goals) -> tuple[str, ...]:
    """The heads of the table."""
    return (SETTING, "Wh per 1,000", "±", "p95 s", "quality", f"{goals.objectives[0].name} better")


def rows(found: Answer, reference: Told, goals: Goals) -> list[tuple[str, ...]]:
    """The table: the reference, the front, and what is recommended or nearest without being on it."""
    front_ = [one for one in found.front if one.point != reference.point]
    table = []
    for one, note in [(reference, "reference"), *((one, "") for one in front_), *_further(found, reference)]:
        mark = "recommended" if found.recommended is not None and one.point == found.recommended.point else ""
        named = ", ".join(part for part in (note, mark) if part)
        table.append((_words(one) + (f" ({named})" if named else ""), *_cells(one.metrics, reference.metrics, goals)))
    return table


def sentences(found: Answer, goals: Goals, words: Sequence[str]) -> list[str]:
    """The recommendation with its command, or the nearest results and the limits that each breaks."""
    if found.recommended is not None:
        return [why(found, goals), f"again: {command(laid(words, found.recommended.point))}"]
    if not found.nearest:
        return []
    passed = [f"{_words(one)} breaks: {'; '.join(map(str, limits))}" for one, limits in found.nearest]
    return ["no result keeps every limit; the nearest:", *passed]


def _further(found: Answer, reference: Told) -> list[tuple[Told, str]]:
    """Rows beside the front: a recommended setting that ties with the front without being on it, and the nearest."""
    further = [(one, "breaks a limit") for one, _ in found.nearest if one.point != reference.point]
    if found.recommended is not None and found.recommended not in (*found.front, reference):
        further.append((found.recommended, ""))
    return further


def last_line(
    found: Answer,
    reference: Told,
    goals: Goals,
    bill: Bill,
    left_out: Sequence[LeftOut],
    words: Sequence[str],
    **more: Any,
) -> dict[str, Any]:
    """What programs read: the last line of standard output. Of a run's metrics those that the goals and table speak of.

    All of them are in MLflow under the run's id.
    """
    names = tuple(dict.fromkeys((*SHORT.values(), "energy/ci95_rel", "energy/estimated_share", *goals.metrics)))

    def told(one: Told) -> dict[str, Any]:
        line = command(laid(words, one.point))
        metrics = {name: one.metrics.get(name) for name in names}
        return {"words": list(one.point), "run_id": one.outcome.run_id, "metrics": metrics, "command": line}

    return {
        **more,
        "reference": told(reference),
        "front": [told(one) for one in found.front],
        "recommended": None if found.recommended is None else told(found.recommended),
        "nearest": [{**told(one), "breaks": [str(limit) for limit in limits]} for one, limits in found.nearest],
        "bill": {
            "wh": bill.wh,
            "trials": bill.trials,
            "unknown": bill.unknown,
            "metered_s": bill.metered_s,
            "seconds": bill.seconds,
            "start_wh": bill.start_wh,
            "start_paid_back_after": bill.start_paid_back_after,
            "saving_wh_per_1k": bill.saving_wh_per_1k,
            "beyond_intervals": bill.sure,
            "paid_back_after": bill.paid_back_after,
        },
        "left_out": [{"words": list(one.words), "points": one.points, "reason": one.reason} for one in left_out],
    }


def _words(one: Told) -> str:
    return " ".join(one.point)


def _cells(metrics: Metrics, reference: Metrics, goals: Goals) -> tuple[str, ...]:
    spread = metrics.get("energy/ci95_rel")
    return (
        _digits(metrics.get(SHORT["energy"])),
        "-" if spread is None else f"{spread:.1%}",
        _digits(metrics.get(SHORT["p95"])),
        _digits(metrics.get(SHORT["quality"])),
        _better(metrics, reference, goals),
    )


def _better(metrics: Metrics, reference: Metrics, goals: Goals) -> str:
    """How many times better than the reference by the first objective; `tie` where both energies' intervals overlap,
    and nothing where an energy has no interval: then no ratio can be claimed."""
    first = goals.objectives[0]
    own, other = metrics.get(first.metric), reference.get(first.metric)
    if not own or not other or metrics is reference:
        return "-"
    if first.metric == SHORT["energy"]:
        sure = verdict.apart(verdict.energy_estimate(metrics), verdict.energy_estimate(reference))
        if not sure:
            return "-" if sure is None else "tie"
    return f"{other / own if first.direction == 'min' else own / other:.3g}x"


def _digits(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"
