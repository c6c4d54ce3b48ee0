"""The report as Markdown for people and as JSON for programs."""

import json
from collections.abc import Mapping
from typing import Any

from joulemark.analysis.impact.amount import Amount
from joulemark.analysis.verdict import Verdict
from joulemark.core import formatting
from joulemark.core import markdown as md
from joulemark.core.markdown import Table, escaped
from joulemark.reporting import alternatives, amounts, claim, load_files, own_use, recommendation_text, site_notes
from joulemark.reporting.entry import Entry
from joulemark.reporting.page_data import short
from joulemark.reporting.recommendation import Recommendation
from joulemark.reporting.render import Page

LEFT_OUT_SHOWN = 50


def markdown(page: Page) -> str:
    """The recommendations, their fronts, and what was left out; text that came from elsewhere can be no markup."""
    lines = [f"# {escaped(page.title)}", "", f"{page.scope}. Constraints: {'; '.join(page.constraints) or 'none'}.", ""]
    lines += [f"> {escaped(note)}\n" for note in page.notes]
    for answer in page.loads:
        lines += load_files.markdown(answer)
    for recommendation in page.recommendations:
        lines += _recommendation(recommendation, page)
        apart = page.differs.get(recommendation.group.id)
        lines += [f"Not ranked with the others of this task: {escaped('; '.join(apart))}.", ""] if apart else []
    for section in page.sections:
        lines += [f"## {escaped(section.title)}", "", *(f"{escaped(text)}\n" for text in section.paragraphs)]
        lines += [line for table in section.tables for line in md.table(table)]
    if page.left_out:
        rows = [(run.name, run.task, run.run_id[:8], run.reason) for run in page.left_out[:LEFT_OUT_SHOWN]]
        note = f"{len(page.left_out)} in all; report.json has every one." if len(page.left_out) > len(rows) else ""
        lines += ["## Left out", "", *md.table(Table("", ("run", "task", "id", "reason"), rows, note))]
    lines += [
        "Energies are gross component energy per 1,000 inferences, not electricity at the wall, dynamic ones without "
        "idle power; ± is half of the 95 % interval between processes, of one process within the run.",
        "",
        escaped(page.made),
        "",
    ]
    return "\n".join(lines)


def _recommendation(recommendation: Recommendation, page: Page) -> list[str]:
    own = page.uses.get(recommendation.group.id)
    facts = [*recommendation_text.facts(recommendation), *(own_use.facts(own) if own else ())]
    lines = [
        f"## {formatting.spoken(escaped(recommendation.group.task))}: "
        f"{escaped(recommendation_text.headline(recommendation))}",
        "",
        f"*{recommendation_text.SURE[recommendation.sure]}* · {escaped(claim.because(recommendation))}",
        "",
        escaped(recommendation.group.title),
        "",
        *(f"- {escaped(what)}: {escaped(value)}" for what, value in facts),
        *(f"- {escaped(line)}" for line in recommendation_text.how_sure(recommendation)),
    ]
    if recommendation.chosen and (missing := site_notes.missing(recommendation.chosen)):
        lines.append(f"- {escaped(missing)}")
    if recommendation.chosen and recommendation.chosen.command:
        lines += ["", "```", " ".join(recommendation.chosen.command.replace("`", "'").split()), "```"]
    others = alternatives.table(recommendation, page.use)
    if others is not None:
        lines += ["", *md.table(others)]
    elif recommendation.chosen:
        lines.append(f"- {escaped(recommendation_text.runner_up(recommendation))}")
    lines.append("")
    if len(recommendation.front) > 1:
        rows = [
            (
                entry.model,
                entry.configuration,
                amounts.energy_text(entry),
                amounts.dynamic_text(entry),
                amounts.quality_text(entry),
            )
            for entry in recommendation.front
        ]
        lines += md.table(
            Table(
                "Pareto front of energy and quality",
                ("model", "settings", "energy per 1,000", "dynamic", recommendation.group.first.metric),
                rows,
            )
        )
    return lines


