"""joulemark export RUN… format=NAME: measured runs in the formats of others, for auditors, lists and other programs.

Plain arguments are run ids, the beginnings of ids, or record.json files, with commas between several. The document goes
to standard output; with out=… to files, and in a pipe the last line is JSON. What a format asks for and nobody
knows is left out and said on standard error. Exit code 0, or 2 for a mistake in the options and a run that the format
refuses: then nothing is written.
"""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from joulemark.analysis import embodied
from joulemark.analysis.embodied import Embodied
from joulemark.cli import command_line, output
from joulemark.cli.progress import to_stderr
from joulemark.config.factories import site_of
from joulemark.core.answer import Answer
from joulemark.core.coerce import typed
from joulemark.core.errors import UserError
from joulemark.core.formatting import many
from joulemark.core.paths import CONF
from joulemark.reporting.exports import build
from joulemark.reporting.exports import format as formats
from joulemark.reporting.exports.build import Named
from joulemark.reporting.exports.format import Options


@hydra.main(config_path=str(CONF), config_name="export", version_base="1.3")
def command(config: DictConfig) -> None:
    """The export that Hydra composed; leaves the process with its exit code."""
    command_line.leave(lambda: run(config, str(HydraConfig.get().runtime.choices["site"])))


def run(config: DictConfig, site_name: str) -> int:
    """Writes the documents, to standard output or to files, and says what was left out; returns the exit code."""
    values: dict[str, Any] = OmegaConf.to_container(config, resolve=True)  # type: ignore[assignment]
    name, out = values["format"], values["out"]
    format = formats.named(name)
    site, of_hardware = site_of(values["site"], site_name), embodied.checked(
        typed(Embodied, values["embodied"], "embodied")
    )  # fmt: skip
    options = Options(_now(), _requests(values["requests"]), values["infra_type"])
    runs = build.runs_of([str(each) for each in values["runs"]], values["tracking_uri"], site, of_hardware, to_stderr)
    if out is None and format.ONE_RUN and len(runs) > 1:
        raise UserError(f"format={name} is one document a run, and {len(runs)} are named; type out=FOLDER")
    made = build.documents(name, runs, options)
    files = [] if out is None else build.written(made, str(out))
    for each in made:
        for line in each.document.left_out:
            to_stderr(f"! {line}")
    if out is None:
        _show(made)
        return 0
    if output.terminal():  # in a pipe the JSON line alone, as programs read it
        output.show(Answer([f"{many(len(runs), 'run')} as {name}: {many(len(files), 'file')}", *map(str, files)]))
    output.last({"format": name, "runs": len(runs), "files": [str(file) for file in files]})
    return 0


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _requests(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise UserError(f"requests={value} is no number of requests; type how many the period had, requests=1000000")
    return value


def _show(made: Sequence[Named]) -> None:
    for each in made:
        print(each.document.text, end="")


def plain(arguments: Sequence[str]) -> list[str]:
    """The arguments as Hydra reads them: what is no key=value and no flag names a run."""
    runs = [argument for argument in arguments if "=" not in argument and not argument.startswith("-")]
    rest = [argument for argument in arguments if argument not in runs]
    quoted = ",".join("'" + run.replace("\\", "\\\\").replace("'", "\\'") + "'" for run in runs)
    return [*rest, f"runs=[{quoted}]"] if runs else rest


def main() -> int:
    """The command; a user's mistake is one line on standard error and exit code 2."""
    sys.argv[1:] = plain(sys.argv[1:])
    return command_line.start(command, "export")


if __name__ == "__main__":
    sys.exit(main())
