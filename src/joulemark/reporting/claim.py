"""What a recommendation claims, in the sentence below its headline: the badge in full."""

from collections import Counter

from joulemark.analysis.flags import PRELIMINARY
from joulemark.analysis.verdict import INDICATED
from joulemark.core.formatting import listed, many, spoken
from joulemark.reporting.recommendation import Recommendation
from joulemark.reporting.recommendation_text import SURE, compared_energy


def because(recommendation: Recommendation) -> str:
    """What the recommendation claims, among what, under which constraints, and how sure it is."""
    asked = f" with {'; '.join(recommendation.asked)}" if recommendation.asked else ""
    if recommendation.chosen is None:
        return _undecided(recommendation) or f"None of {len(recommendation.group.entries)} is a choice{asked}."
    if recommendation.sure == "alone":
        measured = "" if recommendation.refused else ": no other was measured"
        return f"The {SURE['alone']}{asked}{measured}."
    claim = f"The least {compared_energy(recommendation)} of {recommendation.choices} choices{asked}"
    if recommendation.sure == "tie":
        together = f"{len(recommendation.tied) + 1} of them are a {SURE['tie']}"
        return f"{claim}: {together}, indistinguishable by {recommendation.test}."
    if recommendation.sure == "open":
        return f"{claim}: {INDICATED}, since that takes three processes of each, repeats=3."
    others = "the other" if recommendation.choices == 2 else "each of the others"
    return f"{claim}: {SURE['established']} over {others}."


def _undecided(recommendation: Recommendation) -> str:
    """Why the runs of a group decide nothing, and what to type; empty where one decides."""
    entries = recommendation.group.entries
    if any(entry.ranked for entry in entries):
        return ""
    doubts = (PRELIMINARY if PRELIMINARY in entry.flags else entry.doubt.partition(", ")[0] for entry in entries)
    count = Counter(map(spoken, doubts))
    why = listed([f"{number} {reason}" for reason, number in count.most_common()])
    remedy = "; protocol=standard measures to quote" if recommendation.group.preliminary else ""
    return f"Of {many(len(entries), 'setting')}: {why}{remedy}."
