"""A second process on the card, started on purpose: does a run see it?

    python -m benchmarks.contaminated [words of python -m src.run …] [--pause-s 20]

Starts a process that multiplies matrices without end, begins the run beside it, and prints what the run says of its
neighbour: the flags and verdict of its last line. With `--pause-s` the neighbour comes so many seconds after the run
began, so that it is not there when the run looks first. The exit code is 0 where the run is marked `contaminated`.
"""

import argparse
import subprocess
import sys
import time

NEIGHBOUR = """
import torch
a = torch.randn(4096, 4096, device="cuda")
print("on the card", flush=True)
while True:
    a @ a
    torch.cuda.synchronize()
"""


def main() -> int:
    """Runs both and compares."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("words", nargs="*")
    parser.add_argument("--pause-s", type=float, default=0.0)
    asked = parser.parse_args()
    run = [sys.executable, "-m", "src.run", *asked.words]
    if not asked.pause_s:
        neighbour = _neighbour()
        done = subprocess.run(run, capture_output=True, text=True)
    else:
        process = subprocess.Popen(run, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        time.sleep(asked.pause_s)
        neighbour = _neighbour()
        out, err = process.communicate()
        done = subprocess.CompletedProcess(run, process.returncode, out, err)
    neighbour.kill()
    print(done.stdout, done.stderr[-2000:], f"exit {done.returncode}", sep="\n")
    return 0 if "contaminated" in done.stdout else 1


def _neighbour() -> subprocess.Popen[str]:
    """The process, once it is on the card."""
    process = subprocess.Popen([sys.executable, "-c", NEIGHBOUR], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    return process


if __name__ == "__main__":
    sys.exit(main())
