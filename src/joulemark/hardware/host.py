"""The machine and software a run is measured on, read once before anything is loaded."""

import hashlib
import os
import platform
import subprocess
from collections.abc import Sequence
from functools import cache
from importlib import metadata
from pathlib import Path

from joulemark.core.environment import Environment
from joulemark.core.paths import CHECKOUT, CONF, PACKAGE

PACKAGES = ("torch", "transformers", "diffusers", "datasets", "tokenizers", "accelerate", "codecarbon", "mlflow")


def snapshot() -> Environment:
    """Operating system, processor, memory, packages and the program's revision; None where unknown."""
    import psutil

    commit, dirty = revision()
    return Environment(
        os=platform.platform(),
        python=platform.python_version(),
        cpu=cpu_name(),
        cpu_cores=os.cpu_count(),
        usable_cores=cores(),
        omp_threads=omp_threads(),
        memory_bytes=psutil.virtual_memory().total,
        packages={name: version(name) for name in PACKAGES},
        git_revision=commit,
        git_dirty=dirty,
    )


def cores() -> int:
    """The processor cores available to this process; in a container or a job often fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def omp_threads() -> int | None:
    """The number that OMP_NUM_THREADS begins with: threads of the outermost parallel region; None where it is unset."""
    first = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return int(first) if first.isdecimal() else None


def cpu_name() -> str | None:
    """The processor's marketing name, from the kernel (Linux) or sysctl (macOS)."""
    if platform.system() == "Darwin":
        return _output(["sysctl", "-n", "machdep.cpu.brand_string"])
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return None
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), None)


def version(package: str) -> str | None:
    """The installed version of a package without importing it; None if it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        # mlflow-skinny is the same tracking client without the server
        return version("mlflow-skinny") if package == "mlflow" else None


def revision() -> tuple[str | None, bool | None]:
    """The git commit of this checkout and whether it was changed since; None outside git."""
    commit = _output(["git", "-C", str(CHECKOUT), "rev-parse", "HEAD"]) if CHECKOUT else None
    status = _output(["git", "-C", str(CHECKOUT), "status", "--porcelain"]) if commit else None
    return commit, None if status is None else bool(status)


@cache
def code_digest() -> str:
    """SHA-256 of this program's modules and configuration but saved settings, 16 hexadecimal digits."""
    digest = hashlib.sha256()
    for folder, pattern in ((PACKAGE, "*.py"), (CONF, "*.yaml")):
        for path in sorted(path for path in folder.rglob(pattern) if path.parent != CONF / "tuned"):
            digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def busy_s() -> float:
    """Seconds the host's processors have been busy since boot, the mean over its cores."""
    import psutil

    times = psutil.cpu_times()
    idle = times.idle + getattr(times, "iowait", 0.0)
    # guest time is already inside user time on Linux
    total = sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)
    return float(total - idle) / (os.cpu_count() or 1)


def own_busy_s(servers: Sequence[int] = ()) -> float:
    """Processor seconds of this process, all its descendants and a server's processes since they began, the mean over
    the host's cores."""
    import psutil

    process = psutil.Process()
    seconds, children = 0.0, process.children(recursive=True)
    others = set(servers) - {process.pid, *(child.pid for child in children)}
    for each in (process.pid, *(child.pid for child in children), *others):
        try:
            times = psutil.Process(each).cpu_times()
        except psutil.Error:  # it ended in between
            continue
        seconds += times.user + times.system
    ended = process.cpu_times()
    seconds += getattr(ended, "children_user", 0.0) + getattr(ended, "children_system", 0.0)
    return seconds / (os.cpu_count() or 1)


def _output(command: list[str]) -> str | None:
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=5, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return result.stdout.strip()
