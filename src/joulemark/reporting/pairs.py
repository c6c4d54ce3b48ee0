"""The verdict of each pair of a group's cheapest cells, for the page, whose script judges nothing itself."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

from joulemark.analysis import verdict
from joulemark.reporting.entry import Entry

MOST = 40  # cells of a group whose pairs are judged: 780 verdicts; `joulemark compare` judges any other two


def verdicts(entries: Sequence[Entry], place: Mapping[str, int]) -> dict[str, list[Any]]:
    """`A,B` by the places of two cells, the smaller first -> outcome, note, ratio of B over A, its ends."""
    cheapest = sorted(entries, key=lambda entry: entry.compared.mean)[:MOST]
    ordered = sorted(cheapest, key=lambda entry: place[entry.run_id])
    return {f"{place[a.run_id]},{place[b.run_id]}": _judged(a, b) for a, b in combinations(ordered, 2)}


def _judged(a: Entry, b: Entry) -> list[Any]:
    undecided = [entry for entry in (a, b) if not entry.ranked]
    if undecided:
        ratio = b.compared.mean / a.compared.mean
        return [verdict.NOT_ESTABLISHED, f"{undecided[0].doubt}: it decides nothing", ratio, None, None]
    result = verdict.between(a.as_cell, b.as_cell)
    return [result.outcome, result.note, result.ratio, result.least, result.most]
