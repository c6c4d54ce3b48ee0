"""joulemark views: the views of every experiment, all runs and its repeats, saved in MLflow, and their links."""

import sys

from joulemark.cli import output, streams
from joulemark.cli.parser import Parser
from joulemark.cli.progress import checked, to_stderr
from joulemark.core import tracking
from joulemark.core.errors import UserError
from joulemark.store.mlflow_internals import pages
from joulemark.store.views import default, link, repeats, save


def main() -> int:
    """Saves the two views of every experiment that has runs, prints their links; none without runs."""
    streams.make_sturdy()
    return checked(_saved)


def _saved() -> int:
    Parser("views", __doc__).parse_args(output.taken(sys.argv[1:]))
    from joulemark.store import reading

    uri = tracking.resolve(None)
    try:
        tasks = reading.tasks(uri)
    except UserError as error:
        to_stderr(str(error))
        return 0
    for task in tasks:
        table = link(uri, save(uri, task, default(task)))
        print(f"{task:28} {table}\n{'charts':>28} {pages.charts_path(table)}")
        print(f"{'repeats':>28} {link(uri, save(uri, task, repeats(task)))}")
    return 0
