"""What a process of this program costs: seconds, and the most memory that it and each of its children held.

`peak_mb` is all that was resident, the pages of libraries among it, which processes share and the system can drop;
`own_mb` is what the process itself filled (anonymous memory). `together_mb` and `together_pss_mb` are the most that all
of them held at one time: the first is what was resident of each, added up, which counts a page that two share twice; in
the second each has its part of such a page (PSS), which is what they take of the machine.
"""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
EVERY_S = 0.05  # the kernel keeps the peak itself: nothing is missed but the last moment


def used(module: str, *words: str, codes: tuple[int, ...] = (0, 2, 3)) -> dict[str, Any]:
    """Runs a module; its seconds, those of its processors, its megabytes, and those of the largest process it started.

    Read from the kernel while it runs: what `wait4` returns of memory holds the parent's as well.
    """
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", module, *words], cwd=ROOT, stdout=subprocess.DEVNULL)
    most: dict[int, tuple[float, float]] = {}
    together = (0.0, 0.0)
    while os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        family = (process.pid, *_children(process.pid))
        for pid in family:
            read = _memory(pid)
            most[pid] = tuple(map(max, most.get(pid, (0.0, 0.0)), read))  # type: ignore[assignment]
        now = [sum(parts) for parts in zip(*map(_shares, family), strict=True)]
        together = (max(together[0], now[0]), max(together[1], now[1]))
        time.sleep(EVERY_S)
    seconds = time.perf_counter() - began
    _, status, spent = os.wait4(process.pid, 0)
    code = process.returncode = os.waitstatus_to_exitcode(status)
    if code not in codes:
        raise SystemExit(f"{module} {' '.join(words)}: exit code {code}")
    peak, own = most.pop(process.pid, (0.0, 0.0))
    costs = {"seconds": round(seconds, 2), "cpu_s": round(spent.ru_utime + spent.ru_stime, 2), "peak_mb": round(peak)}
    if not most:
        return {**costs, "own_mb": round(own)}
    peak, child_own = max(most.values())
    of_child = {"child_peak_mb": round(peak), "child_own_mb": round(child_own)}
    of_all = {"together_mb": round(together[0]), "together_pss_mb": round(together[1])}
    return {**costs, "own_mb": round(own), **of_child, **of_all}


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [int(word) for word in task.read_text().split()]
        except OSError:  # it has ended
            continue
    return found


def _memory(pid: int) -> tuple[float, float]:
    """Megabytes: the kernel's own peak of all that was resident, and what is anonymous now."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0, 0.0
    values = {line.split(":")[0]: int(line.split()[1]) * 1024 / 1e6 for line in lines if line.endswith(" kB")}
    return values.get("VmHWM", 0.0), values.get("RssAnon", 0.0)


def _shares(pid: int) -> tuple[float, float]:
    """Megabytes that are resident now, and with each shared page divided among those who share it."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    except OSError:
        return 0.0, 0.0
    values = {line.split(":")[0]: int(line.split()[1]) * 1024 / 1e6 for line in lines}
    return values.get("Rss", 0.0), values.get("Pss", 0.0)
