"""A recommendation in sentences, for the page, the Markdown summary and the terminal alike."""

from joulemark.analysis.caveats import EXPLAINED
from joulemark.analysis.flags import PRELIMINARY
from joulemark.core.formatting import UNKNOWN, digits, mass, percent, plus_minus, seconds, size, times, wh
from joulemark.reporting.decision import Recommendation
from joulemark.reporting.entry import Entry

SAID = ("estimated", "random_weights", "external", PRELIMINARY)  # flags that have a sentence of their own

SURE = {
    "established": "lead established",
    "tie": "tie",
    "open": "indicated, not established",
    "alone": "only choice",
    "none": "no recommendation",
}

LEAD = {
    "established": "Run",
    "tie": "Tied with others:",
    "open": "Indicated, not established:",
    "alone": "Only choice:",
}


def headline(recommendation: Recommendation) -> str:
    """The recommendation in one sentence."""
    if recommendation.chosen is None:
        decides = any(entry.ranked for entry in recommendation.group.entries)
        return "No run meets every constraint." if decides else "No recommendation: no run here decides anything."
    return f"{LEAD[recommendation.sure]} {recommendation.chosen.named}."


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
    if lead.outcome == "A" and other in recommendation.tied:
        return f"{named}: a tie among all {recommendation.eligible} choices, though a pair of them differs{quality}."
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
    ratio = f"{times(lead.ratio)} the energy, " if lead.ratio is not None else ""
    note = "another program's single result" if other.external else lead.note
    return f"{named}: {ratio}not established ({note}){quality}."


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
    said += _interval(one)
    said += _judged(recommendation)
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


def _interval(entry: Entry) -> list[str]:
    """What the ± of an entry is of."""
    if entry.half_width is None:
        return ["One window has no interval: measure again with two or more before you rely on it."]
    share = percent(entry.half_width / entry.energy)
    if entry.processes > 1:
        return [f"The 95 % interval between {entry.processes} fresh processes is ± {share}."]
    windows = f"{entry.windows} windows" if entry.windows else "its windows"
    return [f"One process: the within-run interval over {windows} is ± {share}, and says nothing of the next process."]


def _judged(recommendation: Recommendation) -> list[str]:
    """How the choices were judged together, and what it would take where they were not."""
    judged = []
    if recommendation.test is not None:
        judged.append(f"Judged by {recommendation.test}, the error of all comparisons together held at 5 %.")
    if recommendation.open and not any(entry.external for entry in recommendation.open):
        count = len(recommendation.open)
        verb = "choice is" if count == 1 else "choices are"
        judged.append(f"{count} other {verb} not established against it: three processes each are needed, repeats=3.")
    return judged


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
