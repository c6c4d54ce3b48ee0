"""How another process ended, seen from one that is not its parent: its exit status, and what it left as last words."""

import fcntl
import os
import struct
import time
from contextlib import suppress
from pathlib import Path

from joulemark.core import signals

SEEN_S = 5.0  # how long an exit status is looked for: files are closed before a process is over

# struct pidfd_info of linux/pidfd.h: u64 mask, u64 cgroup id, 11 × u32 ids, s32 exit code (Linux 6.15 and later)
_INFO = struct.Struct("=QQ11Ii")
_INFO_EXIT = 1 << 3
_GET_INFO = (3 << 30) | (_INFO.size << 16) | (0xFF << 8) | 11  # _IOWR(0xFF, 11, struct pidfd_info)


def own_handle() -> int | None:
    """A pidfd of this process, for a child that is to tell how it ended; None where the system has none."""
    with suppress(OSError, AttributeError):
        return os.pidfd_open(os.getpid())
    return None


class Ending:
    """Watches one process from now on, at no cost until it is asked; `handle` is its pidfd, where it gave one."""

    def __init__(self, process: int, handle: int | None = None) -> None:
        self._process, self._handle = process, handle
        self._starved = _out_of_memory_kills()

    def reason(self) -> str | None:
        """One sentence with `{when}` for the step; None where nobody saw the exit status."""
        code = self._code()
        if code is None:
            return None
        if code >= 0:
            return f"the process ended itself with exit code {code} {{when}}, before the run was over"
        name = signals.name(-code)
        if code != -signals.SIGKILL:
            return f"the process was ended by {name} {{when}}"
        starved = _out_of_memory_kills() > self._starved
        return f"killed by {name} {{when}}" + ("; meanwhile this host ran out of memory" if starved else "")

    def _code(self) -> int | None:
        """The exit code, negative for a signal's number."""
        until = time.monotonic() + SEEN_S
        while time.monotonic() < until:
            status = _of_a_reaped(self._handle)
            if status is None:
                status = _of_a_zombie(self._process)
            if status is not None:
                return os.waitstatus_to_exitcode(status)
            if not Path(f"/proc/{self._process}").exists():  # reaped, by a kernel that does not tell afterwards
                return None
            time.sleep(0.02)
        return None


def _of_a_reaped(handle: int | None) -> int | None:
    if handle is None:
        return None
    request = bytearray(_INFO.pack(_INFO_EXIT, *(0,) * 13))
    try:
        fcntl.ioctl(handle, _GET_INFO, request)
    except OSError:
        return None
    mask, *_, status = _INFO.unpack(request)
    return int(status) if mask & _INFO_EXIT else None


def _of_a_zombie(process: int) -> int | None:
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return int(fields[-1]) if fields[0] == "Z" else None


def _out_of_memory_kills() -> int:
    """Processes that the kernel has killed for lack of memory since boot; 0 where it does not tell."""
    with suppress(OSError, ValueError):
        for line in Path("/proc/vmstat").read_text().splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return 0
