"""joulemark sync: delivers the records that wait on this machine to their stores, the oldest first, each one once.

A record waits where its run, its store or this machine went away before it was stored. Every later run delivers what
waits for its own store. Exit code 0 where nothing waits any more, 1 where something does, 2 for a mistake.
"""

import argparse
import json

from joulemark.cli.progress import refuse
from joulemark.core.errors import UserError
from joulemark.core.paths import program
from joulemark.store import delivery


def main() -> int:
    """Prints a line for each record and one of JSON; returns the exit code."""
    parser = argparse.ArgumentParser(prog=program("sync"), description=__doc__)
    parser.add_argument("--tracking-uri", help="only what waits for this store; with its password, where it needs one")
    arguments = parser.parse_args()
    try:
        done = delivery.sync(arguments.tracking_uri)
    except UserError as error:
        return refuse(error)
    for record_id, link in done.delivered.items():
        print(f"delivered {record_id}: run {link['run_id']}")
    for folder, reason in done.left.items():
        print(f"waits     {folder}: {reason}")
    if done.closed:
        print(f"deleted   {done.closed} runs that were left RUNNING beside a whole one of the same record")
    print(json.dumps({"delivered": done.delivered, "waiting": done.left, "closed": done.closed}))
    return int(bool(done.left))
