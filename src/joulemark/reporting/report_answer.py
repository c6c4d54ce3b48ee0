"""What a report came to, in the few lines that a terminal shows: its page has the rest, in the same words."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from joulemark.core.answer import Answer
from joulemark.core.formatting import digits, spoken
from joulemark.core.paths import program
from joulemark.reporting import load_text
from joulemark.reporting import recommendation_text as text
from joulemark.reporting.amounts import compared_text
from joulemark.reporting.build import Report
from joulemark.reporting.claim import because
from joulemark.reporting.group import Group
from joulemark.reporting.load import LoadAnswer
from joulemark.reporting.recommendation import Recommendation

COSTS = ("energy per 1,000", "emissions per 1,000", "cost per 1,000")  # facts beside the quality


def of(made: Report) -> Answer:
    """The answer of a report: of one group what is recommended and what it costs, of several a line each."""
    if made.loads:
        return _of_loads(made.loads)
    some = made.recommendations
    if not some:
        more = "the page says why each was left out" if made.left_out else f"measure one: {program('run')}"
        return Answer(["There is no run to report on."], then=[more])
    answer = _of_one(some[0]) if len(some) == 1 else _of_several(some, made.constraints)
    left_out = [f"{len(made.left_out)} left out: the page says why"] if made.left_out else []
    return Answer(answer.answer, [*answer.sure, *left_out], [*_next(some), *_zone(some)])


def names(recommendations: Sequence[Recommendation]) -> dict[str, str]:
    """The task of each group by its id, with what sets the group apart where its task has several."""
    titles: dict[str, list[list[str]]] = defaultdict(list)
    for each in recommendations:
        titles[each.group.task].append(each.group.title.split(" · "))
    return {each.group.id: _name(each.group, titles[each.group.task]) for each in recommendations}


def _name(group: Group, titles: Sequence[Sequence[str]]) -> str:
    """The task, the parts of the title that not all titles of the task have, and the id where others read the same."""
    own = group.title.split(" · ")
    apart = [part for part in own if not all(part in title for title in titles)]
    alike = [group.id] if titles.count(own) > 1 else []
    return ", ".join([spoken(group.task), *apart, *alike])


def _of_one(recommendation: Recommendation) -> Answer:
    said = f"{spoken(recommendation.group.task)}: {text.headline(recommendation)}"
    sure = [because(recommendation), *text.how_sure(recommendation)]
    if recommendation.chosen is None:
        return Answer([said], sure)
    facts, costs = text.facts(recommendation), (*COSTS, recommendation.chosen.metric)
    first, rest = (
        [f"{what} {value}" for what, value in facts if (what in costs) == wanted] for wanted in (True, False)
    )
    next_choice = [] if recommendation.sure == "tie" else [f"runner-up: {text.runner_up(recommendation)}"]
    answer = [said, ", ".join(first), *next_choice, ", ".join(rest)]
    return Answer([line for line in answer if line], sure)


def _of_several(some: Sequence[Recommendation], constraints: Sequence[str]) -> Answer:
    named = names(some)
    counts = Counter(text.SURE[each.sure] for each in some)
    sure = ", ".join(f"{count} {word}" for word, count in counts.items())
    within = f"; constraints: {'; '.join(constraints)}" if constraints else ""
    return Answer([_line(each, named) for each in some], [f"of {len(some)} groups: {sure}{within}"])


def _line(recommendation: Recommendation, named: Mapping[str, str]) -> str:
    """A group in one line: what to run, what that costs, how sure it is."""
    chosen, name = recommendation.chosen, named[recommendation.group.id]
    said = text.headline(recommendation).rstrip(".")
    if chosen is None:
        return f"{name}: {said}"
    energy = compared_text(chosen)
    quality = "" if chosen.quality is None else f", {chosen.metric} {digits(chosen.quality)}"
    return f"{name}: {said}: {energy} per 1,000{quality} ({text.SURE[recommendation.sure]})"


def _next(some: Sequence[Recommendation]) -> list[str]:
    """What to type for a verdict, or else for the recommended run itself."""
    if any(each.sure == "open" for each in some):
        return ["next: the same runs with repeats=3, three fresh processes of each setting in turn"]
    chosen = [each.chosen for each in some if each.chosen is not None]
    if not chosen:
        return [f"next: {program('run')} protocol=standard repeats=3 measures what decides something"]
    return [f"run it again: {chosen[0].command}"] if len(chosen) == 1 and chosen[0].command else []


def _zone(some: Sequence[Recommendation]) -> list[str]:
    """What to type where no run says what it emits."""
    chosen = [each.chosen for each in some if each.chosen is not None]
    if not chosen or any("emissions/g_per_1k" in each.metrics for each in chosen):
        return []
    return [f"for CO2e and money: {program('report')} site.zone=FRA site.price_per_kwh=0.2 site.currency=EUR"]


def _of_loads(loads: Sequence[LoadAnswer]) -> Answer:
    lines, sure = [], []
    for each in loads:
        lines.append(f"{load_text.task(each)} at {load_text.question(each)}: {load_text.headline(each)}")
        if facts := load_text.facts(each):
            lines.append("; ".join(f"{what} {value}" for what, value in facts))
        sure += load_text.how_sure(each)
    return Answer(lines, sure)
