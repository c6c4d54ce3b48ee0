"""How every command of Hydra's starts: its help, options written as flags refused, and mistakes in one line."""

import os
import re
import sys
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NoReturn

from joulemark.cli import help as pages
from joulemark.cli import output, streams
from joulemark.cli.progress import checked, refuse, to_stderr
from joulemark.config import hydra_errors, option_help, typed_options
from joulemark.core import garbage, tracking
from joulemark.core.errors import UserError
from joulemark.core.suggest import choose, nearest

# Hydra's own flags, of which -m and --cfg are useful here
FLAGS = {
    *("--help", "-h", "--help-all", "--hydra-help", "--version", "--cfg", "-c", "--resolve", "--package", "-p"),
    *("--run", "-r", "--multirun", "-m", "--shell-completion", "-sc", "--config-path", "-cp", "--config-name", "-cn"),
    *("--config-dir", "-cd", "--experimental-rerun", "--info", "-i"),
}

# Flags that show what is composed, and what they may be given
SHOWN = dict.fromkeys(("--cfg", "-c"), ("job", "hydra", "all"))

# A path of the home folder in a value, a list of values, or values of a sweep; after a quote as far as that goes
HOME_PATH = re.compile(r"(?P<before>^|[\[,]\s*)(?:(?P<quote>['\"])(?P<path>~/[^'\"]*)|(?P<bare>~/[^,\]]*))")

# Commands whose plain arguments are files or runs
PLAIN = ("ingest", "export")


def start(command: Callable[[], None], name: str) -> int:
    """Starts a command and returns its exit code: 0 after its help, 2 for a mistake in the options, in one line.

    `name` is the command and its file in conf/.
    """
    streams.make_sturdy()
    garbage.none_at_exit()
    try:
        arguments = sys.argv[1:] = [expanded(argument) for argument in output.taken(sys.argv[1:])]
        if page := help_page(name, arguments):
            print(page)
            return 0
        check_flags(name, arguments)
        typed_options.check(arguments)
    except UserError as error:
        return refuse(error)
    if any(map(tracking.secret, tracking.addresses_of(arguments))):
        to_stderr(f"! everyone on this machine sees a password that is typed (ps): {tracking.UNSEEN}")
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # lets Hydra's errors come here instead of being printed its way
    try:
        command()
    except hydra_errors.COMPOSITION as error:
        return refuse(hydra_errors.explain(error, name, arguments))
    return 0


def expanded(argument: str) -> str:
    """An option with each path that begins with `~/`, which no shell expands there, as one of the home folder."""
    key, equals, value = argument.partition("=")
    if key.startswith("-"):  # a flag's value is no option's: nothing takes its quotes away
        return f"{key}{equals}{os.path.expanduser(value)}"
    return f"{key}{equals}{HOME_PATH.sub(_at_home, value)}"


def _at_home(path: re.Match[str]) -> str:
    """A path of the home folder, quoted as it was typed, and where it was not."""
    quote = path["quote"] or "'"
    home = os.path.expanduser(path["path"] or path["bare"]).replace(quote, f"\\{quote}")
    return f"{path['before']}{quote}{home}{'' if path['quote'] else quote}"


def leave(run: Callable[[], int]) -> NoReturn:
    """Leaves the process with the exit code of a composed command: 2 for a user's mistake, in one line."""
    sys.exit(checked(run))


def help_page(name: str, arguments: Sequence[str]) -> str | None:
    """The page of --help or --help-all; None where neither is among the arguments."""
    if "--help-all" in arguments:
        return pages.full(name, arguments)
    if {"--help", "-h"} & set(arguments):
        return pages.short(name)
    return None


def check_flags(name: str, arguments: Sequence[str]) -> None:
    """Refuses `--batch_size 8`, `--model=gpt2` and `batch_size 8`.

    Raises:
        UserError: how the option is written.
    """
    for argument, following in pairwise([*arguments, ""]):
        flag, has_value, value = argument.partition("=")
        if flag in SHOWN and (value or following) not in SHOWN[flag]:
            raise UserError(f"{choose(flag, value or following, SHOWN[flag])}")
        if flag in FLAGS:
            continue
        if flag.startswith("-"):
            key = flag.lstrip("-").replace("-", "_")
            key = nearest(key, _known(name)) or key
        elif not has_value and name not in PLAIN and argument in _known(name):
            key = argument
        else:
            continue
        if not has_value:
            value = following if following and "=" not in following and not following.startswith("-") else "VALUE"
        raise UserError(
            f"{tracking.public_override(argument)}: options are written {tracking.public_override(f'{key}={value}')}"
        )


def _known(name: str) -> list[str]:
    groups, options = option_help.groups(name), option_help.options(name)
    return [*(group.name for group in groups), *(option.key for option in options)]
