"""A file of this machine that one process at a time holds, whoever's process it is; the file names the holder.

The operating system lets go of it when its process ends. It stays where it is: whoever removed it could give two
processes a lock each.
"""

import fcntl
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from joulemark.core.errors import UserError

# One folder for all users of the machine, unlike TMPDIR, which a session, a job or a service may have of its own
FOLDERS = (Path("/run/lock"), Path("/tmp"))
FOR_ALL = stat.S_IWOTH | stat.S_ISVTX  # everybody adds files, and removes none but their own
MODE = 0o666
POLL_S = 1.0  # longest interval between attempts


class HeldError(Exception):
    """Another process has the file; the message is its process id, or `unknown`."""


def folder() -> Path:
    """The folder that all users of this machine may write to: JOULEMARK_LOCKS, else the first that is as it must be."""
    if given := os.environ.get("JOULEMARK_LOCKS"):  # for jobs that each have a /tmp of their own
        return Path(given)
    return next((each for each in FOLDERS if each.is_dir() and each.stat().st_mode & FOR_ALL == FOR_ALL), FOLDERS[-1])


@contextmanager
def held(path: Path, wait_s: float) -> Iterator[None]:
    """Holds the file, waiting at most `wait_s` seconds for it; within it the file holds this process's id.

    Raises:
        HeldError: another process has it
        UserError: the file is a link, or is none that everybody may write to
    """
    descriptor = _opened(path)
    try:
        _take(descriptor, wait_s)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        try:
            yield
        finally:
            os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def _opened(path: Path) -> int:
    """The file, made where it is not there. No link is followed: in a folder for all it may be anybody's."""
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    try:
        try:
            descriptor = os.open(path, flags)
        except FileNotFoundError:  # apart, since Linux lets nobody *create* what is another's in such a folder
            descriptor = os.open(path, flags | os.O_CREAT, MODE)
    except OSError as error:
        raise UserError(f"{path} cannot be opened ({error.strerror}); whoever owns it must remove it") from None
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
        os.close(descriptor)
        raise UserError(f"{path} is no plain file; whoever owns it must remove it")
    if status.st_uid == os.geteuid() and status.st_mode & MODE != MODE:
        os.fchmod(descriptor, MODE)  # whatever the umask: other users wait for it, too
    return descriptor


def _take(descriptor: int, wait_s: float) -> None:
    until_s, pause_s = time.monotonic() + wait_s, min(POLL_S, max(0.05, wait_s / 100))
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until_s:
                raise HeldError(_holder(descriptor)) from None
            time.sleep(pause_s)


def _holder(descriptor: int) -> str:
    """Anybody may write to the file, so only digits of it are shown."""
    content = os.pread(descriptor, 10, 0).decode(errors="replace")
    return content if content.isascii() and content.isdigit() else "unknown"
