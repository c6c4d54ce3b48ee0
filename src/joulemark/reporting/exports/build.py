"""From what was typed to documents: the runs, laid over a site, in a format."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from joulemark.analysis.embodied import Embodied
from joulemark.core import atomic, paths
from joulemark.core.errors import UserError
from joulemark.core.machine import Site
from joulemark.core.paths import program
from joulemark.core.progress import counted
from joulemark.core.written import writing
from joulemark.reporting.exports import format as formats
from joulemark.reporting.exports.format import Document, Options
from joulemark.reporting.exports.run import Run, at, claimed
from joulemark.store import loading


@dataclass(frozen=True)
class Named:
    """A document with the name of its file."""

    file: str
    document: Document


def runs_of(
    selectors: Sequence[str],
    uri: str | None,
    site: Site,
    embodied: Embodied,
    say: Callable[[str], None] = lambda line: None,
) -> list[Run]:
    """The runs that the selectors name, ids or files with commas between several, each once; UserError as in `load`.

    `say` gets a line now and then while many are read.
    """
    named = [part.strip() for selector in selectors for part in selector.split(",") if part.strip()]
    if not named:
        raise UserError(
            f"no run is named; type {program('export')} RUN… with the beginning of its id, or a record.json"
        )
    runs: dict[str, Run] = {}
    for name in counted(named, "runs read", say, of=len(named)):
        run_id, record = loading.load(name, uri)
        runs.setdefault(record.id, Run(at(record, site), run_id, embodied))
    return list(runs.values())


def documents(name: str, runs: Sequence[Run], options: Options) -> list[Named]:
    """The documents of a format: one of all runs, or one of each.

    Raises:
        UserError: a claim of a run whose figure is none; what the format itself refuses
    """
    format = formats.named(name)
    if format.CLAIM:
        runs = [claimed(run, name) for run in runs]
    if not format.ONE_RUN:
        return [Named(f"joulemark-{name}{format.SUFFIX}", _with_doubts(format.write(runs, options), runs))]
    return [
        Named(
            f"joulemark-{name}-{paths.file_name(run.id[:12])}{format.SUFFIX}",
            _with_doubts(format.write([run], options), [run]),
        )
        for run in runs
    ]


def _with_doubts(document: Document, runs: Sequence[Run]) -> Document:
    """The document with a line for each run whose figure is no claim."""
    doubts = (f"run {run.name}: {run.doubt}" for run in runs if run.doubt is not None)
    return replace(document, left_out=(*document.left_out, *doubts))


def written(made: Sequence[Named], out: str) -> list[Path]:
    """The documents as files: `out` is the file of one, or the folder of several; UserError where it cannot be."""
    path = Path(out).expanduser()
    single = len(made) == 1 and not path.is_dir() and path.suffix != ""
    folder = path.parent if single else path
    files = [path if single else folder / each.file for each in made]
    with writing("out", path, "FILE or a folder"):
        folder.mkdir(parents=True, exist_ok=True)
        for file, each in zip(files, made, strict=True):
            atomic.write(file, each.document.text)
    return files
