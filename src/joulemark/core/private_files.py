"""Files that are their user's own: nobody else reads them, but for the group of a user whose umask shares with it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock

OTHERS = 0o007
GROUP_AND_OTHERS = 0o077
USUAL = 0o022  # what systems start with: it says nothing of whom a user means to share with

_ONE_AT_A_TIME = RLock()  # a umask is the whole process's


def umask(usual: int) -> int:
    """The umask of private files under a user's: 002, 007 and 027 share with the group, and with nobody else."""
    return GROUP_AND_OTHERS if usual & GROUP_AND_OTHERS == USUAL else usual | OTHERS


@contextmanager
def private_files() -> Iterator[None]:
    """Within it new files and folders of this process, and of those that it starts, are private."""
    with _ONE_AT_A_TIME:
        before = os.umask(GROUP_AND_OTHERS)
        os.umask(umask(before))
        try:
            yield
        finally:
            os.umask(before)
