"""joulemark COMMAND …: each command is a module of this package, and what follows are its own options."""

import importlib
import sys
from importlib.metadata import PackageNotFoundError, version

from joulemark.cli import streams
from joulemark.cli.progress import refuse
from joulemark.core.paths import CONF
from joulemark.core.suggest import nearest

COMMANDS = {
    "run": "measure one run; with -m many runs, or a sweep over settings",
    "suite": "measure a grid of tasks and models; finished runs are skipped",
    "report": "compare all runs: one page that recommends a model and its settings",
    "explore": "all runs and imported results on one page: filter, sort, brush, colour",
    "predict": "predict what a model that was not measured costs on this device",
    "compare": "compare two runs: which costs less energy, or neither",
    "export": "runs as BoAmps, SCI, CSRD, AI Act, SPDX, CodeCarbon, CSV",
    "ui": "open the runs in MLflow",
    "calibrate": "measure this device's energy per FLOP and per byte, for the lower bound",
    "ingest": "import results of other programs as runs",
    "rescore": "recompute emissions of past runs for another site",
    "relocate": "repair the paths of a store that was moved",
    "hub_check": "check every model and dataset against the Hub",
    "views": "save the default table of each task in MLflow",
    "sync": "deliver the records that wait on this machine to their stores",
    "completion": "print the shell's completion script",
}

RENAMED = {"recorder": "sync"}

HELP = """joulemark COMMAND [key=value …]

Joulemark measures the energy, emissions, latency and quality of a model on a task, and recommends a model and settings.

Commands
{commands}

  joulemark COMMAND --help       the options that people use, with examples
  joulemark COMMAND --help-all   every option and its meaning
  eval "$(joulemark completion bash)"   completion of commands, options and choices in this shell (bash, zsh)

Records go to ./mlruns, to the folder JOULEMARK_HOME, or to the store that tracking_uri=… or MLFLOW_TRACKING_URI names.
"""


def main() -> int:
    """Runs the command that the first argument names and returns its exit code; 2, in one line, for an unknown one."""
    streams.make_sturdy()
    name, arguments = (sys.argv[1] if len(sys.argv) > 1 else "--help"), sys.argv[2:]
    if name in ("-h", "--help", "--help-all", "help"):
        print(HELP.format(commands="\n".join(f"  {name:11} {meaning}" for name, meaning in COMMANDS.items())), end="")
        return 0
    if name == "--version":
        print(f"joulemark {_version()}")
        return 0
    if name not in COMMANDS:
        return refuse(_unknown(name))
    if not (CONF / f"{name}.yaml").is_file():  # its few options are all in its one page of help
        arguments = ["--help" if argument == "--help-all" else argument for argument in arguments]
    sys.argv = [f"joulemark {name}", *arguments]
    command = importlib.import_module(f"joulemark.cli.{name}")
    code: int = command.main()
    return code


def _version() -> str:
    try:
        return version("joulemark")
    except PackageNotFoundError:  # a checkout on the path, not installed
        return "(not installed)"


def _unknown(name: str) -> str:
    if name in RENAMED:
        return f"joulemark {name}: type joulemark {RENAMED[name]}, which finds every record that waits by itself"
    if "=" in name:
        return f"a command comes first: joulemark run {name} …"
    close = nearest(name, COMMANDS)
    hint = f"did you mean joulemark {close}? " if close else ""
    return f"joulemark {name}: unknown command; {hint}choose from: {', '.join(COMMANDS)}"
