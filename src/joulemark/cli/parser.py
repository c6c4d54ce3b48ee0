"""The few options of commands that Hydra does not compose, as flags; a mistake in them is one line."""

import argparse
from typing import NoReturn

from joulemark.core.errors import UserError
from joulemark.core.paths import program


class Parser(argparse.ArgumentParser):
    """The parser of one command."""

    def __init__(self, command: str, description: str | None) -> None:
        super().__init__(prog=program(command), description=description, formatter_class=argparse.RawTextHelpFormatter)
        self._command = command

    def error(self, message: str) -> NoReturn:
        """Raises UserError with the message, in place of a usage page."""
        raise UserError(f"{message}; {program(self._command)} --help shows how")
