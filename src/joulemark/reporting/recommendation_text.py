"""A recommendation in sentences, for the page, the Markdown summary and the terminal alike."""

from collections.abc import Sequence

from joulemark.analysis import quality
from joulemark.analysis.caveats import EXPLAINED
from joulemark.analysis.flags import PRELIMINARY
from joulemark.analysis.quality import QualityDifference
from joulemark.analysis.quantity import GROSS
from joulemark.analysis.verdict import INDICATED, TIE
from joulemark.core.formatting import UNKNOWN, digits, listed, percent, seconds, size, times, wh
from joulemark.reporting import amounts
from joulemark.reporting.entry import Entry
from joulemark.reporting.recommendation import Recommendation

TIED = 3  # settings of a tie that are named, the others are counted
STATED = ("estimated", "random_weights", "external", PRELIMINARY)  # flags that have a sentence of their own

SURE = {
    "established": "lead established",
    "tie": TIE,
    "open": INDICATED,
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
    if recommendation.sure == "tie":
        return f"Tied: {_together([recommendation.chosen, *recommendation.tied])}."
    return f"{LEAD[recommendation.sure]} {recommendation.chosen.named}."


def _together(entries: Sequence[Entry]) -> str:
    """Settings as one set, the first ones by name; what all of them have is said once."""
    shared = len({entry.configuration for entry in entries}) == 1 and entries[0].configuration
    named = [entry.model if shared else entry.named for entry in entries[:TIED]]
    more = len(entries) - TIED
    together = listed([*named, f"{more} more"] if more > 0 else named, ", " if shared else "; ")
    return f"{together} with {shared}" if shared else together


def facts(recommendation: Recommendation) -> list[tuple[str, str]]:
    """What the chosen run costs and gives, as (what, value); first what is compared, what is not known is left out."""
    chosen = recommendation.chosen
    if chosen is None:
        return []
    metrics = chosen.metrics
    energies = [
        ("energy per 1,000", amounts.energy_text(chosen)),
        ("dynamic energy per 1,000", amounts.dynamic_text(chosen)),
    ]
    known = [
        *(energies if chosen.quantity.name == GROSS else reversed(energies)),  # first the one that it is ranked by
        ("emissions per 1,000", amounts.emissions_text(chosen)),
        ("cost per 1,000", amounts.cost_text(chosen)),
        (chosen.metric, amounts.quality_text(chosen)),
        ("latency p95", seconds(metrics.get("latency/p95_s"))),
        ("GPU memory", size(metrics.get("memory/gpu_peak_bytes"))),
        ("throughput", _with(metrics.get("throughput/requests_per_s"), "requests/s")),
    ]
    return [(what, value) for what, value in known if not value.startswith(UNKNOWN)]


def runner_up(recommendation: Recommendation) -> str:
    """The next choice and how far behind it is."""
    if recommendation.chosen is None:
        return ""
    if recommendation.runner_up is None or recommendation.lead is None:
        return f"No other choice {'meets the constraints' if recommendation.refused else 'was measured'}."
    candidate, lead = recommendation.runner_up, recommendation.lead
    named = candidate.named
    right = _and_quality(recommendation, candidate)
    if lead.outcome == "A":
        return f"{named}: {lead.multiple} the {compared_energy(recommendation)}{right}."
    if lead.outcome == TIE:
        also = f", and {len(recommendation.tied) - 1} more" if len(recommendation.tied) > 1 else ""
        return f"{named}{also}: a tie ({lead.note}){right}. Take whichever suits you better."
    ratio = f"{lead.multiple} the {compared_energy(recommendation)}, " if lead.ratio is not None else ""
    note = "another program's single result" if candidate.external else lead.note
    return f"{named}: {ratio}not established ({note}){right}."


def how_sure(recommendation: Recommendation) -> list[str]:
    """The evidence of the recommendation, and what speaks against it."""
    chosen = recommendation.chosen
    if chosen is None:
        return [
            f"{entry.named}, {amounts.energy_text(entry)}: {'; '.join(broken)}."
            for entry, broken in recommendation.nearest
        ]
    sentences = []
    if recommendation.group.preliminary:
        sentences.append("These are preliminary figures, of a protocol too short to quote from.")
    if not recommendation.by_quality:
        why = "these weights are random" if chosen.random else "no run of this group has a quality"
        sentences.append(f"This is about energy alone: {why}, so nothing is known of its quality.")
    sentences += [*_judged(recommendation), *_interval(chosen)]
    if recommendation.floor_note is not None:
        sentences.append(f"Its {chosen.metric} {digits(chosen.quality)} is {recommendation.floor_note}.")
    quantity = recommendation.group.quantity
    sentences.append(f"Compared by {quantity.name} energy: {quantity.reason}.")
    if chosen.estimated is not None and chosen.estimated > 0:
        sentences.append(f"{percent(chosen.estimated)} of this energy was estimated, not measured by a sensor.")
    doubts = [EXPLAINED.get(flag, flag) for flag in chosen.flags if flag not in STATED]
    sentences += [f"{text[0].upper()}{text[1:]}." for text in doubts]
    if recommendation.again:
        all_wh = [chosen.compared.mean, *(entry.compared.mean for entry in recommendation.again)]
        sentences.append(f"Measured {len(all_wh)} times: from {wh(min(all_wh))} to {wh(max(all_wh))}.")
    if chosen.external:
        sentences.append("Another program measured it, within its own boundary: rank it only against runs of the same.")
    return sentences


def _interval(entry: Entry) -> list[str]:
    """What the ± of an entry is of."""
    energy = entry.compared
    if energy.half_width is None:
        return ["One window has no interval: measure again with two or more before you rely on it."]
    share = percent(energy.half_width / energy.mean)
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
    """What else the group holds: the energy of a higher quality, and what the usual settings would cost."""
    chosen, sentences = recommendation.chosen, []
    if chosen is None:
        return []
    energy, least = compared_energy(recommendation), chosen.compared.mean
    if recommendation.refused is not None:
        candidate, broken = recommendation.refused
        dearer = candidate.compared.mean > least
        sentences.append(
            f"Not taken: {candidate.named} ({wh(candidate.compared.mean)}{', costlier' if dearer else ''}): "
            f"{'; '.join(broken)}."
        )
    if recommendation.next_model is not None:
        candidate = recommendation.next_model
        sentences.append(
            f"The next model: {candidate.named} at {times(candidate.compared.mean / least)} the {energy}"
            f"{_and_quality(recommendation, candidate)}."
        )
    if recommendation.better is not None and chosen.quality is not None:
        more = recommendation.better
        sentences.append(
            f"Higher quality: {more.named} has {more.metric} {digits(more.quality)}{pair_text(recommendation, more)} "
            f"for {times(more.compared.mean / least)} the {energy}."
        )
    if recommendation.usual is not None:
        sentences.append(
            f"Settings matter: the same model at batch 1 in fp32 costs "
            f"{times(recommendation.usual.compared.mean / least)} as much."
        )
    return sentences


def compared_energy(recommendation: Recommendation) -> str:
    """The energy by which its runs are compared, as a ratio names it."""
    return "energy" if recommendation.group.quantity.name == GROSS else f"{recommendation.group.quantity.name} energy"


def _and_quality(recommendation: Recommendation, entry: Entry) -> str:
    if entry.quality is None:
        return ""
    return f", {entry.metric} {digits(entry.quality)}{pair_text(recommendation, entry)}"


def pair_text(recommendation: Recommendation, entry: Entry) -> str:
    """Whether an entry's quality differs from the chosen one's on the same inputs; empty where that is unknown."""
    result = recommendation.quality.get(entry.run_id)
    return "" if result is None else f" ({in_words(result, 'established to be higher', 'established to be lower')})"


def in_words(result: QualityDifference, b_higher: str, a_higher: str) -> str:
    """Whether two runs answer the same inputs equally well, as half a sentence."""
    if result.outcome == quality.TIE:
        return result.note
    return f"{b_higher if result.outcome == quality.B_HIGHER else a_higher} on {result.n} inputs as pairs"


def _with(value: float | None, unit: str) -> str:
    return UNKNOWN if value is None else f"{digits(value)} {unit}".strip()
