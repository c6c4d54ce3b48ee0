"""The impact of the recommendations: equivalences, the energy of one's own use, a mix of jobs, training.

All of it is of runs that this program measured and whose record is available; external results have none.
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
from joulemark.reporting.entry import Entry
from joulemark.reporting.recommendation import Recommendation
from joulemark.reporting.section import Section


def requested_use(config: Mapping[str, Any]) -> Use | None:
    """The use that the options request; None without a count, UserError for one that cannot be."""
    options = config.get("use") or {}
    request = use(1 if options.get("count") is None else options["count"], options.get("per", "week"))
    return None if options.get("count") is None else request


def requested_mix(config: Mapping[str, Any]) -> workload_mix.Mix | None:
    """The mix of jobs that the options choose; UserError for values that cannot be."""
    node = config.get("mix")
    if node is None:
        return None
    return workload_mix.mix({key: value for key, value in node.items() if key != "name"}, str(node["name"]))


def equivalents(
    recommendations: Sequence[Recommendation], records: Mapping[str, Record], config: Mapping[str, Any]
) -> Section | None:
    """Equivalences of 1,000 inferences of each recommendation, and the energy of one's own use of it."""
    chosen = list(_chosen(recommendations, records))
    if not chosen:
        return None
    rows = [(spoken(entry.task), entry.model, wh_rounded(entry.energy), _like(entry.energy)) for entry, _ in chosen]
    like = Table("1,000 inferences", ("task", "model", "energy", "as much as"), rows)
    wanted = requested_use(config)
    costs = [usage_cost for entry, record in chosen if (usage_cost := cost(record, entry.metrics)) is not None]
    uses = [my_use(wanted, usage_cost) for usage_cost in costs] if wanted else []
    paragraphs = usage_text.sentences(uses[0]) if len(uses) == 1 else ()
    tables = [usage_text.table(uses[0])] if len(uses) == 1 else [_uses(uses)] if uses else []
    return Section("equivalences", "Equivalences", paragraphs, (like, *tables, equivalences.sources()))


def _like(wh: float) -> str:
    return "; ".join(equivalences.sentences(wh, 3)) or UNKNOWN


def _uses(uses: Sequence[MyUse]) -> Table:
    """The same use of each recommendation, a row each: its energy in a week and a year."""
    wanted = uses[0].use
    rows = [
        (spoken(use.cost.task), use.cost.model, interval(use.week.wh), interval(use.year.wh), _like(use.year.wh.mean))
        for use in uses
    ]
    columns = ("task", "model", "a week", "a year", "a year is as much as")
    note = "Without idle energy between the calls. tasks=[…] with one task says more: money, grams, heat, loading."
    return Table(f"My use: {rounded(wanted.count, 4)} inferences a {wanted.per} of each", columns, rows, note)


def portfolio(
    recommendations: Sequence[Recommendation], records: Mapping[str, Record], config: Mapping[str, Any]
) -> Section | None:
    """One general-purpose model or specialists, for a mix of jobs that the options name."""
    jobs = requested_mix(config)
    if jobs is None:
        return None
    runs = [workload_mix.measured(record, entry.metrics) for entry, record in _all(recommendations, records)]
    general, specialists = workload_mix.sides(jobs, [run for run in runs if run is not None])
    result = portfolios.portfolio(jobs, general, specialists)
    return Section("a-mix-of-jobs", "One general-purpose model, or specialists", portfolio_text.sentences(result),
                   (portfolio_text.table(result),) if result.costs else ())  # fmt: skip


def training(
    recommendations: Sequence[Recommendation], records: Mapping[str, Record], config: Mapping[str, Any]
) -> Section | None:
    """After how many calls the published energy of training is matched, of models whose training is published."""
    parities = []
    for entry, record in _all(recommendations, records):
        per_1k = Amount.of(entry.energy, entry.half_width)
        if (parity := trainings.parity(str(record.model.checkpoint), per_1k, run=entry.named)) is not None:
            parities.append(parity)
    if not parities:
        return None
    sentences = trainings.sentences(min(parities, key=lambda each: each.per_1k.mean), requested_use(config))
    return Section("training", "Training against inference", sentences, (trainings.table(parities),))


def published(
    recommendations: Sequence[Recommendation], records: Mapping[str, Record], config: Mapping[str, Any]
) -> Section | None:
    """The nearest published figure of each recommendation whose GPU energy is available."""
    paragraphs = []
    for entry, record in _chosen(recommendations, records):
        place = lists.of_record(record, entry.metrics)
        if place is not None:
            paragraphs.append(f"{spoken(entry.task)}, {entry.model}: {' '.join(published_text.sentences(place))}")
    return Section("published", "Compared with published figures", paragraphs) if paragraphs else None


def _chosen(recommendations: Sequence[Recommendation], records: Mapping[str, Record]) -> Iterator[tuple[Entry, Record]]:
    for recommendation in recommendations:
        entry = recommendation.chosen
        if entry is not None and not entry.external and entry.run_id in records:
            yield entry, records[entry.run_id]


def _all(recommendations: Sequence[Recommendation], records: Mapping[str, Record]) -> Iterator[tuple[Entry, Record]]:
    for recommendation in recommendations:
        for entry in recommendation.group.entries:
            if not entry.external and entry.run_id in records:
                yield entry, records[entry.run_id]
