"""The process that measures several settings of a sweep's screening on one loaded model (sweep/shared.py starts it).

    standard input     {"overrides": [...]}           a line a run; at its end the process ends
    standard output    what a run prints, its last line a JSON object; or {"other_load": "why"} and nothing measured

A run that does not finish is the last one: whatever it broke, the next one begins in a fresh process.
"""

import json
import os
import sys
from collections.abc import Iterator

from hydra import initialize_config_dir

from joulemark.cli import streams
from joulemark.cli.measuring import Measuring
from joulemark.cli.progress import refuse, to_stderr
from joulemark.cli.run import execute
from joulemark.config.compose import composed
from joulemark.core import signals
from joulemark.core.errors import UserError
from joulemark.core.paths import CONF
from joulemark.core.signals import Interrupted


def main() -> int:
    """Measures what is asked for; the exit code is that of the last run."""
    streams.make_sturdy()
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")
    try:
        with initialize_config_dir(str(CONF), version_base="1.3"), Measuring(several=True) as measuring:
            for overrides in _asked():
                if code := _answered(overrides, measuring):
                    return code
    except UserError as error:
        return refuse(error)
    except (Interrupted, KeyboardInterrupt) as stop:
        name = str(stop) or "SIGINT"
        to_stderr(f"interrupted by {name} before anything was measured")
        return signals.exit_code(name)
    return 0


def _asked() -> Iterator[list[str]]:
    """The overrides of each run, asleep until they come; a stop ends the wait."""
    signals.interrupt_on_stop()
    for line in iter(sys.stdin.readline, ""):
        yield json.loads(line)["overrides"]
        signals.interrupt_on_stop()


def _answered(overrides: list[str], measuring: Measuring) -> int:
    run = composed(overrides)
    assert measuring.resident is not None
    if why := measuring.resident.refusal(run):
        print(json.dumps({"other_load": why}), flush=True)
        return 0
    return execute(run, measuring)


if __name__ == "__main__":
    sys.exit(main())
