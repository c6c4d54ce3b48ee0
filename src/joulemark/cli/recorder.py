"""joulemark recorder FILE: writes a record that could not be written at the time."""

import argparse
import json
from pathlib import Path

from joulemark.cli.progress import refuse
from joulemark.core.errors import UserError
from joulemark.core.paths import program
from joulemark.store.recorder import write_late


def main() -> int:
    """The exit code: 2, in one line, for a file that is no record and a store that cannot be used."""
    parser = argparse.ArgumentParser(prog=program("recorder"), description="Writes a record that was set aside.")
    parser.add_argument("file", help="mlruns/unsaved/….json")
    parser.add_argument("--tracking-uri", help="default: MLFLOW_TRACKING_URI, else mlruns/mlflow.db")
    arguments = parser.parse_args()
    try:
        print(json.dumps(write_late(Path(arguments.file).expanduser(), arguments.tracking_uri)))
    except UserError as error:
        return refuse(error)
    return 0
