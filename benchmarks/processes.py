"""What a process of this program costs: seconds, and the most memory that it and each of its children held.

`peak_mb` is all that was resident, the pages of libraries among it, which processes share and the system can drop;
`own_mb` is what the process itself filled (anonymous memory). `together_mb` is the most that it and all that descend
from it held at one time, a page that several share counted once (benchmarks/memory.py).
"""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks import memory

ROOT = Path(__file__).resolve().parent.parent
EVERY_S = 0.1  # the kernel keeps the peak of each process itself; of all together it is sampled


def used(module: str, *words: str, codes: tuple[int, ...] = (0, 2, 3)) -> dict[str, Any]:
    """Runs a module; its seconds, those of its processors, its megabytes, and those of the largest process it started.

    Read from the kernel while it runs: what `wait4` returns of memory holds the parent's as well.
    """
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", module, *words], cwd=ROOT, stdout=subprocess.DEVNULL)
    most: dict[int, tuple[float, float]] = {}
    together_mb = 0.0
    while os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        family = memory.family(process.pid)
        for pid in family:
            read = _memory(pid)
            most[pid] = tuple(map(max, most.get(pid, (0.0, 0.0)), read))  # type: ignore[assignment]
        together_mb = max(together_mb, memory.together_mb(family))
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
    return {**costs, "own_mb": round(own), **of_child, "together_mb": round(together_mb)}


def _memory(pid: int) -> tuple[float, float]:
    """Megabytes: the kernel's own peak of all that was resident, and what is anonymous now."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0, 0.0
    values = {line.split(":")[0]: int(line.split()[1]) * 1024 / 1e6 for line in lines if line.endswith(" kB")}
    return values.get("VmHWM", 0.0), values.get("RssAnon", 0.0)
