"""From a run as the store lists it to its entry: what a report reads of its metrics, tags and params."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from joulemark.analysis import breakdown
from joulemark.analysis.flags import of_text
from joulemark.analysis.quantity import DYNAMIC, GROSS, QUANTITIES
from joulemark.core.model import Settings
from joulemark.core.serving import BATCH, TRANSFORMERS
from joulemark.reporting.entry import Energy, Entry
from joulemark.store.listing import StoredRun

(ENERGY, SPREAD), QUALITY = QUANTITIES[GROSS], "quality/primary"

# Settings of a run other than its precision and batch size, each with its default as MLflow stores it
PLAIN = {
    setting.name: str(setting.default)
    for setting in fields(Settings)
    if setting.name not in ("precision", "batch_size")
}

# The params that a report reads; a run has some sixty more
PARAMS = ("precision", "batch_size", "model.parameters", *PLAIN, "site.currency", "site.zone", "site.pue")


ENGINE = "|engine="  # before the engine, at the end of the key of a served run


def entry(run: StoredRun, tags: Mapping[str, str]) -> Entry:
    """The entry of a run whose energy is available; `tags` are its own, completed by its record where needed."""
    flags = of_text(tags.get("flags"))
    random = tags.get("weights") == "random" or "random_weights" in flags
    energy, served = _energy(run.metrics, GROSS), tags.get("scenario", BATCH) != BATCH
    assert energy is not None
    return Entry(
        run_id=run.run_id,
        experiment_id=run.experiment_id,
        key=_key(tags),
        prompt=tags.get("compare.prompt"),
        card=tags.get("compare.card"),
        boundary=tags.get("boundary"),
        model=tags.get("model", run.name),
        role=tags.get("role", ""),
        task=tags.get("task", ""),
        metric=tags.get("metric", "quality"),
        dataset=tags.get("dataset", ""),
        device=tags.get("device", tags.get("hardware", "unknown device")),
        protocol=tags.get("protocol", ""),
        weights=tags.get("weights", ""),
        precision=run.params.get("precision", tags.get("precision", "")),
        batch=batch_of(run.params, tags),
        settings=settings_of(run.params),
        command=tags.get("command", ""),
        verdict=tags.get("verdict", ""),
        flags=flags,
        methods={key.removeprefix("method."): how for key, how in tags.items() if key.startswith("method.")},
        parameters=_whole(tags.get("parameters", run.params.get("model.parameters"))),
        windows=_whole(tags.get("windows")),
        currency=_known(run.params.get("site.currency")),
        sweep_id=tags.get("sweep_id"),
        cell=tags.get("compare.cell", ""),
        run_ids=(run.run_id,),
        began_ms=run.began_ms,
        energy=energy.mean,
        half_width=energy.half_width,
        dynamic=_energy(run.metrics, DYNAMIC),
        quality=None if random else run.metrics.get(QUALITY),
        metrics=run.metrics if not random else _without_quality(run.metrics),
        scenario=tags.get("scenario", BATCH),
        rate=number(tags.get("scenario.rate")),
        users=_whole(tags.get("scenario.users")),
        engine=engine_of(tags),
        engine_options=tags.get("engine.options", "") if served else "",
        curve=tags.get("compare.curve", ""),
        bare_cell=tags.get("compare.setting", ""),
        parts=tags.get(breakdown.TAG, ""),
        site=_known(run.params.get("site.zone")) or "",
        pue=number(run.params.get("site.pue")) or 1.0,
    )


def _energy(metrics: Mapping[str, float], quantity: str) -> Energy | None:
    """One process's energy of a quantity; None where it is not available or not above zero."""
    mean, relative = (metrics.get(name) for name in QUANTITIES[quantity])
    if mean is None or mean <= 0:
        return None
    return Energy(mean, None if relative is None else relative * mean)


def _key(tags: Mapping[str, str]) -> str:
    """What must be equal; an external run's boundary is part of it, and stands for it where nothing else is known."""
    own = tags.get("compare.key")
    if own is None:
        own = "|".join(tags.get(name, "") for name in ("task", "dataset", "device", "hardware", "protocol", "metric"))
    engine = f"{ENGINE}{engine_of(tags)}" if tags.get("scenario", BATCH) != BATCH else ""
    return f"{tags.get('task', '')}|{own}|{tags.get('boundary', '')}{engine}"


def _without_quality(metrics: Mapping[str, float]) -> dict[str, float]:
    drop = ("quality/", "energy/j_per_correct")
    return {name: value for name, value in metrics.items() if not name.startswith(drop)}


def _known(param: str | None) -> str | None:
    """A param that may be none, which MLflow holds as text."""
    return None if param == "None" else param


def engine_of(tags: Mapping[str, str]) -> str:
    """What answered a served run; empty of fixed batches."""
    return tags.get("engine", "") if tags.get("scenario", BATCH) != BATCH else ""


def batch_of(params: Mapping[str, str], tags: Mapping[str, str]) -> int | None:
    """The batch size of a run; None where that is unknown, and of another engine, which forms its batches itself."""
    own = engine_of(tags) in ("", TRANSFORMERS)
    return _whole(params.get("batch_size", tags.get("batch_size"))) if own else None


def settings_of(params: Mapping[str, str]) -> str:
    """The settings of a run other than the defaults, as text, but for its precision and batch size."""
    return ", ".join(f"{key}={params[key]}" for key, plain in PLAIN.items() if params.get(key, plain) != plain)


def number(value: Any) -> float | None:
    """The number in a tag or param; None where there is none."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _whole(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError):
        return None
