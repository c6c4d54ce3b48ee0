"""The table of a report as CSV: a row for each setting of each group, with what the report says of it."""

from collections.abc import Iterator

from joulemark.analysis.impact.amount import Amount
from joulemark.reporting import amounts, own_use
from joulemark.reporting.csv_text import csv_text
from joulemark.reporting.entry import Entry
from joulemark.reporting.recommendation import Recommendation
from joulemark.reporting.render import Page

RECOMMENDED, DECIDES_NOTHING, OUTSIDE = "recommended", "decides nothing", "does not meet the constraints"

COLUMNS = ("task", "group", "shares", "standing", "model", "settings", "processes", "wh_per_1k", "wh_low", "wh_high",
           "dynamic_wh_per_1k", "dynamic_ci95_half_width_wh", "g_per_1k", "g_low", "g_high", "cost_per_1k", "cost_low",
           "cost_high", "currency", "site", "metric", "quality", "quality_low", "quality_high", "latency_p95_s",
           "throughput_requests_per_s", "gpu_peak_bytes", "estimated_share", "verdict", "flags", "run_id",
           "command")  # fmt: skip
USE = ("use_count", "use_per", "use_wh_per_year", "use_wh_low", "use_wh_high", "use_g_per_year", "use_g_low",
       "use_g_high", "use_cost_per_year", "use_cost_low", "use_cost_high")  # fmt: skip


def csv_of(page: Page) -> str:
    """The table; with a use of one's own what a year of it takes with each setting, too."""
    rows = [
        [*_row(recommendation, entry, standing), *_use(page, entry)]
        for recommendation in page.recommendations
        for entry, standing in _standings(recommendation)
    ]
    return csv_text((*COLUMNS, *(USE if page.use else ())), rows)


def _standings(recommendation: Recommendation) -> Iterator[tuple[Entry, str]]:
    """Each entry of a group with what the report says of it, in the verdict's words."""
    kept = {entry.run_id for entry in recommendation.kept}
    for entry in recommendation.group.entries:
        if entry is recommendation.chosen:
            yield entry, RECOMMENDED
        elif not entry.ranked:
            yield entry, DECIDES_NOTHING
        else:
            yield entry, recommendation.standing(entry) if entry.run_id in kept else OUTSIDE


def _row(recommendation: Recommendation, entry: Entry, standing: str) -> list[object]:
    group, metrics, dynamic = recommendation.group, entry.metrics, entry.dynamic
    return [
        group.task, group.id, group.title, standing, entry.model, entry.configuration, entry.processes,
        *_ends(amounts.energy(entry)), None if dynamic is None else dynamic.mean,
        None if dynamic is None else dynamic.half_width, *_ends(amounts.emissions(entry)), *_ends(amounts.cost(entry)),
        entry.currency, entry.site or None, entry.metric, entry.quality, metrics.get("quality/ci95_low"),
        metrics.get("quality/ci95_high"), metrics.get("latency/p95_s"), metrics.get("throughput/requests_per_s"),
        metrics.get("memory/gpu_peak_bytes"), entry.estimated, entry.verdict, ", ".join(entry.flags), entry.run_id,
        entry.command,
    ]  # fmt: skip


def _use(page: Page, entry: Entry) -> list[object]:
    if page.use is None:
        return []
    own = own_use.of(page.use, entry)
    return [page.use.count, page.use.per, *_ends(own.wh), *_ends(own.grams), *_ends(own.money)]


def _ends(amount: Amount | None) -> tuple[float | None, float | None, float | None]:
    return (None, None, None) if amount is None else (amount.mean, amount.low, amount.high)
