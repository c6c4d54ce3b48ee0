"""joulemark report: one page that says which model to run, with which settings, what it costs and how sure that is.

From the runs of the tracking store to report.html, which opens offline, report.md, .json and .csv. Prints the
recommendations and one line of JSON. Exit code 0, or 2 for a mistake in the options.
"""

import json
import sys

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from joulemark.analysis.quantity import ALL_THAT_WAS_DRAWN
from joulemark.cli import command_line
from joulemark.core import formatting
from joulemark.core.paths import CONF
from joulemark.reporting import load_text, recommendation_text, table
from joulemark.reporting.build import Report, make
from joulemark.reporting.load import LoadAnswer
from joulemark.reporting.request import request_of


@hydra.main(config_path=str(CONF), config_name="report", version_base="1.3")
def command(config: DictConfig) -> None:
    """The report that Hydra composed; leaves the process with its exit code."""
    command_line.leave(lambda: show(make(request_of(config, HydraConfig.get().runtime.choices))))


def show(made: Report) -> int:
    """Prints each recommendation in a line or two, where the page is, and what programs read; returns the exit code."""
    for answer in made.loads:
        show_load(answer)
    for recommendation in made.recommendations:
        chosen = recommendation.chosen
        cost = (
            f" {formatting.plus_minus(chosen.compared.mean, chosen.compared.half_width)} per 1,000 "
            f"({recommendation_text.SURE[recommendation.sure]})"
            if chosen
            else ""
        )
        task = formatting.spoken(recommendation.group.task)
        print(f"{task}: {recommendation_text.headline(recommendation)}{cost}")
        quantity = recommendation.group.quantity
        if chosen and quantity != ALL_THAT_WAS_DRAWN:
            print(f"   compared: {quantity.name} energy, {quantity.reason}")
    if made.left_out:
        print(f"{len(made.left_out)} run(s) left out: the page says why")
    for version in made.registered:
        print(f"registered: {version['name']} version {version['version']}, alias {version['alias']}")
    print(f"\nOpen the page: {made.page}")
    last = {
        "report": str(made.page),
        "runs": made.runs,
        "groups": len(made.recommendations),
        "left_out": len(made.left_out),
        "recommendations": {
            recommendation.group.id: recommendation.chosen.run_id if recommendation.chosen else None
            for recommendation in made.recommendations
        },
        "registered": list(made.registered),
        "loads": [choice_of(answer) for answer in made.loads],
    }
    print(json.dumps(last))
    return 0


def choice_of(answer: LoadAnswer) -> dict[str, object]:
    """What programs read of a load: the setting, its cards and its energy a day."""
    chosen = answer.choice.chosen
    return {
        "shares": answer.served.title,
        "sure": answer.choice.sure,
        "take": None if chosen is None else chosen.curve.name,
        "cards": None if chosen is None else chosen.cards,
        "wh_per_day": None if chosen is None else chosen.wh_per_day,
    }


def show_load(answer: LoadAnswer) -> None:
    """Prints what to take for the load, what it costs, and how sure that is."""
    print(f"{load_text.task(answer)} at {load_text.question(answer)}: {load_text.headline(answer)}")
    facts = load_text.facts(answer)
    if facts:
        print(f"   {'; '.join(f'{what} {value}' for what, value in facts)}")
    for line in (*load_text.how_sure(answer), *(load_text.refused(answer) if facts else ())):
        print(f"   {line}")
    for content in (load_text.loads_table(answer), load_text.settings_table(answer)):
        print(f"\n{content.title}")
        table.printed(content.columns, content.rows, (), ("load", "take", "setting", "evidence"))
    print()


def main() -> int:
    """The command; a user's mistake is one line on standard error and exit code 2."""
    return command_line.start(command, "report")


if __name__ == "__main__":
    sys.exit(main())
