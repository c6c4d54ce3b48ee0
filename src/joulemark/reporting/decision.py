"""What to run: in one group, under the constraints, the setting that costs least, and how sure that is.

eligible   its processes decide something; meets every constraint; has a quality if any has
chosen     the least mean energy of these; among equal ones the higher quality, the lower latency, the newer run
tied       whose energy is indistinguishable from the chosen one's among all eligible settings, by analysis/ranking.py
open       of which nothing is established, for want of processes
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from joulemark.analysis import quality, verdict
from joulemark.analysis.quality import QualityDifference
from joulemark.analysis.ranking import rank
from joulemark.analysis.verdict import Verdict
from joulemark.core.formatting import digits
from joulemark.reporting.answers import NONE, Answers
from joulemark.reporting.constraints import Constraints
from joulemark.reporting.entry import Entry
from joulemark.reporting.group import Group
from joulemark.reporting.quality_limit import QualityLimit, quality_limit

NEAREST = 3  # runs named where none meets the constraints
ASKED = 5  # runs of a higher quality than the chosen one's that are compared with it as pairs


@dataclass(frozen=True)
class Recommendation:
    """The recommendation for one group.

    Attributes:
        group: the runs that may be ranked together
        chosen: the recommended run; None where no run meets the constraints
        runner_up: the cheapest other choice
        lead: the verdict between the chosen run and the runner-up
        tied: other choices whose energy is indistinguishable from the chosen one's, in the family of all choices
        open: other choices of which nothing is established, since one side has too few processes
        test: the test that held the error of the family; None where nothing could be judged
        better: the cheapest run of a higher quality than the chosen one
        usual: the chosen model at batch 1 in fp32
        again: other runs of the chosen choice
        front: the Pareto front of energy and quality
        by_quality: false where no quality is known: the recommendation is then about energy alone
        floor: the least quality that is accepted
        floor_note: why the chosen run, whose quality is below it, is not excluded; None where it is not below it
        quality: whether the chosen run (A) and those named beside it (B) answer equally well, by run id
        eligible: how many runs meet all constraints
        next_model: the cheapest run of another model, where the runner-up is another setting of the chosen model
        refused: the cheapest other choice that violates a constraint, with those that it violates
        nearest: where nothing is chosen, the runs nearest to the constraints, each with those that it violates
    """

    group: Group
    chosen: Entry | None = None
    runner_up: Entry | None = None
    lead: Verdict | None = None
    tied: tuple[Entry, ...] = ()
    open: tuple[Entry, ...] = ()
    test: str | None = None
    better: Entry | None = None
    usual: Entry | None = None
    again: tuple[Entry, ...] = ()
    front: tuple[Entry, ...] = ()
    by_quality: bool = False
    floor: float | None = None
    floor_note: str | None = None
    quality: Mapping[str, QualityDifference] = field(default_factory=dict)
    eligible: int = 0
    next_model: Entry | None = None
    refused: tuple[Entry, tuple[str, ...]] | None = None
    nearest: tuple[tuple[Entry, tuple[str, ...]], ...] = ()

    @property
    def sure(self) -> str:
        """One word: `established`, `tie`, `open` (not established), `alone` (nothing to compare with), `none`."""
        if self.chosen is None:
            return "none"
        if self.lead is None:
            return "alone"
        if self.open:
            return "open"
        return "tie" if self.tied else "established"


def decide(group: Group, constraints: Constraints, answers: Answers = NONE) -> Recommendation:
    """The recommendation for one group; `answers` are the scores of single inputs, of which it asks for a few."""
    sound = [entry for entry in group.entries if entry.ranked]
    within = [entry for entry in sound if not constraints.violated(entry)]
    by_quality = any(entry.quality is not None for entry in sound) or constraints.quality is not None
    judged = sorted((entry for entry in within if entry.quality is not None or not by_quality), key=_order)
    limit = quality_limit(judged, constraints, answers) if by_quality else QualityLimit()
    kept = [entry for entry in judged if not limit.excludes(entry)]
    on_front = pareto(group.entries)
    if not kept:
        nearest = _nearest(group.entries, constraints, limit, by_quality)
        return Recommendation(group, front=on_front, by_quality=by_quality, floor=limit.floor, nearest=nearest)
    chosen = kept[0]
    others = _once([entry for entry in kept if entry.setting != chosen.setting])
    runner_up = others[0] if others else None
    ranking = rank([entry.as_cell for entry in (chosen, *others)])
    better = _better(chosen, judged, answers) if by_quality else None
    next_model = _next_model(chosen, runner_up, others)
    beside = [entry for entry in (runner_up, next_model, better) if entry is not None]
    pairs = {entry.run_id: answers.difference(chosen, entry) for entry in beside}
    return Recommendation(
        group,
        chosen=chosen,
        runner_up=runner_up,
        lead=verdict.between(chosen.as_cell, runner_up.as_cell) if runner_up else None,
        tied=tuple(others[place - 1] for place in ranking.tied),
        open=tuple(others[place - 1] for place in ranking.open),
        test=ranking.test,
        better=better,
        usual=_usual(chosen, sound),
        again=tuple(entry for entry in sound if entry.setting == chosen.setting and entry is not chosen),
        front=on_front,
        by_quality=by_quality,
        floor=limit.floor,
        floor_note=limit.doubt(chosen, answers),
        quality={run_id: result for run_id, result in pairs.items() if result is not None},
        eligible=len(kept),
        next_model=next_model,
        refused=_refused(group.entries, chosen, kept, constraints, limit, by_quality),
    )


def pareto(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """The runs that no other dominates in energy and quality; none without a quality, and no random weights."""
    judged = {entry.run_id: entry for entry in entries if entry.quality is not None and entry.ranked}
    if not judged:
        return ()
    # Sorted by energy, a run is on the front where its quality is above every cheaper one's: no pairs are compared
    front: list[Entry] = []
    for entry in sorted(judged.values(), key=_order):
        if not front or verdict.higher_quality(entry.quality, front[-1].quality):
            front.append(entry)
    return tuple(front)


def _better(chosen: Entry, judged: Sequence[Entry], answers: Answers) -> Entry | None:
    """The cheapest run established to be of a higher quality than the chosen one; without one the cheapest that has it.

    Of cheaper runs only those are asked for whose quality is above every cheaper one's.
    """
    higher = pareto([entry for entry in judged if verdict.higher_quality(entry.quality, chosen.quality)])
    for entry in higher[:ASKED]:
        result = answers.difference(chosen, entry)
        if result is None or result.outcome == quality.B_HIGHER:
            return entry
    return higher[0] if higher else None


def _order(entry: Entry) -> tuple[float, float, float, int, str]:
    latency = entry.metrics.get("latency/p95_s", float("inf"))
    return (
        entry.compared.mean,
        -(entry.quality if entry.quality is not None else 0.0),
        latency,
        -entry.began_ms,
        entry.run_id,
    )


def _once(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """The first run of each choice."""
    first: dict[tuple[str, ...], Entry] = {}
    for entry in entries:
        first.setdefault(entry.setting, entry)
    return tuple(first.values())


def _usual(chosen: Entry, sound: Sequence[Entry]) -> Entry | None:
    """The chosen model as it is usually run: batch 1, fp32, nothing else set."""
    plain = (chosen.model, chosen.weights, "fp32", "1", "", chosen.engine, chosen.engine_options)
    return next((entry for entry in sound if entry.setting == plain and entry.setting != chosen.setting), None)


def _nearest(
    entries: Sequence[Entry], constraints: Constraints, limit: QualityLimit, by_quality: bool
) -> tuple[tuple[Entry, tuple[str, ...]], ...]:
    """The runs that violate the fewest constraints, the cheapest first, each with those that it violates."""
    nearest = [(entry, tuple(violations(entry, constraints, limit, by_quality))) for entry in entries]
    return tuple(sorted(nearest, key=lambda pair: (len(pair[1]), _order(pair[0])))[:NEAREST])


def _next_model(chosen: Entry, runner_up: Entry | None, others: Sequence[Entry]) -> Entry | None:
    """The cheapest run of another model, where the runner-up is only another setting of the chosen one."""
    if runner_up is None or runner_up.model != chosen.model:
        return None
    return next((candidate for candidate in others if candidate.model != chosen.model), None)


def _refused(
    entries: Sequence[Entry],
    chosen: Entry,
    kept: Sequence[Entry],
    constraints: Constraints,
    limit: QualityLimit,
    by_quality: bool,
) -> tuple[Entry, tuple[str, ...]] | None:
    taken = {entry.run_id for entry in kept}
    others = [entry for entry in entries if entry.run_id not in taken and entry.setting != chosen.setting]
    cheapest = min(others, key=_order, default=None)
    return None if cheapest is None else (cheapest, tuple(violations(cheapest, constraints, limit, by_quality)))


def violations(entry: Entry, constraints: Constraints, limit: QualityLimit, by_quality: bool) -> list[str]:
    """Why a run is not recommended, as sentences; none where it could be."""
    reasons = [] if entry.ranked else [f"it decides nothing: {entry.doubt}"]
    if by_quality and entry.quality is None:
        reasons.append("random weights have no quality" if entry.random else "its quality is unknown")
    elif limit.excludes(entry):
        reasons.append(f"{entry.metric} {digits(entry.quality)} is below {digits(limit.floor)}")
    return [*reasons, *constraints.violated(entry)]
