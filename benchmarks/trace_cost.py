"""What a power trace costs: the sampling process's CPU time, and the work's rate with and without it, interleaved.

    python -m benchmarks.trace_cost [--hz 10] [--pairs 10] [--seconds 5] [--uuid GPU-…] [--driver pynvml] [--threads 1]

The work is a matrix product by numpy on the CPU, with so many threads of the library. Prints one line a pair, then
the CPU seconds of the sampling process per minute of sampling and the median ratio with / without with its spread,
beside the same ratio of two sides that both go without: the noise. Off a GPU `--driver tests.meters.card --uuid GPU-b`
stands in for the driver, which leaves out what a real read costs.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable

import psutil

from joulemark.core.machine import Hardware
from joulemark.meters.trace import Trace


def main() -> None:
    """Times the pairs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hz", type=float, default=10.0)
    parser.add_argument("--pairs", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--uuid", default=None)
    parser.add_argument("--driver", default="pynvml")
    parser.add_argument("--threads", type=int, default=1)
    asked = parser.parse_args()
    os.environ["OPENBLAS_NUM_THREADS"] = str(asked.threads)  # before numpy comes in
    work = product()
    meter = Trace(hz=asked.hz, driver=asked.driver)
    meter.open(Hardware("card", "cuda", (), uuid=asked.uuid or first_card()))
    process = psutil.Process(meter.pid)
    idle_began = cpu_s(process)
    rate(work, asked.seconds)
    print(f"{meter.sensor} power, {asked.hz:g} Hz; asleep between windows {cpu_s(process) - idle_began:.3f} CPU s")
    ratios, noise, used_s, sampled_s, samples = [], [], 0.0, 0.0, 0
    for pair in range(asked.pairs):
        sides = ["with", "without", "without again"]
        rates = {}
        for side in sides[pair % 3 :] + sides[: pair % 3]:  # each side goes first alike, so that a drift favours none
            if side != "with":
                rates[side] = rate(work, asked.seconds)
                continue
            meter.start()
            began = cpu_s(process)
            rates[side] = rate(work, asked.seconds)
            used_s += cpu_s(process) - began
            sampled_s += asked.seconds
            samples += len(meter.stop().trace)
        ratios.append(rates["with"] / rates["without"])
        noise.append(rates["without again"] / rates["without"])
        print(f"pair {pair + 1}: with/without {ratios[-1]:.4f}, without/without {noise[-1]:.4f}", flush=True)
    meter.close()
    print(f"sampling process: {used_s / sampled_s * 60:.3f} CPU s a minute, {samples / sampled_s:.1f} samples a second")
    print(f"with / without: {spread(ratios)}; noise, without / without: {spread(noise)}")


def product() -> Callable[[], object]:
    """A matrix product of about ten milliseconds on one core."""
    import numpy

    values = numpy.random.default_rng(0).standard_normal((512, 512)).astype("float32")
    return lambda: values @ values


def rate(work: Callable[[], object], seconds: float) -> float:
    """Calls per second."""
    began, calls = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        work()
        calls += 1
    return calls / (time.perf_counter() - began)


def cpu_s(process: psutil.Process) -> float:
    """CPU seconds the process has used, to the nanosecond where Linux tells them."""
    try:
        with open(f"/proc/{process.pid}/schedstat") as file:
            return int(file.read().split()[0]) / 1e9
    except OSError:
        times = process.cpu_times()
        return times.user + times.system


def spread(ratios: list[float]) -> str:
    """Median, standard deviation, smallest and largest."""
    return (
        f"median {statistics.median(ratios):.4f}, sd {statistics.stdev(ratios):.4f} "
        f"({min(ratios):.4f} to {max(ratios):.4f}, n={len(ratios)})"
    )


def first_card() -> str:
    """The UUID of the driver's first card."""
    import pynvml

    pynvml.nvmlInit()
    uuid = pynvml.nvmlDeviceGetUUID(pynvml.nvmlDeviceGetHandleByIndex(0))
    return uuid.decode() if isinstance(uuid, bytes) else str(uuid)


if __name__ == "__main__":
    main()
