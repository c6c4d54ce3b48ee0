"""What standard output gets, by who reads it.

              answer                the rest   link   JSON
terminal      at most eight lines   no         yes    with json=true
terminal -v   all of it             yes        yes    with json=true
pipe, file    all of it             yes        yes    the last line
"""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from joulemark.core import console
from joulemark.core.answer import Answer
from joulemark.core.errors import UserError

FLAGS = {"-v": "verbose", "--verbose": "verbose", "--json": "json"}
KEYS = ("verbose", "json")
VALUES = {"true": True, "false": False}
HELP = "-v shows everything where a terminal gets eight lines, json=true the JSON line that a pipe gets"
MORE = "(-v shows everything)"


@dataclass(frozen=True)
class Wanted:
    """What was typed of the output: `-v` or `verbose=true`, and `json=true`."""

    verbose: bool = False
    json: bool = False


_WANTED: ContextVar[Wanted] = ContextVar("wanted")


def wanted() -> Wanted:
    """What was typed of the output."""
    return _WANTED.get(Wanted())


def taken(arguments: Sequence[str]) -> list[str]:
    """The arguments without those of the output, which are no options of what is measured: they hold from here on.

    UserError for a value that is neither true nor false.
    """
    rest, typed = [], {}
    for argument in arguments:
        key, equals, value = argument.partition("=")
        if argument in FLAGS:
            typed[FLAGS[argument]] = True
        elif equals and key in KEYS:
            if value.casefold() not in VALUES:
                raise UserError(f"{argument}: type {key}=true or {key}=false")
            typed[key] = VALUES[value.casefold()]
        else:
            rest.append(argument)
    _WANTED.set(Wanted(**typed))
    return rest


def terminal() -> bool:
    """Whether a person reads."""
    return sys.stdout.isatty()


def brief() -> bool:
    """Whether a person reads, who did not ask for everything."""
    return terminal() and not wanted().verbose


def show(answer: Answer, rest: Callable[[], None] | None = None) -> None:
    """Shows the answer, and below it the rest where that is read."""
    console.show(*(answer.brief() if brief() else answer.lines))
    if rest is not None and not brief():
        print()
        rest()
    sys.stdout.flush()


def link(text: str | None = None) -> None:
    """Says where more is to be seen: an address, a file, and on a terminal how to see everything there."""
    if not brief():
        print(f"\n{text}" if text else "", end="\n" if text else "")
    else:
        print(f"{text}  {MORE}" if text else MORE)


def last(values: Mapping[str, Any]) -> None:
    """The JSON object that programs read, as the last line of a pipe or file."""
    if not terminal() or wanted().json:
        print(json.dumps(values, allow_nan=False), flush=True)
