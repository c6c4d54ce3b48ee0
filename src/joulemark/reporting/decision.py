"""What to run: in one group, under the constraints, the setting that costs least, and how sure that is.

eligible   its processes decide something; meets every constraint; has a quality if any has
chosen     the least mean energy of these; among equal ones the higher quality, the lower latency, the newer run
tied       whose energy is indistinguishable from the chosen one's among all eligible settings, by analysis/ranking.py
open       of which nothing is established, for want of processes
"""

from collections.abc import Sequence
from dataclasses import replace

from joulemark.analysis import quality, verdict
from joulemark.analysis.ranking import rank
from joulemark.reporting import violations
from joulemark.reporting.answers import NONE, Answers
from joulemark.reporting.constraints import Constraints
from joulemark.reporting.entry import Entry
from joulemark.reporting.front import order, pareto
from joulemark.reporting.group import Group
from joulemark.reporting.quality_limit import QualityLimit, quality_limit
from joulemark.reporting.recommendation import Recommendation, once

ASKED = 5  # runs of a higher quality than the chosen one's that are compared with it as pairs


def decide(group: Group, constraints: Constraints, answers: Answers = NONE) -> Recommendation:
    """The recommendation for one group; `answers` are the scores of single inputs, of which it asks for a few."""
    sound = [entry for entry in group.entries if entry.ranked]
    within = [entry for entry in sound if not constraints.violated(entry)]
    by_quality = any(entry.quality is not None for entry in sound) or constraints.quality is not None
    judged = sorted((entry for entry in within if entry.quality is not None or not by_quality), key=order)
    limit = quality_limit(judged, constraints, answers) if by_quality else QualityLimit()
    kept = [entry for entry in judged if not limit.excludes(entry)]
    on_front, asked = pareto(group.entries), _asked(constraints, group, by_quality)
    if not kept:
        nearest = violations.nearest(group.entries, constraints, limit, by_quality)
        return Recommendation(
            group, front=on_front, by_quality=by_quality, floor=limit.floor, nearest=nearest, asked=asked
        )
    chosen = kept[0]
    others = once([entry for entry in kept if entry.setting != chosen.setting])
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
        asked=asked,
        kept=tuple(kept),
        next_model=next_model,
        refused=violations.refused(group.entries, chosen, kept, constraints, limit, by_quality),
    )


def _asked(constraints: Constraints, group: Group, by_quality: bool) -> tuple[str, ...]:
    """The constraints as sentences; where no quality is known there is none on it."""
    bounds = constraints if by_quality else replace(constraints, quality=None, quality_loss=None)
    return tuple(bounds.sentences(group.first.metric))


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


def _usual(chosen: Entry, sound: Sequence[Entry]) -> Entry | None:
    """The chosen model as it is usually run: batch 1, fp32, nothing else set."""
    plain = (chosen.model, chosen.weights, "fp32", "1", "", chosen.engine, chosen.engine_options)
    return next((entry for entry in sound if entry.setting == plain and entry.setting != chosen.setting), None)


def _next_model(chosen: Entry, runner_up: Entry | None, others: Sequence[Entry]) -> Entry | None:
    """The cheapest run of another model, where the runner-up is only another setting of the chosen one."""
    if runner_up is None or runner_up.model != chosen.model:
        return None
    return next((candidate for candidate in others if candidate.model != chosen.model), None)
