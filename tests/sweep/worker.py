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

from joulemark.cli import sweep as command
from joulemark.sweep.budget import Budget
from joulemark.sweep.plan import SweepRequest
from joulemark.sweep.space import Dimension
from tests.sweep.landscape import Machine, plan, point_of

NINE = (Dimension("batch_size", ("1", "64", "128")), Dimension("precision", ("fp32", "tf32", "bf16")))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("storage")
    parser.add_argument("--seconds", type=float, default=0.3)
    parser.add_argument("--trials", type=int)
    parser.add_argument("--finalists", type=int, default=4)
    parser.add_argument("--workers", type=int, default=1)
    arguments, overrides = parser.parse_known_args()
    number = next(
        (int(override.partition("=")[2]) for override in overrides if override.startswith("sweep.worker=")), None
    )
    machine = Machine()

    def log(event, overrides):
        line = json.dumps(
            [event, os.getpid(), time.monotonic(), [*point_of(overrides), *protocol(overrides)], shared(overrides)]
        )
        with (arguments.folder / "log").open("a") as file:
            file.write(line + "\n")

    own = ("shared_host=true",) if "shared_host=true" in overrides else ()

    def measure(overrides, limit_s):
        log("begins", overrides)
        time.sleep(arguments.seconds)
        outcome = machine(overrides, limit_s)
        log("ends", overrides)
        return outcome

    made = plan(arguments.folder, Budget(trials=arguments.trials), NINE, finalists=arguments.finalists)
    sweep = SweepRequest(
        name="study",
        plan=replace(made, full=(*made.full, *own), screening=(*made.screening, *own)),
        storage=None if arguments.storage == "journal" else arguments.storage,
        folder=arguments.folder,
        quality_typed=False,
        notes=(),
        worker=number,
        workers=({},) * arguments.workers,
        overrides=tuple(sys.argv[1:]),
    )
    return command.run(sweep, measure, [sys.executable, "-m", "tests.sweep.worker"], poll_s=0.1)


def protocol(overrides):
    return [override.partition("=")[2] for override in overrides if override.startswith("protocol=")]


def shared(overrides):
    return "shared_host=true" in overrides


if __name__ == "__main__":
    sys.exit(main())
