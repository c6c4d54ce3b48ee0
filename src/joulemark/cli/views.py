"""python -m src.views: the default view of every experiment, saved in MLflow, and its links."""

import argparse
import sys

from joulemark.core import tracking
from joulemark.core.errors import UserError
from joulemark.core.paths import program
from joulemark.store.views import default, drawn, link, save


def main() -> int:
    """Saves the default view of every experiment that has runs, prints its links; what is not there is no mistake."""
    argparse.ArgumentParser(prog=program("views"), description=__doc__).parse_args()
    from joulemark.store import reading

    uri = tracking.resolve(None)
    try:
        tasks = reading.tasks(uri)
    except UserError as error:
        print(error, file=sys.stderr)
        return 0
    for task in tasks:
        table = link(uri, save(uri, task, default(task)))
        print(f"{task:28} {table}\n{'drawn':>28} {drawn(table)}")
    return 0