def as_json(page: Page, constraints: Mapping[str, Any]) -> str:
    """What programs read: each recommendation with its runs' metrics, and every run left out with its reason."""
    return json.dumps(
        {
            "title": page.title,
            "made": page.made,
            "use": None if page.use is None else {"count": page.use.count, "per": page.use.per},
            "mix": page.mix,
            "constraints": {key: value for key, value in constraints.items() if value is not None},
            "loads": [load_files.as_json(answer) for answer in page.loads],
            "recommendations": [_json_of(recommendation, page) for recommendation in page.recommendations],
            "left_out": [
                {"run_id": run.run_id, "name": run.name, "task": run.task, "reason": run.reason}
                for run in page.left_out
            ],
        },
        allow_nan=False,
        ensure_ascii=False,
        indent=1,
    )


def _json_of(recommendation: Recommendation, page: Page) -> dict[str, Any]:
    lead, own = recommendation.lead, page.uses.get(recommendation.group.id)
    return {
        "task": recommendation.group.task,
        "group": recommendation.group.id,
        "shares": recommendation.group.title,
        "apart_because": list(page.differs.get(recommendation.group.id, ())),
        "runs": [run_id for entry in recommendation.group.entries for run_id in entry.run_ids],
        "quantity": recommendation.group.quantity.name,
        "quantity_reason": recommendation.group.quantity.reason,
        "sure": recommendation.sure,
        "by_quality": recommendation.by_quality,
        "least_quality": recommendation.floor,
        "quality_against_chosen": {
            run_id: {
                "outcome": {"A": "lower", "B": "higher"}.get(pair.outcome, pair.outcome),
                "note": pair.note,
                "n": pair.n,
                "chosen_less_other": pair.difference,
                "low": pair.low,
                "high": pair.high,
            }
            for run_id, pair in recommendation.quality.items()
        },
        "chosen": _run(recommendation.chosen),
        "runner_up": _run(recommendation.runner_up),
        "runner_up_over_chosen": None if lead is None else _lead(lead),
        "tied": [entry.run_id for entry in recommendation.tied],
        "not_established": [entry.run_id for entry in recommendation.open],
        "test": recommendation.test,
        "use": None if own is None else own_use.as_json(own),
        "front": [_run(entry) for entry in recommendation.front],
        "nearest": [{"run": _run(entry), "breaks": list(broken)} for entry, broken in recommendation.nearest],
        "in_words": [
            recommendation_text.headline(recommendation),
            claim.because(recommendation),
            recommendation_text.runner_up(recommendation),
            *recommendation_text.further(recommendation),
            *recommendation_text.how_sure(recommendation),
        ],
    }


def _ends(amount: Amount | None) -> dict[str, float | None] | None:
    return None if amount is None else {"mean": amount.mean, "low": short(amount.low), "high": short(amount.high)}


def _lead(lead: Verdict) -> dict[str, Any]:
    verdict = {"A": "chosen costs less", "B": "runner-up costs less"}.get(lead.outcome, lead.outcome)
    return {"verdict": verdict, "note": lead.note, "ratio": lead.ratio, "least": lead.least, "most": lead.most}


def _run(entry: Entry | None) -> dict[str, Any] | None:
    if entry is None:
        return None
    return {
        "run_id": entry.run_id,
        "model": entry.model,
        "precision": entry.precision,
        "batch_size": entry.batch,
        "settings": entry.settings,
        "command": entry.command,
        "processes": [*entry.run_ids],
        "wh_per_1k": entry.energy,
        "ci95_half_width_wh": short(entry.half_width),
        "dynamic_wh_per_1k": None if entry.dynamic is None else entry.dynamic.mean,
        "dynamic_ci95_half_width_wh": None if entry.dynamic is None else short(entry.dynamic.half_width),
        "quality": entry.quality,
        "emissions_g_per_1k": _ends(amounts.emissions(entry)),
        "cost_per_1k": _ends(amounts.cost(entry)),
        "currency": entry.currency,
        "site": entry.site or None,
        "estimated_share": entry.estimated,
        "verdict": entry.verdict,
        "flags": list(entry.flags),
        "metrics": dict(entry.metrics),
    }
