"""The run in MLflow that stands for a sweep: one for each study, written anew by every session of it.

Its trials stay flat runs with the same `sweep_id`; this one holds what they came to: the table, the front, the bill,
the figures, and a saved view that opens on all of them.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from joulemark.config.run import Run
from joulemark.report import table
from joulemark.store import views
from joulemark.sweep import recommendation
from joulemark.sweep.cost import Bill
from joulemark.sweep.figures import page
from joulemark.sweep.figures.style import Shown
from joulemark.sweep.objectives import SHORT, Goals
from joulemark.sweep.plan import Asked
from joulemark.sweep.recommendation import Answer
from joulemark.sweep.trial_state import Told

FRONT, PAGE, ALL = "front.json", "sweep.html", "sweep.json"


def saved(
    asked: Asked, status: str, began_s: float, text: str, said: Mapping[str, Any], shown: Shown, cost: Bill
) -> dict[str, str | None]:
    """Writes it and the view; returns `run_id`, and `url` of the view. Each is None where it could not be written.

    `text` is the table in Markdown, `said` the last line of standard output.
    """
    if asked.tracking_uri is None:
        return {"run_id": None, "url": None}
    from joulemark.store import sweeps  # MLflow enters when nothing is measured any more

    try:
        sweep = sweeps.SweepRun(
            tags={key: str(value) for key, value in _tags(asked, said).items() if value is not None},
            table=text,
            metrics=metrics(said, cost),
            files={FRONT: front_table(said), ALL: json.dumps(said, indent=1, allow_nan=False), **_page(shown)},
            tables=(FRONT,),
            again=True,
        )
        run_id = sweeps.save_sweep(asked.tracking_uri, asked.task, status, began_s, sweep)
    except Exception as error:  # the boundary of a sweep: its runs are recorded, its answer is on the screen
        print(f"the answer is not recorded: {error}", file=sys.stderr)
        return {"run_id": None, "url": None}
    return {"run_id": run_id, "url": _view(asked, shown)}


def _view(asked: Asked, shown: Shown) -> str | None:
    """The link of the sweep's view; None where MLflow would not keep it."""
    assert asked.tracking_uri is not None
    settings = tuple(dict.fromkeys((*views.SETTINGS, *(one.key for one in shown.dimensions))))
    try:
        return views.link(
            asked.tracking_uri, views.save(asked.tracking_uri, asked.task, views.of_sweep(asked.name, settings))
        )
    except Exception as error:  # undocumented, so a convenience that may be missing
        print(f"no saved view: {error}", file=sys.stderr)
        return None


def _page(shown: Shown) -> dict[str, str]:
    """The page of figures; nothing, and a line that says so, where it cannot be drawn: the table must not be lost."""
    try:
        return {PAGE: page.page(shown)}
    except Exception as error:
        print(f"the figures are not drawn ({type(error).__name__}: {error})", file=sys.stderr)
        return {}


def shown(asked: Asked, told: Sequence[Told], goals: Goals, reference: Told, recommended: Told | None) -> Shown:
    """What the figures draw of a sweep."""
    run = asked.run
    about = [run.label, run.task.name, device(run)] if run else []
    return Shown(
        title=" · ".join([*about, f"sweep {asked.name}"]),
        told=told,
        reference=reference,
        recommended=recommended,
        goals=goals,
        dimensions=asked.plan.space.dimensions,
        quality=run.task.metric if run else "quality",
    )


def device(run: Run) -> str:
    """The card's or the processor's name."""

    from joulemark.hardware import host

    return run.hardware.device_name(host.cpu_name())


def metrics(said: Mapping[str, Any], cost: Bill) -> dict[str, float | None]:
    """The sweep in numbers. `sweep/energy_ratio` is the reference's energy over the recommended setting's: None where
    the intervals of both leave no room for one."""
    before, after = (
        None if said[name] is None else said[name]["metrics"].get(SHORT["energy"])
        for name in ("reference", "recommended")
    )
    return {
        "sweep/wh": cost.wh,
        "sweep/trials": float(cost.trials),
        "sweep/trials_unknown": float(cost.unknown),
        "sweep/front_points": float(len(said["front"])),
        "sweep/energy_ratio": before / after if before and after and cost.sure else None,
        "sweep/saving_wh_per_1k": cost.saving_wh_per_1k,
        "sweep/paid_back_after": cost.paid_back_after,
    }


def _tags(asked: Asked, said: Mapping[str, Any]) -> dict[str, str | None]:
    run, best = asked.run, said["recommended"]
    return {
        "sweep_id": asked.name,
        "task": asked.task,
        "model": run.label if run else None,
        "device": device(run) if run else None,
        "sweep.recommended": " ".join(best["words"]) if best else None,
        "sweep.command": best["command"] if best else None,
        "sweep.ended": said.get("ended"),
    }


def front_table(said: Mapping[str, Any]) -> str:
    """The reference, the front, the recommended and the nearest results as MLflow shows a table."""
    rows: dict[tuple[str, ...], tuple[Mapping[str, Any], list[str]]] = {}
    best = [said["recommended"]] if said["recommended"] else []
    for note, ones in (
        ("reference", [said["reference"]]),
        ("front", said["front"]),
        ("recommended", best),
        ("breaks a limit", said["nearest"]),
    ):
        for one in ones:
            rows.setdefault(tuple(one["words"]), (one, []))[1].append(note)
    heads = ["setting", "note", "Wh per 1,000", "± 95 %", "p95 s", "quality", "run_id", "command"]
    names = (SHORT["energy"], "energy/ci95_rel", SHORT["p95"], SHORT["quality"])
    data = [
        [
            " ".join(words),
            ", ".join(notes),
            *(one["metrics"].get(name) for name in names),
            one["run_id"],
            one["command"],
        ]
        for words, (one, notes) in rows.items()
    ]
    return json.dumps({"columns": heads, "data": data}, allow_nan=False, ensure_ascii=False)


def text(found: Answer, reference: Told, goals: Goals, lines: Sequence[str]) -> str:
    """The table and the lines below it as Markdown."""
    heads, rows = recommendation.columns(goals), recommendation.rows(found, reference, goals)
    return table.marked(heads, rows, lines, (recommendation.SETTING,))
