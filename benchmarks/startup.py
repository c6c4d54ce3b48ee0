"""Where the seconds go around the measuring: command to model load, load to first warm-up, last inference to exit.

    python -m benchmarks.startup [words of python -m src.run …] [--runs 5]

Times the plain lines that a run prints on standard error at the start of each phase, and a refused command beside
them. Prints the median over the runs. The idle baseline is the protocol's and is not counted as start-up.
"""

import argparse
import statistics
import subprocess
import sys
import time


def phases(words: list[str]) -> dict[str, float]:
    """Seconds from the command to each phase's line, and to the exit."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "src.run", *words], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    )
    seen: dict[str, float] = {}
    assert process.stderr is not None
    for line in process.stderr:
        seen.setdefault(line.strip(), time.perf_counter() - began)
    if process.wait():
        sys.exit(f"the run failed: {list(seen)}")
    return {**seen, "exit": time.perf_counter() - began}


def main() -> None:
    """Prints the median seconds of each stretch."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("words", nargs="*", default=["protocol=smoke"])
    parser.add_argument("--runs", type=int, default=5)
    asked = parser.parse_args()
    runs = [phases(asked.words) for _ in range(asked.runs)]
    refused = []
    for _ in range(asked.runs):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-m", "src.run", "model=blomz"], stderr=subprocess.DEVNULL)
        refused.append(time.perf_counter() - began)
    stretches = {
        "command to loading": [run["loading"] for run in runs],
        "loading (import of the architecture included)": [run["idle"] - run["loading"] for run in runs],
        "scoring, recording, exit": [run["exit"] - run["scoring"] for run in runs],
        "a refused command": refused,
    }
    for name, seconds in stretches.items():
        print(f"{name}: median {statistics.median(seconds):.2f} s (min {min(seconds):.2f}, max {max(seconds):.2f})")


if __name__ == "__main__":
    main()
