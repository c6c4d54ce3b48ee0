"""joulemark report: one page that says which model to run, with which settings, what it costs and how sure that is.

From the runs of the tracking store to report.html, which opens offline, report.md, .json and .csv. Prints the
recommendations; in a pipe the last line is JSON. Exit code 0, or 2 for a mistake in the options.
"""

import sys

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from joulemark.cli import command_line, output
from joulemark.cli.progress import to_stderr
from joulemark.core import console, formatting
from joulemark.core.paths import CONF
from joulemark.reporting import load_text, recommendation_text, report_answer, table
from joulemark.reporting.build import Report, make
from joulemark.reporting.claim import because
from joulemark.reporting.files import LEFT_OUT_SHOWN
from joulemark.reporting.load import LoadAnswer
from joulemark.reporting.request import request_of


@hydra.main(config_path=str(CONF), config_name="report", version_base="1.3")
def command(config: DictConfig) -> None:
    """The report that Hydra composed; leaves the process with its exit code."""
    command_line.leave(lambda: show(make(request_of(config, HydraConfig.get().runtime.choices), to_stderr)))


def show(made: Report) -> int:
    """Shows the recommendations, where the page is, and what programs read; returns the exit code."""
    output.show(report_answer.of(made), lambda: _everything(made))
    output.link(f"Open the page: {made.page}")
    output.last(
        {
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
    )
    return 0


def _everything(made: Report) -> None:
    """Each load with its tables, each recommendation with all that is said of it, and each run left out."""
    for load in made.loads:
        show_load(load)
    for recommendation in made.recommendations:
        group = recommendation.group
        lines = [
            f"{formatting.spoken(group.task)}: {recommendation_text.headline(recommendation)}",
            f"   {because(recommendation)}",
            f"   {group.title}",
            *(f"   {what}: {value}" for what, value in recommendation_text.facts(recommendation)),
            *(f"   {line}" for line in recommendation_text.how_sure(recommendation)),
            *(f"   {line}" for line in recommendation_text.further(recommendation)),
        ]
        if recommendation.chosen is not None:
            lines.insert(2, f"   runner-up: {recommendation_text.runner_up(recommendation)}")
        console.show(*lines)
    console.show(*(f"left out: {run.name} ({run.run_id[:8]}): {run.reason}" for run in made.left_out[:LEFT_OUT_SHOWN]))
    for version in made.registered:
        print(f"registered: {version['name']} version {version['version']}, alias {version['alias']}")


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
    """Prints what to take for the load, what it costs, how sure that is, and the tables of both."""
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
