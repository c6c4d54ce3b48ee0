"""What a format is, and which there are: each module of `formats/`, by its name."""

import importlib
import pkgutil
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

from joulemark.core.errors import UserError
from joulemark.core.suggest import choose
from joulemark.reporting.exports import formats
from joulemark.reporting.exports.run import Run


@dataclass(frozen=True)
class Options:
    """What a user says that no record knows.

    Attributes:
        made_at: when the document is made, ISO 8601, UTC
        requests: how many requests a table of a reporting period is of
        infra_type: BoAmps' kind of infrastructure; None where the user did not say
    """

    made_at: str
    requests: int = 1000
    infra_type: str | None = None


@dataclass(frozen=True)
class Document:
    """One document of a format.

    Attributes:
        text: the whole of it
        left_out: what the format asks for and nobody knows, or what else a reader must be told: one line each
    """

    text: str
    left_out: tuple[str, ...] = ()


class Format(Protocol):
    """A module of `formats/`.

    Attributes:
        SUFFIX: of its files
        CLAIM: whether a document states a figure as a fact, without room for doubts: it is refused of runs that
            decide nothing (exports/run.py)
        ONE_RUN: whether a document is of one run
    """

    SUFFIX: str
    CLAIM: bool
    ONE_RUN: bool

    def write(self, runs: Sequence[Run], options: Options) -> Document:
        """The document of these runs; UserError where the format cannot be had of them."""


def names() -> tuple[str, ...]:
    """Every format, in alphabetical order."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(formats.__path__)))


def named(name: Any) -> Format:
    """The format of that name; UserError for one that is not there."""
    known = names()
    if name is None:
        raise UserError(f"no format is named; type format=NAME, one of: {', '.join(known)}")
    if name not in known:
        raise UserError(choose("format", str(name), known))
    return cast(Format, importlib.import_module(f"{formats.__name__}.{name}"))
