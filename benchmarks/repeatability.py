"""How much the same run differs from process to process: the coefficient of variation of its GPU energy.

    python -m benchmarks.repeatability benchmarks/repeats.txt OUT [--times 10] [--limit-s 600]

Each line of the list is the words of one `python -m src.run`. All processes start together, import the heavy packages
and wait; then they run one after the other, each with its own context on the card, its own allocator and kernels, its
own warm-up. OUT gets `repeats.jsonl`, a line for each run as it ends.

Two lists on two cards of one machine at once: give each its own processors and card, as `taskset -c 0-15 env
CUDA_VISIBLE_DEVICES=0 …`, and `hardware.index=1` in the words of the second.
"""

import argparse
import json
import shlex
import statistics
import subprocess
import sys
import time
from pathlib import Path

# Waits for a word of the parent before anything of the run, or of the card, is touched. torchao is left to the run: it
# opens the card as it is imported, and a context of a process that waits is a guest in the others' measurements.
FRESH = """
import sys
import torch
from transformers import AutoConfig, AutoTokenizer
print("ready", flush=True)
sys.stdin.readline()
from joulemark.cli.run import main
sys.exit(main())
"""


def main() -> int:
    """Runs every line so many times and prints the spread of each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("list", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--limit-s", type=float, default=600.0, help="begin no run after so many seconds")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    lines = [line for line in asked.list.read_text().splitlines() if line.split("#")[0].strip()]
    began, store = time.monotonic(), f"tracking_uri=sqlite:///{(asked.out / 'mlflow.db').resolve()}"
    waiting = [(line, fresh([*shlex.split(line), store])) for _ in range(asked.times) for line in lines]
    for _, process in waiting:
        assert process.stdout is not None
        process.stdout.readline()
    print(f"{len(waiting)} processes ready after {time.monotonic() - began:.0f} s", flush=True)
    found: dict[str, list[float]] = {line: [] for line in lines}
    with (asked.out / "repeats.jsonl").open("w") as kept:
        for line, process in waiting:
            if time.monotonic() - began > asked.limit_s:
                process.kill()
                continue
            at = time.monotonic()
            out, err = process.communicate("\n")
            last = _last(out)
            wh = (last or {}).get("metrics", {}).get("energy/gpu_wh_per_1k")
            kept.write(json.dumps({"words": line, "exit": process.returncode, "last": last}) + "\n")
            kept.flush()
            print(f"{process.returncode}  {time.monotonic() - at:5.1f} s  {wh} Wh/1k GPU  {line}", flush=True)
            if process.returncode:
                print(err[-2000:], flush=True)
            elif wh is not None:
                found[line].append(wh)
    for line, values in found.items():
        print(f"n={len(values)} {spread(values)}  {line}")
    return 0 if all(len(values) == asked.times for values in found.values()) else 1


def fresh(words: list[str]) -> subprocess.Popen[str]:
    """A process that has imported its packages and waits for a line before it does anything else."""
    pipe = subprocess.PIPE
    return subprocess.Popen([sys.executable, "-c", FRESH, *words], stdin=pipe, stdout=pipe, stderr=pipe, text=True)


def spread(values: list[float]) -> str:
    """Mean, coefficient of variation, smallest and largest."""
    if len(values) < 2:
        return f"{values}"
    mean = statistics.fmean(values)
    return f"mean {mean:.5g}, CV {statistics.stdev(values) / mean:.2%}, {min(values):.5g} to {max(values):.5g}"


def _last(out: str) -> dict[str, object] | None:
    try:
        found: dict[str, object] = json.loads(out.strip().splitlines()[-1])
    except (IndexError, ValueError):
        return None
    return found


if __name__ == "__main__":
    sys.exit(main())
