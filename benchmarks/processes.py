"""What a process of this program costs: seconds, and the most memory that it and each of its children held."""

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
EVERY_S = 0.05  # the kernel keeps the peak itself: nothing is missed but the last moment


def used(module: str, *words: str, codes: tuple[int, ...] = (0, 2, 3)) -> dict[str, Any]:
    """Runs a module; its seconds, its `peak_mb` and, where it starts others, the largest peak of these.

    The kernel's own peak of the program alone: what `wait4` returns holds the parent's memory as well.
    """
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", module, *words], cwd=ROOT, stdout=subprocess.DEVNULL)
    peaks: dict[int, float] = {}
    while process.poll() is None:
        for pid in (process.pid, *_children(process.pid)):
            peaks[pid] = max(peaks.get(pid, 0.0), _peak_mb(pid))
        time.sleep(EVERY_S)
    seconds = time.perf_counter() - began
    if process.returncode not in codes:
        raise SystemExit(f"{module} {' '.join(words)}: exit code {process.returncode}")
    own = peaks.pop(process.pid, 0.0)
    children = {"child_peak_mb": round(max(peaks.values()))} if peaks else {}
    return {"seconds": round(seconds, 2), "peak_mb": round(own), **children}


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [int(word) for word in task.read_text().split()]
        except OSError:  # it has ended
            continue
    return found


def _peak_mb(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("VmHWM")), 0.0)
