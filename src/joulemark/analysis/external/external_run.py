"""What of a external result goes into a run: metrics by our names, tags, params and a note; pure."""

from collections.abc import Sequence
from math import sqrt

from joulemark.analysis.external.result import J_PER_KWH, J_PER_WH, ExternalResult
from joulemark.core.formatting import rounded, wh_rounded
from joulemark.core.markdown import literal
from joulemark.core.measurement import COMPONENTS

PER = 1000  # inferences
FLAG = "external"
DIGEST = "external.digest"
LONGEST = 5000  # characters of a cell of somebody else's file; MLflow takes 6,000 of a param
ESTIMATED = ("estimated", "constant")
WITHOUT_TASK = "external"  # the experiment of results whose task nobody said


def experiment(one: ExternalResult) -> str:
    """The experiment of the result: its task's."""
    return one.task or WITHOUT_TASK


def metrics(one: ExternalResult) -> dict[str, float]:
    """The figures that exist, per 1,000 inferences unless the name says otherwise; what is unknown has no entry."""
    count = one.per_inference
    per_1k = PER / count if count else None
    found = {
        "energy/total_wh_per_1k": _times(one.total_j, per_1k, 1 / J_PER_WH),
        **{f"energy/{c}_wh_per_1k": _times(one.component_j(c), per_1k, 1 / J_PER_WH) for c in COMPONENTS},
        "energy/ci95_rel": interval(one),
        "energy/estimated_share": estimated_share(one),
        "energy/load_wh": _times(one.load_j, 1 / J_PER_WH),
        "energy/run_wh": _times(one.total_j, 1 / J_PER_WH) if per_1k is None else None,
        "emissions/g_per_1k": _times(one.emissions_g, per_1k),
        "latency/mean_s": _times(one.duration_s, 1 / count) if count and not one.latency_s else None,
        **{f"latency/{name}_s": value for name, value in one.latency_s.items()},
        "throughput/requests_per_s": count / one.duration_s if count and one.duration_s else None,
        "quality/primary": one.quality,
        f"quality/{one.metric}": one.quality if one.metric else None,
        "power/gpu_mean_w": one.gpu_j / one.duration_s if one.gpu_j and one.duration_s else None,
    }
    return {name: value for name, value in found.items() if value is not None}


def _times(value: float | None, *factors: float | None) -> float | None:
    for factor in factors:
        value = None if value is None or factor is None else value * factor
    return value


def interval(one: ExternalResult) -> float | None:
    """Half of Student's 95 % interval over the mean, from the published deviation; None where there is none."""
    if not one.sd_j or not one.total_j or not one.repeats or one.repeats < 2:
        return None
    from scipy.special import stdtrit

    return float(stdtrit(one.repeats - 1, 0.975)) * one.sd_j / sqrt(one.repeats) / one.total_j


def estimated_share(one: ExternalResult) -> float | None:
    """The share of the energy that no sensor read; None where the source does not say how a component was known."""
    parts = {c: joules for c in COMPONENTS if (joules := one.component_j(c)) is not None}
    ways = {one.methods.get(c, "unknown") for c in parts}
    if one.total_j is None or not parts or "unknown" in ways:
        return None
    return sum(joules for c, joules in parts.items() if one.methods[c] in ESTIMATED) / sum(parts.values())


def tags(one: ExternalResult) -> dict[str, str]:
    """What a list of runs is filtered by; `external` is on each of them, `record.id` on none."""
    found = {
        "external": "true",
        "flags": FLAG,
        "format": one.format,
        "source": one.source,
        "boundary": one.boundary,
        DIGEST: one.digest,
        "external.kind": one.facts.get("kind"),
        "model": one.model,
        "task": one.task,
        "dataset": one.dataset,
        "hardware": one.hardware,
        "metric": one.metric,
        **{f"method.{c}": how for c, how in one.methods.items() if one.component_j(c) is not None},
        "mlflow.source.name": "joulemark ingest",
        "mlflow.source.type": "LOCAL",
        "mlflow.note.content": note(one),
    }
    return {key: value[:LONGEST] for key, value in found.items() if value}


def params(one: ExternalResult) -> dict[str, str]:
    """The words of the source beside its figures."""
    found = {
        "model.checkpoint": one.model,
        "model.parameters": one.parameters,
        "inferences": one.inferences,
        "repeats": one.repeats,
        "factor_g_per_kwh": None if one.factor_g_per_kwh is None else f"{one.factor_g_per_kwh:.6g}",
        **{key: value for key, value in one.facts.items() if key != "kind"},
    }
    return {key: str(value)[:LONGEST] for key, value in found.items() if value is not None}


def note(one: ExternalResult) -> str:
    """The description that a person can read alone; what comes from outside stands as words, never as markup."""
    lines = [f"**{literal(one.title)}** · {one.format} · measured elsewhere, not by Joulemark", "",
             f"Counted: {literal(one.boundary)}.", ""]  # fmt: skip
    for component in (*COMPONENTS, "total"):
        joules = one.total_j if component == "total" else one.component_j(component)
        if joules is not None:
            how = one.methods.get(component)
            lines.append(f"- {component}: {wh_rounded(joules / J_PER_WH)}{f' ({how})' if how else ''}")
    if one.inferences:
        what = "inferences and loading the model" if one.with_loading else "inferences"
        lines.append(f"- of {one.inferences:,} {what}{f', mean of {one.repeats} runs' if one.repeats else ''}")
    if one.emissions_g is not None and one.factor_g_per_kwh is not None:
        lines.append(f"- {rounded(one.emissions_g, 3)} g CO2e at {rounded(one.factor_g_per_kwh, 5)} g/kWh")
    if one.quality is not None:
        lines.append(f"- {one.metric or 'quality'} {rounded(one.quality, 4)}, as published: of other calls")
    lines += ["", "It never compares with runs measured here: another boundary, other cards, other inputs."]
    return "\n".join(lines)


def kwh(joules: float) -> float:
    """Joules as the study prints them."""
    return joules / J_PER_KWH


def fresh(results: Sequence[ExternalResult], known: set[str]) -> list[ExternalResult]:
    """The results that the store does not hold, each once."""
    seen = set(known)
    return [one for one in results if one.digest not in seen and not seen.add(one.digest)]  # type: ignore[func-returns-value]
