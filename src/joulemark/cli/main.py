"""joulemark COMMAND …: each command is a module of this package, and what follows are its own words."""

import importlib
import sys

COMMANDS = {
    "run": "one measured run; with -m many, or a sweep",
    "suite": "a grid of runs that skips what is measured",
    "report": "all runs -> one page that says which model to run",
    "compare": "which of two runs costs less",
    "calibrate": "what this device pays for a FLOP and for a byte",
    "ingest": "results that others published, as runs of their own",
    "rescore": "another site over past runs",
    "relocate": "a store that moved finds its files again",
    "hub_check": "what of the configuration works with the Hub of today",
    "views": "saved views in MLflow",
    "recorder": "writes a record that was set aside",
}


def main() -> int:
    """The exit code of the command that the first word names; 2, in one line, where it names none."""
    name, words = (sys.argv[1] if len(sys.argv) > 1 else "--help"), sys.argv[2:]
    if name in ("-h", "--help", "help"):
        print("joulemark COMMAND [key=value …]; joulemark COMMAND --help says more\n")
        print("\n".join(f"  {command:10} {what}" for command, what in COMMANDS.items()))
        return 0
    if name not in COMMANDS:
        from joulemark.core.suggest import choose

        print(f"error: {choose('joulemark', name, COMMANDS)}", file=sys.stderr)
        return 2
    sys.argv = [f"joulemark {name}", *words]
    command = importlib.import_module(f"joulemark.cli.{name}")
    code: int = command.main()
    return code
