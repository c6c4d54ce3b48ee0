"""How long the study's raw data takes to become runs in a new sqlite store, and how long a second time.

    python -m benchmarks.ingest FOLDER

Prints seconds and runs/s of reading, of writing, and of finding that all is there; the issue asks for 4,170 runs under
120 s. One process; making MLflow's tables is in the writing.
"""

import os
import resource
import sys
import tempfile
import time
from pathlib import Path

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
LIMIT_S = 120.0


def main() -> int:
    """Measures the three; the exit code is 1 where writing took longer than the limit."""
    from joulemark.analysis.external import formats

    began = time.perf_counter()
    contents = formats.read([Path(word) for word in sys.argv[1:]])
    _say("read", len(contents.results), time.perf_counter() - began)
    from joulemark.store import external

    with tempfile.TemporaryDirectory() as folder:
        uri, took = f"sqlite:///{folder}/mlflow.db", {}
        for name in ("written", "known"):
            began, cpu = time.perf_counter(), time.process_time()
            new = external.save_external(uri, contents.results)
            took[name] = time.perf_counter() - began
            _say(name, len(contents.results), took[name], f", {time.process_time() - cpu:.1f} s of CPU, {new} new")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory {peak:.0f} MiB, load of the host {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    return int(took["written"] > LIMIT_S)


def _say(what: str, count: int, seconds: float, more: str = "") -> None:
    print(f"{what:8} {count} runs in {seconds:.1f} s, {count / seconds:,.0f} runs/s{more}")


if __name__ == "__main__":
    sys.exit(main())
