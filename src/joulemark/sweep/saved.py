"""The end of a sweep that saves what it recommends: `sweep.save_as=NAME`, or how to request it."""

import datetime

from joulemark.config import saved_settings
from joulemark.core.paths import program
from joulemark.hardware import host
from joulemark.sweep.figures.style import digits
from joulemark.sweep.identity import product
from joulemark.sweep.objectives import SHORT
from joulemark.sweep.plan import SweepRequest
from joulemark.sweep.space import merged
from joulemark.sweep.trial_state import TrialResult


def sentences(request: SweepRequest, recommended: TrialResult | None) -> list[str]:
    """Writes the saved setting that was requested; returns what was done, or how it is done."""
    if request.run is None:
        return []
    if recommended is None:
        return ["nothing is recommended, so nothing is saved"] if request.save_as else []
    if request.save_as is None:
        return ["keep it: the same line with sweep.save_as=NAME, then tuned=NAME in place of these options"]
    overrides = [
        override for override in merged(request.plan.full, recommended.point) if saved_settings.settings([override])
    ]
    content = saved_settings.text(_origin(request), overrides, _figures(recommended))
    return [saved_settings.write(request.save_as, content), f"run it: {_command(request)}"]


def _origin(request: SweepRequest) -> saved_settings.SavedSetting:
    assert request.run is not None
    assert request.save_as is not None
    return saved_settings.SavedSetting(
        name=request.save_as.stem,
        model=request.run.label,
        task=request.run.task.name,
        card=product(request.run),
        date=datetime.date.today().isoformat(),
        sweep_id=request.name,
        versions={name: host.version(name) for name in ("torch", "transformers", "diffusers", "torchao")},
    )


def _command(request: SweepRequest) -> str:
    assert request.run is not None
    assert request.save_as is not None
    run, size = request.run, request.run.chosen.get("model.size")
    sized = f" model.size={size}" if size else ""
    return f"{program('run')} model={run.names['model']}{sized} task={run.task.name} tuned={request.save_as.stem}"


def _figures(result: TrialResult) -> str:
    spread, metrics = result.metrics.get("energy/ci95_rel"), result.metrics
    interval = "no interval" if spread is None else f"± {spread:.1%}"
    energy = f"{digits(metrics.get(SHORT['energy']))} Wh per 1,000 ({interval})"
    estimated = metrics.get("energy/estimated_share")
    share = f", {estimated:.0%} of it estimated" if estimated else ""
    quality = digits(metrics.get(SHORT["quality"]))
    return f"{energy}{share}, p95 {digits(metrics.get(SHORT['p95']))} s, quality {quality}"
