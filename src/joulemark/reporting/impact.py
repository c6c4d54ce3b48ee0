"""What the answers mean to people: other things that take as much, a use of one's own, a mix of jobs, training.

All of it is of runs that this program measured and whose record was read; of external results none is made.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from joulemark.analysis.impact import equivalences, portfolio_text, published_text, usage_text, workload_mix
from joulemark.analysis.impact import portfolio as portfolios
from joulemark.analysis.impact import published as lists
from joulemark.analysis.impact import training as trainings
from joulemark.analysis.impact.amount import Amount, interval
from joulemark.analysis.impact.usage import MyUse, Use, cost, my_use, use
from joulemark.core.formatting import UNKNOWN, rounded, spoken, wh_rounded
from joulemark.core.markdown import Table
from joulemark.core.record import Record
from joulemark.reporting.decision import Recommendation
from joulemark.reporting.entry import Entry
from joulemark.reporting.section import Section


def asked_use(config: Mapping[str, Any]) -> Use | None:
    """The use that the options ask for; None without a count, UserError for one that cannot be."""
    words = config.get("use") or {}
    found = use(1 if words.get("count") is None else words["count"], words.get("per", "week"))
    return None if words.get("count") is None else found


def asked_mix(config: Mapping[str, Any]) -> workload_mix.Mix | None:
    """The mix of jobs that the options choose; UserError for values that cannot be."""
    node = config.get("mix")
    if node is None:
        return None
    return workload_mix.mix({key: value for key, value in node.items() if key != "name"}, str(node["name"]))


def in_other_words(
    answers: Sequence[Recommendation], records: Mapping[str, Record], config: Mapping[str, Any]
) -> Section | None:
    """What 1,000 inferences of each answer are in other words, and what one's own use of it takes."""
    chosen = list(_chosen(answers, records))
    if not chosen:
        return None
    rows = [(spoken(one.task), one.model, wh_rounded(one.energy), _like(one.energy)) for one, _ in chosen]
    like = Table("1,000 inferences", ("task", "model", "energy", "as much as"), rows)
    wanted = asked_use(config)
    costs = [found for one, record in chosen if (found := cost(record, one.metrics)) is not None]
    uses = [my_use(wanted, one) for one in costs] if wanted else []
    paragraphs = usage_text.sentences(uses[0]) if len(uses) == 1 else ()
    tables = [usage_text.table(uses[0])] if len(uses) == 1 else [_uses(uses)] if uses else []
    return Section("in-other-words", "In other words", paragraphs, (like, *tables, equivalences.sources()))


def _like(wh: float) -> str:
    return "; ".join(equivalences.sentences(wh, 3)) or UNKNOWN


def _uses(uses: Sequence[MyUse]) -> Table:
    """The same use of each answer, a row each: what it takes a week and a year."""
    asked = uses[0].use
    rows = [
        (spoken(use.cost.task), use.cost.model, interval(use.week.wh), interval(use.year.wh), _like(use.year.wh.mean))
        for use in uses
    ]
    columns = ("task", "model", "a week", "a year", "a year is as much as")
    note = "Being on between the calls is not in it. tasks=[…] with one task says more: money, grams, heat, loading."
    return Table(f"My use: {rounded(asked.count, 4)} inferences a {asked.per} of each", columns, rows, note)


def portfolio(
    answers: Sequence[Recommendation], records: Mapping[str, Record], config: Mapping[str, Any]
) -> Section | None:
    """One general model or specialists, for a mix of jobs that the options name."""
    jobs = asked_mix(config)
    if jobs is None:
        return None
    runs = [workload_mix.measured(record, one.metrics) for one, record in _all(answers, records)]
    one, other = workload_mix.sides(jobs, [run for run in runs if run is not None])
    found = portfolios.portfolio(jobs, one, other)
    return Section("a-mix-of-jobs", "One general model, or specialists", portfolio_text.sentences(found),
                   (portfolio_text.table(found),) if found.costs else ())  # fmt: skip


def training(
    answers: Sequence[Recommendation], records: Mapping[str, Record], config: Mapping[str, Any]
) -> Section | None:
    """After how many calls the published energy of training is matched, of models whose training is published."""
    found = []
    for one, record in _all(answers, records):
        per_1k = Amount.of(one.energy, one.half_width)
        if (parity := trainings.parity(str(record.model.checkpoint), per_1k, run=one.named)) is not None:
            found.append(parity)
    if not found:
        return None
    said = trainings.sentences(min(found, key=lambda each: each.per_1k.mean), asked_use(config))
    return Section("training", "Training against inference", said, (trainings.table(found),))


def published(
    answers: Sequence[Recommendation], records: Mapping[str, Record], config: Mapping[str, Any]
) -> Section | None:
    """The nearest published figure of each answer whose GPU was read."""
    paragraphs = []
    for one, record in _chosen(answers, records):
        place = lists.of_record(record, one.metrics)
        if place is not None:
            paragraphs.append(f"{spoken(one.task)}, {one.model}: {' '.join(published_text.sentences(place))}")
    return Section("published", "Beside published figures", paragraphs) if paragraphs else None


def _chosen(answers: Sequence[Recommendation], records: Mapping[str, Record]) -> Iterator[tuple[Entry, Record]]:
    for answer in answers:
        one = answer.chosen
        if one is not None and not one.external and one.run_id in records:
            yield one, records[one.run_id]


def _all(answers: Sequence[Recommendation], records: Mapping[str, Record]) -> Iterator[tuple[Entry, Record]]:
    for answer in answers:
        for entry in answer.group.entries:
            if not entry.external and entry.run_id in records:
                yield entry, records[entry.run_id]
