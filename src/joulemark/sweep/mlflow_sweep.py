"""The run in MLflow that represents a sweep: one for each study, written anew by every session of it.

Its trials stay flat runs with the same `sweep_id`; this one holds what they came to: the table, the front, the cost of
the sweep, the figures, and a saved view that opens on all of them.
"""

import json
from collections.abc import Mapping
from typing import Any

from joulemark.analysis import verdict
from joulemark.core.answer import Answer
from joulemark.reporting import table
from joulemark.store import views
from joulemark.sweep import sweep_answer, sweep_page
from joulemark.sweep.busy import Report
from joulemark.sweep.cost import SweepCost
from joulemark.sweep.figures import page
from joulemark.sweep.front_table import SETTING
from joulemark.sweep.identity import product
from joulemark.sweep.objectives import SHORT
from joulemark.sweep.plan import SweepRequest
from joulemark.sweep.result import SweepResult

FRONT, PAGE, ALL = "front.json", "sweep.html", "sweep.json"


def save(result: SweepResult, answer: Answer, began_s: float, report: Report) -> dict[str, str | None]:
    """Writes the run and its view; returns `run_id`, and `url` of the view. Each is None where it was not written.

    `began_s` is since the epoch; `report` gets a sentence about what was not written.
    """
    request = result.request
    if request.tracking_uri is None:
        return {"run_id": None, "url": None}
    from joulemark.store import sweeps  # MLflow is imported when nothing is measured any more

    last_line = result.last_line
    text = table.marked(result.columns, result.rows, sweep_answer.rest(result.sentences, answer), (SETTING,), answer)
    try:
        sweep = sweeps.SweepRun(
            tags={key: str(value) for key, value in _tags(request, last_line).items() if value is not None},
            table=text,
            metrics=metrics(last_line, result.cost),
            files={
                FRONT: front_table(last_line),
                ALL: json.dumps(last_line, indent=1, allow_nan=False),
                **_page(result, report),
            },
            tables=(FRONT,),
            again=True,
        )
        run_id = sweeps.save_sweep(request.tracking_uri, request.task, result.status, began_s, sweep)
    except Exception as error:  # the boundary of a sweep: its runs are recorded, its recommendation is on the screen
        report(f"the recommendation is not recorded: {error}")
        return {"run_id": None, "url": None}
    return {"run_id": run_id, "url": _view(request, report)}


def _view(request: SweepRequest, report: Report) -> str | None:
    """The link of the sweep's view; None where MLflow does not keep it."""
    assert request.tracking_uri is not None
    settings = tuple(dict.fromkeys((*views.SETTINGS, *(dimension.key for dimension in request.plan.space.dimensions))))
    quoted = request.run is None or not request.run.procedure.preliminary
    try:
        key = views.save(request.tracking_uri, request.task, views.of_sweep(request.name, settings, quoted))
        return views.link(request.tracking_uri, key)
    except Exception as error:  # undocumented by MLflow, so a convenience that may be missing
        report(f"no saved view: {error}")
        return None


def _page(result: SweepResult, report: Report) -> dict[str, str]:
    """The page of the sweep; nothing where it cannot be drawn: the table must not be lost."""
    try:
        return {PAGE: page.page(sweep_page.of(result))}
    except Exception as error:
        report(f"the figures are not drawn ({type(error).__name__}: {error})")
        return {}


def metrics(last_line: Mapping[str, Any], cost: SweepCost) -> dict[str, float | None]:
    """The sweep in numbers. `sweep/energy_ratio` is the reference's energy over the recommended setting's.

    It is of fresh processes, and None unless they establish it; `sweep/energy_ratio_indicated` is of one process each,
    and None where their within-run intervals touch. Saving and payback are the ends of their intervals, of the fresh
    processes where there are some.
    """
    confirmation = last_line.get("confirmation") or {}
    found, saving = confirmation.get("reference_over_recommended") or {}, confirmation.get("saving_wh_per_1k")
    low, high = (saving["low"], saving["high"]) if saving else cost.saving
    soonest, latest = confirmation.get("paid_back_after") or cost.paid_back_after
    return {
        "sweep/wh": cost.wh,
        "sweep/trials": float(cost.trials),
        "sweep/trials_unknown": float(cost.unknown),
        "sweep/front_points": float(len(last_line["front"])),
        "sweep/energy_ratio": found.get("ratio") if found.get("outcome") in (verdict.A, verdict.B) else None,
        "sweep/energy_ratio_indicated": cost.verdict.ratio if cost.verdict.indicated else None,
        "sweep/saving_low_wh_per_1k": low,
        "sweep/saving_high_wh_per_1k": high,
        "sweep/paid_back_after_soonest": soonest,
        "sweep/paid_back_after_latest": latest,
    }


def _tags(request: SweepRequest, last_line: Mapping[str, Any]) -> dict[str, str | None]:
    run, best = request.run, last_line["recommended"]
    return {
        "sweep_id": request.name,
        "task": request.task,
        "model": run.label if run else None,
        "device": product(run) if run else None,
        "sweep.recommended": " ".join(best["overrides"]) if best else None,
        "sweep.command": best["command"] if best else None,
        "sweep.ended": last_line.get("ended"),
    }


def front_table(last_line: Mapping[str, Any]) -> str:
    """The reference, the front, the recommended and the nearest results as MLflow shows a table."""
    rows: dict[tuple[str, ...], tuple[Mapping[str, Any], list[str]]] = {}
    best = [last_line["recommended"]] if last_line["recommended"] else []
    for note, entries in (
        ("reference", [last_line["reference"]]),
        ("front", last_line["front"]),
        ("recommended", best),
        ("violates a constraint", last_line["nearest"]),
    ):
        for entry in entries:
            rows.setdefault(tuple(entry["overrides"]), (entry, []))[1].append(note)
    heads = ["setting", "note", "Wh per 1,000", "±, within-run", "p95 s", "quality", "run_id", "command"]
    names = (SHORT["energy"], "energy/ci95_rel", SHORT["p95"], SHORT["quality"])
    data = [
        [
            " ".join(overrides),
            ", ".join(notes),
            *(entry["metrics"].get(name) for name in names),
            entry["run_id"],
            entry["command"],
        ]
        for overrides, (entry, notes) in rows.items()
    ]
    return json.dumps({"columns": heads, "data": data}, allow_nan=False, ensure_ascii=False)
