"""A recommendation in sentences, for the page, the Markdown summary and the terminal alike."""

from joulemark.analysis.caveats import EXPLAINED
from joulemark.analysis.flags import PRELIMINARY
from joulemark.core.formatting import UNKNOWN, digits, mass, percent, plus_minus, seconds, size, times, wh
from joulemark.reporting.decision import Recommendation
from joulemark.reporting.entry import Entry

SAID = ("estimated", "random_weights", "external", PRELIMINARY)  # flags that have a sentence of their own

SURE = {
    "clear": "clear lead",
    "tie": "tie",
    "unknown": "indistinguishable",
    "alone": "only choice",
    "none": "no run meets the constraints",
}


def headline(recommendation: Recommendation) -> str:
    """The recommendation in one sentence."""
    if recommendation.chosen is None:
        return "No run meets every constraint."
    return f"Run {recommendation.chosen.named}."


def facts(recommendation: Recommendation) -> list[tuple[str, str]]:
    """What the chosen run costs and gives, as (what, value)."""
    one = recommendation.chosen
    if one is None:
        return []
    metrics = one.metrics
    known = [
        ("energy per 1,000", plus_minus(one.energy, one.half_width)),
        (one.metric, _quality(one)),
        ("latency p95", seconds(metrics.get("latency/p95_s"))),
        ("GPU memory", size(metrics.get("memory/gpu_peak_bytes"))),
        ("throughput", _with(metrics.get("throughput/requests_per_s"), "requests/s")),
        ("cost per 1,000", _with(metrics.get("cost/per_1k"), one.currency or "")),
        ("emissions per 1,000", _with_co2(metrics.get("emissions/g_per_1k"))),
    ]
    return [(what, value) for what, value in known if not value.startswith(UNKNOWN)]


def runner_up(recommendation: Recommendation) -> str:
    """The next choice and how far behind it is."""
    if recommendation.chosen is None:
        return ""
    if recommendation.runner_up is None or recommendation.lead is None:
        return f"No other choice {'meets the constraints' if recommendation.refused else 'was measured'}."
    other, lead = recommendation.runner_up, recommendation.lead
    named = f"{other.named}"
    quality = _and_quality(other)
    if lead.outcome == "A":
        edges = (
            f" ({times(lead.least)} to {times(lead.most)})"
            if lead.most is not None
            else f" (at least {times(lead.least)})"
        )
        return f"{named}: {times(lead.ratio)}{edges} the energy{quality}."
    if lead.outcome == "tie":
        also = f", and {len(recommendation.tied) - 1} more" if len(recommendation.tied) > 1 else ""
        return f"{named}{also}: a tie ({lead.note}){quality}. Take whichever suits you better."
    return f"{named}: indistinguishable ({lead.note}){quality}."


def how_sure(recommendation: Recommendation) -> list[str]:
    """The evidence of the recommendation, and what speaks against it."""
    one = recommendation.chosen
    if one is None:
        return [f"{other.named} violates: {'; '.join(broken)}." for other, broken in recommendation.nearest]
    said = []
    if recommendation.group.preliminary:
        said.append("These are preliminary figures, of a protocol too short to quote from.")
    if not recommendation.by_quality:
        why = "these weights are random" if one.random else "no run of this group has a quality"
        said.append(f"This is about energy alone: {why}, so nothing is known of its quality.")
    windows = f"{one.windows} windows" if one.windows else "its windows"
    if one.half_width is None:
        said.append("One window has no interval: measure again with two or more before you rely on it.")
    else:
        said.append(f"The 95 % interval over {windows} is ± {percent(one.half_width / one.energy)}.")
    if one.estimated is not None and one.estimated > 0:
        said.append(f"{percent(one.estimated)} of this energy was estimated, not measured by a sensor.")
    doubts = [EXPLAINED.get(flag, flag) for flag in one.flags if flag not in SAID]
    said += [f"{text[0].upper()}{text[1:]}." for text in doubts]
    if recommendation.again:
        all_wh = [one.energy, *(other.energy for other in recommendation.again)]
        said.append(f"Measured {len(all_wh)} times: from {wh(min(all_wh))} to {wh(max(all_wh))}.")
    if one.external:
        said.append("Another program measured it, within its own boundary: rank it only against runs of the same.")
    return said


def further(recommendation: Recommendation) -> list[str]:
    """What else the group holds: the price of a better answer, and what the usual settings would cost."""
    one, said = recommendation.chosen, []
    if one is None:
        return []
    if recommendation.refused is not None:
        other, broken = recommendation.refused
        dearer = other.energy > one.energy
        said.append(
            f"Not taken: {other.named} ({wh(other.energy)}{', costlier' if dearer else ''}): {'; '.join(broken)}."
        )
    if recommendation.next_model is not None:
        other = recommendation.next_model
        said.append(
            f"The next model: {other.named} at {times(other.energy / one.energy)} the energy{_and_quality(other)}."
        )
    if recommendation.better is not None and one.quality is not None:
        more = recommendation.better
        said.append(
            f"Higher quality: {more.named} has {more.metric} {digits(more.quality)} "
            f"for {times(more.energy / one.energy)} the energy."
        )
    if recommendation.usual is not None:
        said.append(
            f"Settings matter: the same model at batch 1 in fp32 costs "
            f"{times(recommendation.usual.energy / one.energy)} as much."
        )
    return said


def _and_quality(entry: Entry) -> str:
    return "" if entry.quality is None else f", {entry.metric} {digits(entry.quality)}"


def _quality(entry: Entry) -> str:
    return "random weights: none" if entry.random else digits(entry.quality)


def _with_co2(grams: float | None) -> str:
    return UNKNOWN if grams is None else f"{mass(grams)} CO2e"


def _with(value: float | None, unit: str) -> str:
    return UNKNOWN if value is None else f"{digits(value)} {unit}".strip()
