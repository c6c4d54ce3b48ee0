"""joulemark sync: delivers the records that wait on this machine to their stores, the oldest first, each one once.

A record waits where its run, its store or this machine went away before it was stored. Every later run delivers what
waits for its own store. Exit code 0 where nothing waits any more, 1 where something does, 2 for a mistake.
"""

import sys

from joulemark.cli import output, streams
from joulemark.cli.parser import Parser
from joulemark.cli.progress import refuse
from joulemark.core.answer import Answer
from joulemark.core.errors import UserError
from joulemark.core.formatting import many
from joulemark.store import delivery
from joulemark.store.delivery import Delivered


def main() -> int:
    """Delivers, and says what was delivered and what waits; returns the exit code."""
    streams.make_sturdy()
    parser = Parser("sync", __doc__)
    parser.add_argument("--tracking-uri", help="only what waits for this store; with its password, where it needs one")
    try:
        arguments = parser.parse_args(output.taken(sys.argv[1:]))
        done = delivery.sync(arguments.tracking_uri)
    except UserError as error:
        return refuse(error)
    output.show(answer(done), lambda: show(done))
    output.last({"delivered": done.delivered, "waiting": done.left, "closed": done.closed})
    return int(bool(done.left))


def answer(done: Delivered) -> Answer:
    """How many records were delivered and how many wait, with the first reason."""
    waiting = [f"waits in {folder}: {reason}" for folder, reason in done.left.items()]
    counted = f"{many(len(done.delivered), 'record')} delivered, {len(done.left)} waiting"
    return Answer([counted, *waiting])


def show(done: Delivered) -> None:
    """Prints a line for each record."""
    for record_id, link in done.delivered.items():
        print(f"delivered {record_id}: run {link['run_id']}")
    for folder, reason in done.left.items():
        print(f"waits     {folder}: {reason}")
    if done.closed:
        print(f"deleted   {done.closed} runs that were left RUNNING beside a whole one of the same record")
