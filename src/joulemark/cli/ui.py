"""joulemark ui: MLflow's pages of the recorded runs, in a browser.

The server takes the place of this process, so Ctrl-C ends it. Exit code 2 for a mistake in the options.
"""

import os
import sys
from typing import Any

import hydra
from omegaconf import DictConfig

from joulemark.cli import command_line
from joulemark.cli.progress import to_stderr
from joulemark.core import tracking
from joulemark.core.errors import UserError
from joulemark.core.paths import CONF
from joulemark.core.private_files import private_files

# MLflow then calls nobody, and starts no processes for jobs that we do not have
QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}


@hydra.main(config_path=str(CONF), config_name="ui", version_base="1.3")
def command(config: DictConfig) -> None:
    """Prints the tasks' pages and becomes MLflow's server."""
    command_line.leave(lambda: serve(tracking.resolve(config.tracking_uri), config.host, _port(config.port)))


def _port(typed: Any) -> int:
    if isinstance(typed, bool) or not isinstance(typed, int) or not 0 < typed < 65536:
        raise UserError(f"port={typed}: a whole number from 1 to 65535, such as port=5001")
    return typed


def serve(uri: str, host: str, port: int) -> int:
    """Becomes the server of a store; UserError for a store that is a server itself."""
    if uri.startswith("http"):
        raise UserError(f"tracking_uri={tracking.public(uri)} is a server already: open it in a browser")
    with private_files():  # what the server writes, too
        if (path := tracking.sqlite_path(uri)) is not None:
            path.parent.mkdir(parents=True, exist_ok=True)  # a server may wait for the first run
        _announce(uri, f"http://{host}:{port}")
        sys.stdout.flush()
        # Not among the arguments, which `ps` shows to everyone on this machine: it may hold a password
        os.execve(sys.executable, server(host, port), {**os.environ, **QUIET, "MLFLOW_BACKEND_STORE_URI": uri})


def server(host: str, port: int) -> list[str]:
    """The command line of MLflow's server: one worker, on this address."""
    return [
        *(sys.executable, "-m", "mlflow", "ui", "--workers", "1"),
        *("--host", host, "--port", str(port)),
    ]


def _announce(uri: str, address: str) -> None:
    from joulemark.store import reading, views
    from joulemark.store.mlflow_internals import pages

    print(f"{address}/#/experiments?workflowType=machine_learning, or a task, energy against quality:")
    try:
        tasks = reading.tasks(uri)
    except UserError as error:
        to_stderr(str(error))
        return
    for task in tasks:
        path = views.save(uri, task, views.default(task))
        print(f"{task:28} {address}/{path}\n{'charts':>28} {pages.charts_path(f'{address}/{path}')}")
        print(f"{'repeats':>28} {address}/{views.save(uri, task, views.repeats(task))}")


def main() -> int:
    """The command; a user's mistake is one line on standard error and exit code 2."""
    return command_line.start(command, "ui")


if __name__ == "__main__":
    sys.exit(main())
