"""The end of a sweep that keeps what it recommends: `sweep.pin=NAME`, or how to ask for it."""

import datetime

from joulemark.config import saved_settings
from joulemark.core.paths import program
from joulemark.hardware import host
from joulemark.sweep.figures.style import digits
from joulemark.sweep.mlflow_sweep import device
from joulemark.sweep.objectives import SHORT
from joulemark.sweep.plan import Asked
from joulemark.sweep.space import laid
from joulemark.sweep.trial_state import Told


def sentences(asked: Asked, recommended: Told | None) -> list[str]:
    """Writes the pin that was asked for; says what was done, or how it is done. None recommended: nothing."""
    if asked.run is None:
        return []
    if recommended is None:
        return ["nothing is recommended, so nothing is pinned"] if asked.pin else []
    if asked.pin is None:
        return ["keep it: the same line with sweep.pin=NAME, then tuned=NAME in place of these words"]
    words = [word for word in laid(asked.plan.full, recommended.point) if saved_settings.settings([word])]
    content = saved_settings.text(_pin(asked), words, _figures(recommended))
    return [saved_settings.write(asked.pin, content), f"run it: {_line(asked)}"]


def _pin(asked: Asked) -> saved_settings.Pin:
    assert asked.run is not None
    assert asked.pin is not None
    return saved_settings.Pin(
        name=asked.pin.stem,
        model=asked.run.label,
        task=asked.run.task.name,
        card=device(asked.run),
        date=datetime.date.today().isoformat(),
        sweep_id=asked.name,
        versions={name: host.version(name) for name in ("torch", "transformers", "diffusers", "torchao")},
    )


def _line(asked: Asked) -> str:
    assert asked.run is not None
    assert asked.pin is not None
    size = asked.run.chosen.get("model.size")
    sized = f" model.size={size}" if size else ""
    return f"{program('run')} model={asked.run.names['model']}{sized} task={asked.run.task.name} tuned={asked.pin.stem}"


def _figures(one: Told) -> str:
    spread, metrics = one.metrics.get("energy/ci95_rel"), one.metrics
    interval = "no interval" if spread is None else f"± {spread:.1%}"
    energy = f"{digits(metrics.get(SHORT['energy']))} Wh per 1,000 ({interval})"
    estimated = metrics.get("energy/estimated_share")
    share = f", {estimated:.0%} of it estimated" if estimated else ""
    quality = digits(metrics.get(SHORT["quality"]))
    return f"{energy}{share}, p95 {digits(metrics.get(SHORT['p95']))} s, quality {quality}"
