"""Runs a list of measurements in one call and brings the records back as files.

    python -m benchmarks.session benchmarks/gpu.txt OUT

Each line of the list is the words of one `python -m src.run`; `#` starts a comment. OUT gets `results.jsonl` (words,
seconds, exit code and the run's last line), `log.txt` (all that the runs printed) and `mlruns.tar.gz`.
"""

import argparse
import json
import os
import shlex
import subprocess
import sys
import tarfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Runs every line, whatever the others do; the exit code is the number of runs that failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("list", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--limit-s", type=float, default=600.0, help="start no run after so many seconds")
    words = parser.parse_args()
    words.out.mkdir(parents=True, exist_ok=True)
    runs = words.out / "mlruns"
    lines = [line for line in words.list.read_text().splitlines() if line.split("#")[0].strip()]
    began, failed = time.monotonic(), 0
    with (words.out / "results.jsonl").open("w") as results, (words.out / "log.txt").open("w") as log:
        for line in lines:
            if time.monotonic() - began > words.limit_s:
                print(f"not run, the time is up: {line}")
                continue
            failed += not one(line.split("#")[0], runs, results, log)
    with tarfile.open(words.out / "mlruns.tar.gz", "w:gz") as archive:
        archive.add(runs, "mlruns")
    subprocess.run(["rm", "-rf", str(runs)], check=True)
    return failed


def one(line: str, runs: Path, results: "object", log: "object") -> bool:
    """One run; prints a line about it and returns whether it finished."""
    runs.mkdir(exist_ok=True)
    store = f"sqlite:///{(runs / 'mlflow.db').resolve()}"
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "src.run", *shlex.split(line), f"tracking_uri={store}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    seconds = time.monotonic() - began
    log.write(f"$ {line}\n{done.stdout}\n{done.stderr}\n")  # type: ignore[attr-defined]
    log.flush()  # type: ignore[attr-defined]
    try:
        last = json.loads(done.stdout.strip().splitlines()[-1])
    except (IndexError, ValueError):
        last = None
    results.write(json.dumps({"words": line, "seconds": seconds, "exit": done.returncode, "last": last}) + "\n")  # type: ignore[attr-defined]
    results.flush()  # type: ignore[attr-defined]
    wh = (last or {}).get("metrics", {}).get("energy/gpu_wh_per_1k")
    print(f"{done.returncode}  {seconds:6.1f} s  {wh} Wh/1k GPU  {line}", flush=True)
    if done.returncode:
        print(done.stderr[-2000:], flush=True)
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
