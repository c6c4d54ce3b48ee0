"""python -m tests.sweep.worker FOLDER STORAGE …: a worker of a real study on the made-up landscape, as a process.

Each trial is a line in FOLDER/log when it begins and one when it ends, and takes SECONDS; storage `journal` is a file.
"""

import argparse
import json
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

from joulemark.sweep import coordinator
from joulemark.sweep.budget import Budget
from joulemark.sweep.plan import Asked
from joulemark.sweep.space import Dimension
from tests.sweep.landscape import Machine, plan, words_of

NINE = (Dimension("batch_size", ("1", "2", "4")), Dimension("precision", ("fp32", "tf32", "bf16")))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("storage")
    parser.add_argument("--seconds", type=float, default=0.3)
    parser.add_argument("--trials", type=int)
    parser.add_argument("--finalists", type=int, default=4)
    parser.add_argument("--workers", type=int, default=1)
    asked, words = parser.parse_known_args()
    number = next((int(word.partition("=")[2]) for word in words if word.startswith("sweep.worker=")), None)
    machine = Machine()

    def log(event, words):
        line = json.dumps([event, os.getpid(), time.monotonic(), [*words_of(words), *protocol(words)], shared(words)])
        with (asked.folder / "log").open("a") as file:
            file.write(line + "\n")

    own = ("shared_host=true",) if "shared_host=true" in words else ()

    def measure(words, limit_s):
        log("begins", words)
        time.sleep(asked.seconds)
        outcome = machine(words, limit_s)
        log("ends", words)
        return outcome

    made = plan(asked.folder, Budget(trials=asked.trials), NINE, finalists=asked.finalists)
    sweep = Asked(
        name="study",
        plan=replace(made, full=(*made.full, *own), screening=(*made.screening, *own)),
        storage=None if asked.storage == "journal" else asked.storage,
        folder=asked.folder,
        typed=False,
        notes=(),
        worker=number,
        workers=({},) * asked.workers,
        words=tuple(sys.argv[1:]),
    )
    return coordinator.run(sweep, measure, [sys.executable, "-m", "tests.sweep.worker"], poll_s=0.1)


def protocol(words):
    return [word.partition("=")[2] for word in words if word.startswith("protocol=")]


def shared(words):
    return "shared_host=true" in words


if __name__ == "__main__":
    sys.exit(main())
