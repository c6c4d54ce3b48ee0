"""The report as Markdown for people and as JSON for programs."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from joulemark.analysis.verdict import Verdict
from joulemark.core import formatting
from joulemark.core import markdown as md
from joulemark.core.markdown import Table, escaped
from joulemark.reporting import recommendation_text
from joulemark.reporting.decision import Recommendation
from joulemark.reporting.entry import Entry
from joulemark.reporting.page_data import short
from joulemark.reporting.render import Page

LEFT_OUT_SHOWN = 50


def markdown(page: Page) -> str:
    """The answers, their fronts, and what was left out; text that came from elsewhere can be no markup."""
    lines = [f"# {escaped(page.title)}", "", f"{page.scope}. Constraints: {'; '.join(page.constraints) or 'none'}.", ""]
    lines += [f"> {escaped(note)}\n" for note in page.notes]
    for answer in page.answers:
        lines += _answer(answer)
        apart = page.differs.get(answer.group.id)
        lines += [f"Not ranked with the others of this task: {escaped('; '.join(apart))}.", ""] if apart else []
    for section in page.sections:
        lines += [f"## {escaped(section.title)}", "", *(f"{escaped(text)}\n" for text in section.paragraphs)]
        lines += [line for table in section.tables for line in md.table(table)]
    if page.left_out:
        rows = [(run.name, run.task, run.run_id[:8], run.reason) for run in page.left_out[:LEFT_OUT_SHOWN]]
        note = f"{len(page.left_out)} in all; report.json has every one." if len(page.left_out) > len(rows) else ""
        lines += ["## Left out", "", *md.table(Table("", ("run", "task", "id", "reason"), rows, note))]
    lines += [
        "Energies are gross component energy per 1,000 inferences, not electricity at the wall; ± is half of the 95 % "
        "interval over windows.",
        "",
        escaped(page.made),
        "",
    ]
    return "\n".join(lines)


def _answer(found: Recommendation) -> list[str]:
    lines = [
        f"## {formatting.spoken(escaped(found.group.task))}: {escaped(recommendation_text.headline(found))}",
        "",
        f"*{recommendation_text.SURE[found.sure]}* · {escaped(found.group.title)}",
        "",
    ]
    lines += [f"- {escaped(what)}: {escaped(value)}" for what, value in recommendation_text.facts(found)]
    lines += [f"- runner-up: {escaped(recommendation_text.runner_up(found))}"] if found.chosen else []
    lines += [
        f"- {escaped(line)}" for line in (*recommendation_text.further(found), *recommendation_text.how_sure(found))
    ]
    if found.chosen and found.chosen.command:
        lines += ["", "```", " ".join(found.chosen.command.replace("`", "'").split()), "```"]
    lines.append("")
    if len(found.front) > 1:
        rows = [
            (one.model, one.words, formatting.plus_minus(one.energy, one.half_width), formatting.digits(one.quality))
            for one in found.front
        ]
        lines += md.table(
            Table(
                "Pareto front of energy and quality",
                ("model", "settings", "energy per 1,000", found.group.first.metric),
                rows,
            )
        )
    return lines


def as_json(page: Page, constraints: Mapping[str, Any]) -> str:
    """What programs read: each answer with its runs' metrics, the groups, and every run left out with its reason."""
    return json.dumps(
        {
            "title": page.title,
            "made": page.made,
            "constraints": {key: value for key, value in constraints.items() if value is not None},
            "answers": [_json_of(answer, page.differs.get(answer.group.id, ())) for answer in page.answers],
            "left_out": [
                {"run_id": run.run_id, "name": run.name, "task": run.task, "reason": run.reason}
                for run in page.left_out
            ],
        },
        allow_nan=False,
        ensure_ascii=False,
        indent=1,
    )


def _json_of(found: Recommendation, apart: Sequence[str]) -> dict[str, Any]:
    lead = found.lead
    return {
        "task": found.group.task,
        "group": found.group.id,
        "shares": found.group.title,
        "apart_because": list(apart),
        "runs": [one.run_id for one in found.group.entries],
        "sure": found.sure,
        "by_quality": found.by_quality,
        "least_quality": found.floor,
        "chosen": _run(found.chosen),
        "runner_up": _run(found.runner_up),
        "runner_up_over_chosen": None if lead is None else _lead(lead),
        "tied": [one.run_id for one in found.tied],
        "front": [_run(one) for one in found.front],
        "nearest": [{"run": _run(one), "breaks": list(broken)} for one, broken in found.nearest],
        "in_words": [
            recommendation_text.headline(found),
            recommendation_text.runner_up(found),
            *recommendation_text.further(found),
            *recommendation_text.how_sure(found),
        ],
    }


def _lead(lead: Verdict) -> dict[str, Any]:
    verdict = {"A": "chosen costs less", "B": "runner-up costs less"}.get(lead.outcome, lead.outcome)
    return {"verdict": verdict, "note": lead.note, "ratio": lead.ratio, "least": lead.least, "most": lead.most}


def _run(one: Entry | None) -> dict[str, Any] | None:
    if one is None:
        return None
    return {
        "run_id": one.run_id,
        "model": one.model,
        "precision": one.precision,
        "batch_size": one.batch,
        "settings": one.settings,
        "command": one.command,
        "wh_per_1k": one.energy,
        "ci95_half_width_wh": short(one.half_width),
        "quality": one.quality,
        "estimated_share": one.estimated,
        "verdict": one.verdict,
        "flags": list(one.flags),
        "metrics": dict(one.metrics),
    }
