"""What to take for a load as Markdown for people and as JSON for programs."""

from dataclasses import asdict
from typing import Any

from joulemark.analysis.serving.load import LoadChoice, LoadCost
from joulemark.core import markdown as md
from joulemark.core.markdown import escaped
from joulemark.reporting import load_text
from joulemark.reporting.load import LoadAnswer
from joulemark.reporting.recommendation_text import SURE


def markdown(answer: LoadAnswer) -> list[str]:
    """The answer as lines of Markdown; text that came from elsewhere can be no markup."""
    asked = f"{load_text.task(answer)} at {load_text.question(answer)}"
    lines = [
        f"## {escaped(asked)}: {escaped(load_text.headline(answer))}",
        "",
        f"*{SURE[answer.choice.sure]}* · {escaped(answer.served.title)}",
        "",
        *(f"- {escaped(what)}: {escaped(value)}" for what, value in load_text.facts(answer)),
        *(f"- {escaped(line)}" for line in load_text.how_sure(answer)),
        *(f"- {escaped(line)}" for line in load_text.refused(answer) if answer.choice.chosen),
        "",
    ]
    tables = (load_text.loads_table(answer), load_text.settings_table(answer))
    return [*lines, *(line for table in tables for line in md.table(table))]


def as_json(answer: LoadAnswer) -> dict[str, Any]:
    """The answer as JSON values."""
    return {
        "task": answer.served.task,
        "shares": answer.served.title,
        "limits": asdict(answer.choice.limits),
        "choices": [_choice(answer, choice) for choice in answer.choices],
        "constraints_violated": {
            curve.name: list(answer.unfit[curve.key]) for curve in answer.served.curves if curve.key in answer.unfit
        },
        "in_words": [load_text.headline(answer), *load_text.how_sure(answer)],
    }


def _choice(answer: LoadAnswer, choice: LoadChoice) -> dict[str, Any]:
    return {
        "load_per_s": choice.load_per_s,
        "sure": choice.sure,
        "chosen": None if choice.chosen is None else choice.chosen.curve.name,
        "settings": [_cost(answer, choice, cost) for cost in choice.costs],
        "refused": [{"setting": cost.curve.name, "reason": cost.unknown} for cost in choice.refused],
        "test": choice.test,
    }


def _cost(answer: LoadAnswer, choice: LoadChoice, cost: LoadCost) -> dict[str, Any]:
    money, highest = answer.money_per_day(cost), cost.highest
    return {
        "setting": cost.curve.name,
        "cards": cost.cards,
        "power_w": cost.power_w,
        "idle_w": cost.idle_w,
        "processes_w": [] if cost.power is None else list(cost.power.values),
        "between_per_s": list(cost.between),
        "wh_per_day": cost.wh_per_day,
        "cost_per_day": None if money is None else money[0],
        "currency": None if money is None else money[1],
        "g_per_day": answer.grams_per_day(cost),
        "j_per_request": cost.j_per_request,
        "headroom": cost.headroom,
        "highest_rate_per_s": None if highest is None else highest.rate_per_s,
        "limits_established": highest is not None and highest.keeps(choice.limits).established,
        "runs": [process.run_id for load in cost.curve.loads for process in load.processes],
    }
