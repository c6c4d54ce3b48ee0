"""What of an external result goes into a run: metrics by our names, tags, params and a note; pure."""

from collections.abc import Sequence
from math import sqrt

from joulemark.analysis.energy_metrics import ESTIMATED
from joulemark.analysis.external.result import ExternalResult
from joulemark.core.formatting import rounded, wh_rounded
from joulemark.core.markdown import literal
from joulemark.core.measurement import COMPONENTS
from joulemark.core.stats import product_of_all
from joulemark.core.units import J_PER_KWH, J_PER_WH, PER

FLAG = "external"
DIGEST = "external.digest"
LONGEST = 5000  # characters of a cell of somebody else's file; MLflow takes 6,000 of a param
WITHOUT_TASK = "external"  # the experiment of results whose task is unknown


def experiment(result: ExternalResult) -> str:
    """The experiment of the result: its task's."""
    return result.task or WITHOUT_TASK


def metrics(result: ExternalResult) -> dict[str, float]:
    """The figures that exist, per 1,000 inferences unless the name says otherwise; what is unknown has no entry."""
    count = result.per_inference
    per_1k = PER / count if count else None
    values = {
        "energy/total_wh_per_1k": product_of_all(result.total_j, per_1k, 1 / J_PER_WH),
        **{f"energy/{c}_wh_per_1k": product_of_all(result.component_j(c), per_1k, 1 / J_PER_WH) for c in COMPONENTS},
        "energy/ci95_rel": interval(result),
        "energy/estimated_share": estimated_share(result),
        "energy/load_wh": product_of_all(result.load_j, 1 / J_PER_WH),
        "energy/run_wh": product_of_all(result.total_j, 1 / J_PER_WH) if per_1k is None else None,
        "emissions/g_per_1k": product_of_all(result.emissions_g, per_1k),
        "latency/mean_s": product_of_all(result.duration_s, 1 / count) if count and not result.latency_s else None,
        **{f"latency/{name}_s": value for name, value in result.latency_s.items()},
        "throughput/requests_per_s": count / result.duration_s if count and result.duration_s else None,
        **{f"throughput/{name}": value for name, value in result.rates.items()},
        "quality/primary": result.quality,
        f"quality/{result.metric}": result.quality if result.metric else None,
        "power/gpu_mean_w": gpu_w(result),
    }
    return {name: value for name, value in values.items() if value is not None}


def gpu_w(result: ExternalResult) -> float | None:
    """The GPUs' mean power: as stated, else their energy over the duration."""
    if result.gpu_w is not None:
        return result.gpu_w
    return result.gpu_j / result.duration_s if result.gpu_j and result.duration_s else None


def interval(result: ExternalResult) -> float | None:
    """Half of Student's 95 % interval over the mean, from the published deviation; None where there is none."""
    if not result.sd_j or not result.total_j or not result.repeats or result.repeats < 2:
        return None
    from scipy.special import stdtrit

    return float(stdtrit(result.repeats - 1, 0.975)) * result.sd_j / sqrt(result.repeats) / result.total_j


def estimated_share(result: ExternalResult) -> float | None:
    """The share of the energy that no sensor measured; None where the source does not say how a component was known."""
    parts = {c: joules for c in COMPONENTS if (joules := result.component_j(c)) is not None}
    ways = {result.methods.get(c, "unknown") for c in parts}
    if result.total_j is None or not parts or "unknown" in ways:
        return None
    return sum(joules for c, joules in parts.items() if result.methods[c] in ESTIMATED) / sum(parts.values())


def tags(result: ExternalResult) -> dict[str, str]:
    """What a list of runs is filtered by; `external` is on each of them, `record.id` on none."""
    values = {
        "external": "true",
        "flags": FLAG,
        "format": result.format,
        "source": result.source,
        "boundary": result.boundary,
        DIGEST: result.digest,
        "external.kind": result.facts.get("kind"),
        "model": result.model,
        "task": result.task,
        "dataset": result.dataset,
        "hardware": result.hardware,
        "metric": result.metric,
        "scenario.users": None if result.users is None else str(result.users),
        "scenario.rate": None if result.rate_per_s is None else f"{result.rate_per_s:g}",
        **{f"method.{c}": how for c, how in result.methods.items() if result.component_j(c) is not None},
        "mlflow.source.name": "joulemark ingest",
        "mlflow.source.type": "LOCAL",
        "mlflow.note.content": note(result),
    }
    return {key: value[:LONGEST] for key, value in values.items() if value}


def params(result: ExternalResult) -> dict[str, str]:
    """What the source states besides its figures."""
    values = {
        "model.checkpoint": result.model,
        "model.parameters": result.parameters,
        "inferences": result.inferences,
        "repeats": result.repeats,
        "factor_g_per_kwh": None if result.factor_g_per_kwh is None else f"{result.factor_g_per_kwh:.6g}",
        **{key: value for key, value in result.facts.items() if key != "kind"},
    }
    return {key: str(value)[:LONGEST] for key, value in values.items() if value is not None}


def note(result: ExternalResult) -> str:
    """The description that a person can read alone; what comes from outside stands as plain text, never as markup."""
    lines = [f"**{literal(result.title)}** · {result.format} · measured elsewhere, not by Joulemark", "",
             f"Counted: {literal(result.boundary)}.", ""]  # fmt: skip
    for component in (*COMPONENTS, "total"):
        joules = result.total_j if component == "total" else result.component_j(component)
        if joules is not None:
            how = result.methods.get(component)
            lines.append(f"- {component}: {wh_rounded(joules / J_PER_WH)}{f' ({how})' if how else ''}")
    if result.inferences:
        what = "inference" if result.inferences == 1 else "inferences"
        what += " and loading the model" if result.with_loading else ""
        lines.append(f"- of {result.inferences:,} {what}{f', mean of {result.repeats} runs' if result.repeats else ''}")
    if result.emissions_g is not None and result.factor_g_per_kwh is not None:
        lines.append(f"- {rounded(result.emissions_g, 3)} g CO2e at {rounded(result.factor_g_per_kwh, 5)} g/kWh")
    if result.quality is not None:
        lines.append(f"- {result.metric or 'quality'} {rounded(result.quality, 4)}, as published: of other calls")
    lines += ["", "It never compares with runs measured here: another boundary, other cards, other inputs."]
    return "\n".join(lines)


def kwh(joules: float) -> float:
    """Joules as the study prints them."""
    return joules / J_PER_KWH


def fresh(results: Sequence[ExternalResult], known: set[str]) -> list[ExternalResult]:
    """The results that the store does not hold, each once."""
    seen = set(known)
    return [result for result in results if result.digest not in seen and not seen.add(result.digest)]  # type: ignore[func-returns-value]
