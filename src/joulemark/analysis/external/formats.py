"""Which format a path is in, and for one that is in none, what the nearest would need."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from joulemark.analysis.external import (
    ai_energy_score,
    aiperf,
    cells,
    codecarbon,
    ml_energy_benchmark,
    ml_energy_leaderboard,
    optimum_benchmark,
    study,
)
from joulemark.analysis.external.result import Contents, ExternalResult
from joulemark.core.errors import UserError

FILES: tuple[ModuleType, ...] = (
    codecarbon,
    ai_energy_score,
    optimum_benchmark,
    ml_energy_leaderboard,
    ml_energy_benchmark,
    aiperf,
)
FORMATS = (study, *FILES)
ENDS = (".csv", ".json")


@dataclass(frozen=True)
class Missing:
    """A format and what a file lacks of it."""

    format: str
    lacks: tuple[str, ...]


def read(paths: Sequence[Path]) -> Contents:
    """All results of files and folders, in order. UserError for a file of unknown shape, before anything is used."""
    results: list[ExternalResult] = []
    left_out: list[str] = []
    for path in paths:
        if not path.exists():
            raise UserError(f"{path} does not exist; type files or folders to read")
        contents = _folder(path) if path.is_dir() and not study.recognises(path) else _file(path)
        results += contents.results
        left_out += contents.left_out
    if not results:
        why = f": {left_out[0]}" if left_out else ""
        raise UserError(f"{', '.join(map(str, paths))}: no result that can be used{why}")
    return Contents(tuple(results), tuple(left_out))


def _file(path: Path) -> Contents:
    for format in FORMATS:
        if format.recognises(path):
            return format.read(path)  # type: ignore[no-any-return]
    raise UserError(unknown(path))


def _folder(path: Path) -> Contents:
    """Every file below that is in a known format; the other tables and documents are reported."""
    parts, left_out = [], []
    for file in sorted(file for file in path.rglob("*") if file.suffix.lower() in ENDS):
        if any(format.recognises(file) for format in FORMATS):
            parts.append(_file(file))
        elif file.name != "benchmark_config.json":  # read with the report beside it
            left_out.append(unknown(file))
    if not parts:
        needs = f"; as the study's data it lacks {cells.listed(study.missing(path))}"
        raise UserError(f"{path} holds no file of a known format{needs}")
    return Contents(tuple(result for part in parts for result in part.results),
                 (*left_out, *(line for part in parts for line in part.left_out)))  # fmt: skip


def nearest(path: Path) -> Missing:
    """The format of which a file lacks the least, by share."""
    candidates = [format for format in FILES if format.SUFFIX == path.suffix.lower()] or FILES
    best = min(candidates, key=lambda format: len(format.missing(path)) / len(format.NEEDED))
    return Missing(best.NAME, best.missing(path))


def unknown(path: Path) -> str:
    """The line for a file in no known format."""
    if wrong := cells.broken(path):
        return f"{path} is not whole JSON ({wrong}); was its program stopped while it wrote?"
    near = nearest(path)
    kind = "keys" if path.suffix.lower() == ".json" else "columns"
    return f"{path} is in no known format; for {near.format} it lacks the {kind} {cells.listed(near.lacks, 12)}"
