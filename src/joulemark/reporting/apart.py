"""What keeps groups of one task apart, and the words by which no two of them read alike."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePath

from joulemark.analysis import comparability
from joulemark.core.record import Record
from joulemark.reporting import private_data
from joulemark.reporting.group import Group
from joulemark.reporting.recommendation import Recommendation

SHOWN = 6  # digits of an inputs' digest, as many as tell some groups apart


def told_apart(
    recommendations: Sequence[Recommendation], records: Mapping[str, Record], private: bool
) -> tuple[Recommendation, ...]:
    """The recommendations, each group's title completed by what differs from the others that had the same.

    By number of inputs, file, task options, protocol, sensors and prompt where a record tells, in the end by the
    digest of the inputs and by the group's own id.
    """
    alike: dict[tuple[str, str], list[Group]] = defaultdict(list)
    for recommendation in recommendations:
        alike[recommendation.group.task, recommendation.group.title].append(recommendation.group)
    words: dict[str, str] = {}
    for some in alike.values():
        if len(some) > 1:
            words |= _words(some, records, private)
    return tuple(
        replace(each, group=replace(each.group, apart=words.get(each.group.id, ""))) for each in recommendations
    )


def _words(some: Sequence[Group], records: Mapping[str, Record], private: bool) -> dict[str, str]:
    """For each of some groups that read alike what tells it from the others."""
    known = [records.get(group.first.run_id) for group in some]
    words: list[list[str]] = [[] for _ in some]
    for fact in _facts(some, known, private):
        values = [fact(place) for place in range(len(some))]
        unlike = len({tuple(each) for each in words}) < len(some) and len(set(values)) > 1
        if unlike:
            words = [[*own, *([value] if value else [])] for own, value in zip(words, values, strict=True)]
    return {group.id: " · ".join(own) for group, own in zip(some, words, strict=True)}


def _facts(some: Sequence[Group], known: Sequence[Record | None], private: bool) -> list[Callable[[int], str]]:
    """What may tell groups apart, each as a word of the group at a place; empty where that is not known."""
    first = next((record for record in known if record is not None), None)

    def of(read: Callable[[Record], str]) -> Callable[[int], str]:
        return lambda place: "" if (record := known[place]) is None else read(record)

    def options(record: Record) -> str:
        """What differs from the first group's record, its values alone."""
        lines = [] if first is None else comparability.differences(first, record)
        shown = (line for line in lines if not line.startswith(("task digest", "samples", "task prompt")))
        of_file = record.task.dataset == private_data.FILE and private
        return ", ".join(_own(line) for line in shown if not (of_file and line.startswith("task ")))

    return [
        of(lambda record: f"{record.task.samples:,} inputs"),
        of(lambda record: _file(record, private)),
        of(options),
        of(lambda record: f"inputs {record.task.digest[:SHOWN]}" if record.task.digest else ""),
        lambda place: f"prompt {prompt[:SHOWN]}" if (prompt := _prompt(some[place])) else "",
        lambda place: f"group {some[place].id}",
    ]


def _own(line: str) -> str:
    """The second side of a difference, `protocol window_s: 10.0 and 30.0`: window_s 30.0."""
    what, _, values = line.partition(": ")
    return f"{what.removeprefix('protocol ').removeprefix('task ')} {values.rpartition(' and ')[2]}"


def _file(record: Record, private: bool) -> str:
    """The name of the file that the inputs are of, where it may be told."""
    if record.task.dataset != private_data.FILE or private or not record.task.source:
        return ""
    return PurePath(record.task.source).name


def _prompt(group: Group) -> str | None:
    return next((entry.prompt for entry in group.entries if entry.prompt is not None), None)


def differences(
    recommendations: Sequence[Recommendation], records: Mapping[str, Record], private: bool
) -> dict[str, list[str]]:
    """For each group but the first of its task, what keeps its runs from being ranked with the first's."""
    first: dict[str, Group] = {}
    found: dict[str, list[str]] = {}
    for group in (recommendation.group for recommendation in recommendations):
        if group.task not in first:
            first[group.task] = group
            continue
        datasets = {each.dataset for one in (first[group.task], group) for each in one.entries if private}
        reasons = _why_apart(first[group.task], group, records)
        found[group.id] = [private_data.difference(line, datasets) for line in reasons]
    return found


def _why_apart(first: Group, second: Group, records: Mapping[str, Record]) -> list[str]:
    if first.first.boundary != second.first.boundary:
        boundaries = [group.first.boundary or "as this program measures" for group in (first, second)]
        return [f"boundary: {boundaries[0]} and {boundaries[1]}"]
    a, b = records.get(first.first.run_id), records.get(second.first.run_id)
    reasons = [] if a is None or b is None else list(comparability.differences(a, b))
    prompts = [_prompt(group) for group in (first, second)]
    if prompts[0] and prompts[1] and prompts[0] != prompts[1]:
        reasons = [line for line in reasons if not line.startswith("task prompt")] + [
            "task prompt: the general-purpose models have different prompts"
        ]
    return reasons or ["what makes runs comparable differs, and no record is available to say how"]
