"""The recorder's own process: asleep while its parent measures, then it tells the store what the spool holds."""

import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, TextIO

from joulemark.core import absent, garbage, signals
from joulemark.core.errors import UserError
from joulemark.measure.heartbeat import Watcher
from joulemark.store import delivery, waiting
from joulemark.store.exit_status import Ending
from joulemark.store.spool import note

SIGN_S = 2.0  # between signs that it goes on
CATCH_UP_S = 20.0  # how long the delivery of what waited may keep a run from beginning

Send = Callable[..., None]


def serve(lines: TextIO, replies: TextIO) -> None:
    """The child's end, until its input closes; of several runs of one process, one after the other."""
    signals.ignore_stops()  # a cluster signals every process of a job
    send, hello = _sender(replies), json.loads(lines.readline())
    ending, folder = Ending(hello["process"], hello["handle"]), Path(hello["spool"])
    inherited = folder
    stores = delivery.Stores(hello["uri"])
    with _signs(send):
        reply = _ready(stores, hello["task"], folder)
    garbage.resume()
    send(**reply)

    def watch(run: dict[str, Any]) -> None:
        """Watches the heart of a run, where it has one; its end ends the watching."""
        if "heart" in run:
            hung = f"hung: nothing went on for {run['stall_s']:g} s {{when}} (protocol.stall_s), so it was killed"
            Watcher(Path(run["heart"]), run["stall_s"], hello["process"], lambda: note(folder, "failed", hung))

    watch(hello)
    word = ""
    for line in lines:
        message = json.loads(line)
        word, folder = message["word"], Path(message["spool"])
        if word == "begin":  # a further run of that process
            watch(message)
        elif word == "kept":
            _import_page(send)
        elif word == "deliver" and message.get("more"):
            _deliver(stores, folder, send)
            word = "cancel"  # of what is delivered nothing is left to do
    if word == "deliver":  # the measuring process owns the spool, and waits for the answer
        _deliver(stores, folder, send)
    elif word != "cancel":
        if reason := ending.reason():
            note(folder, "failed", reason)
        with nullcontext(True) if folder == inherited else waiting.taken(folder) as own:
            if own:
                _deliver(stores, folder, send)


def _ready(stores: delivery.Stores, task: str, folder: Path) -> dict[str, Any]:
    """Connects and delivers what waits for this store; the answer."""
    try:
        stores.open(task)
    except UserError as error:
        return {"refused": str(error), "waiting": any(waiting.of_store(stores.uri, but=folder))}
    return {"ready": True, "delivered": len(delivery.deliver_waiting(stores, CATCH_UP_S).delivered)}


def _import_page(send: Send) -> None:
    """Imports what a run's page takes, beside what the measuring process prints: all is measured and scored by now.

    Not earlier, since the memory of both processes counts while a long run is scored.
    """
    with _signs(send), suppress(ImportError):  # whose reason the delivery gives
        from joulemark.store import run_page

        run_page.import_packages()


def _deliver(stores: delivery.Stores, folder: Path, send: Send) -> None:
    with _signs(send):
        try:
            reply = delivery.deliver(stores, folder)
        except Exception as error:  # the spool stays, and whoever measured says where
            reply = {"error": delivery.reason(error, stores.uri)}
    send(**reply)


def _sender(replies: TextIO) -> Send:
    lock = threading.Lock()

    def send(**reply: Any) -> None:
        with lock, suppress(OSError):  # the measuring process may have been killed: nobody reads it
            replies.write(f"{json.dumps(reply)}\n")
            replies.flush()

    return send


@contextmanager
def _signs(send: Send) -> Iterator[None]:
    """Within it a line says every other second that this process goes on."""
    over = threading.Event()

    def sign() -> None:
        while not over.wait(SIGN_S):
            send(saving=True)

    thread = threading.Thread(target=sign, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def main() -> None:
    """Serves a measuring process."""
    # The replies keep standard output for themselves: MLflow prints links of its own there
    # A reply that nobody took stays in the buffer, and closing tries it again
    garbage.rest()
    garbage.none_at_exit()
    # Tables that MLflow could take and give (mlflow-skinny has none), colours of Mako's tracebacks: 45 MB and 0.4 s
    absent.do_without("pandas", "pygments")
    with suppress(BrokenPipeError), os.fdopen(os.dup(sys.stdout.fileno()), "w") as replies:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        serve(sys.stdin, replies)


if __name__ == "__main__":
    main()
