"""The verdict of each pair of a group's cheapest cells, for the page, whose script judges nothing itself."""

from collections.abc import Mapping
from itertools import combinations
from typing import Any

from joulemark.analysis import verdict
from joulemark.analysis.verdict import Verdict
from joulemark.reporting.entry import Entry
from joulemark.reporting.recommendation import Recommendation
from joulemark.reporting.recommendation_text import in_words

MOST = 40  # cells of a group whose pairs are judged: 780 verdicts; `joulemark compare` judges any other two


def verdicts(recommendation: Recommendation, place: Mapping[str, int]) -> dict[str, list[Any]]:
    """`A,B` by the places of two cells, the smaller first -> outcome, note, ratio of B over A, its ends.

    Beside the chosen one a cell stands as in the family of all choices, which the page's badge is of.
    """
    cheapest = sorted(recommendation.group.entries, key=lambda entry: entry.compared.mean)[:MOST]
    ordered = sorted(cheapest, key=lambda entry: place[entry.run_id])
    return {f"{place[a.run_id]},{place[b.run_id]}": _judged(a, b, recommendation) for a, b in combinations(ordered, 2)}


def qualities(recommendation: Recommendation, place: Mapping[str, int]) -> dict[str, str]:
    """`A,B` as in `verdicts` -> whether the chosen run and one named beside it answer the same inputs equally well."""
    chosen, named = recommendation.chosen, {entry.run_id: entry.named for entry in recommendation.group.entries}
    if chosen is None:
        return {}
    said = {}
    for run_id, result in recommendation.quality.items():
        first, second = sorted((place[chosen.run_id], place[run_id]))
        higher, lower = (f"{name} is established to be higher" for name in (named[run_id], chosen.named))
        said[f"{first},{second}"] = in_words(result, higher, lower)
    return said


def _judged(a: Entry, b: Entry, recommendation: Recommendation) -> list[Any]:
    undecided = [entry for entry in (a, b) if not entry.ranked]
    if undecided:
        ratio = b.compared.mean / a.compared.mean
        return [verdict.NOT_ESTABLISHED, f"{undecided[0].doubt}: it decides nothing", ratio, None, None]
    result = _between(a, b, recommendation)
    return [result.outcome, result.note, result.ratio, result.least, result.most]


def _between(a: Entry, b: Entry, recommendation: Recommendation) -> Verdict:
    if a is recommendation.chosen:
        return recommendation.against(b)
    if b is recommendation.chosen:
        return recommendation.against(a).exchanged
    return verdict.between(a.as_cell, b.as_cell)
