"""How much memory several processes take together, whatever else runs: from what the kernel says of each mapping.

A page of a file that two processes map (a library's code) is there once, a page that a process filled or changed is its
own. So the sum is all that is private or anonymous of each process, and of each stretch of a file the pages of the
process that has most of it. Unlike PSS it does not depend on processes that are not asked about. Linux.
"""

from collections.abc import Iterable
from pathlib import Path

MB = 1e6
Stretch = tuple[str, ...]  # device, inode, path and offset of what is mapped


def together_mb(pids: Iterable[int]) -> float:
    """Megabytes that the processes have in memory, shared pages of files counted once."""
    own_kb, files = 0, {}
    for pid in pids:
        of_it_kb, mapped = resident(pid)
        own_kb += of_it_kb
        for stretch, kb in mapped.items():
            files[stretch] = max(files.get(stretch, 0), kb)
    return (own_kb + sum(files.values())) * 1024 / MB


def resident(pid: int) -> tuple[int, dict[Stretch, int]]:
    """kB that are the process's own, and kB of each stretch of a file that it maps; nothing of one that has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps").read_text().splitlines()
    except OSError:
        return 0, {}
    own_kb, files, stretch, rss_kb = 0, dict[Stretch, int](), (), 0
    for line in lines:
        name, _, rest = line.partition(" ")
        if not name.endswith(":"):  # 7f2a…-7f2b… r-xp offset device inode path
            _, offset, device, inode, *path = rest.split(maxsplit=4)
            stretch = () if inode == "0" else (device, inode, *path, offset)
        elif name == "Rss:":
            rss_kb = int(rest.split()[0])
        elif name == "Anonymous:":
            anonymous_kb = int(rest.split()[0]) if stretch else rss_kb
            own_kb += anonymous_kb
            if rss_kb > anonymous_kb:
                files[stretch] = files.get(stretch, 0) + rss_kb - anonymous_kb
    return own_kb, files


def family(pid: int) -> list[int]:
    """A process and all that descend from it."""
    found = [pid]
    for one in found:
        for task in Path(f"/proc/{one}/task").glob("*/children"):
            try:
                found += [int(word) for word in task.read_text().split()]
            except OSError:  # it has ended
                continue
    return found
