"""What a user or a row of data can get wrong: one line that says what, and what to do instead."""


class UserError(Exception):
    """A mistake the user can mend: one line that says what was wrong and what to type instead (exit code 2).

    What it quotes of a file or a name may hold line breaks: they become spaces.
    """

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.splitlines()))


class BadRowError(Exception):
    """A row of the data that cannot be used; its message says why. A few are skipped and counted, many stop the run."""
