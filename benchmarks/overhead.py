"""What measuring costs: the same calls bare and instrumented, in interleaved pairs within one process.

    python -m benchmarks.overhead [words of python -m src.run …] [--pairs 10] [--seconds 10] [--slices 20]

Prints what the edges of an empty window cost and, on an NVIDIA card, one read of its counter; what the loop of a window
adds to a call, in processor time; then the throughput of each pair and the median ratio instrumented / bare, and how
resident memory grew over ten times the passes. The instrumented side is `measure.window.measure_window` with the meters
of the run and the progress display.
"""

import argparse
import resource
import statistics
import time
from dataclasses import replace

from hydra import initialize_config_dir

from joulemark.cli.console import Status
from joulemark.config.compose import composed
from joulemark.core.paths import CONF
from joulemark.data.batching import split
from joulemark.hardware import devices, host
from joulemark.measure.instruments import Instruments
from joulemark.measure.runner import open_meters
from joulemark.measure.window import Workload, measure_window
from joulemark.models.backend.checkpoint import fetch


def main() -> None:
    """Loads the run's model once and times the pairs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("words", nargs="*")
    parser.add_argument("--pairs", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=10.0, help="of each side of a pair")
    parser.add_argument("--slices", type=int, default=20, help="in which the sides of a pair take turns")
    asked = parser.parse_args()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        run = composed(asked.words)
    inputs = [sample.input for sample in run.task.samples(run.samples, run.seed).samples]
    batches = split(inputs, run.batch_size)
    fetch(run.model.checkpoint)
    meters, absent = open_meters(run)
    predict = run.model.load(run.task, devices.isolate(run.hardware), run.settings).predict
    print(
        f"{run.label} {run.task.name} batch {run.batch_size}: meters {[m.name for m in meters]}, absent {list(absent)}"
    )
    _edges(meters, run.hardware)
    workload = Workload(predict, batches)
    for batch in batches[:50]:
        predict(batch)

    ratios = []
    with Status() as progress:
        instruments = Instruments(meters, busy_s=host.busy_s, progress=progress)
        _loop(instruments)
        for pair in range(asked.pairs):
            plain, measured = alternating(workload, instruments, asked.seconds, asked.slices)
            ratios.append(measured / plain)
            print(
                f"pair {pair + 1}: bare {plain:.2f}/s, instrumented {measured:.2f}/s, ratio {ratios[-1]:.4f}",
                flush=True,
            )
        print(f"median ratio {statistics.median(ratios):.4f} (min {min(ratios):.4f}, max {max(ratios):.4f})")
        _memory(workload, instruments)


def alternating(workload, instruments, seconds, slices) -> tuple[float, float]:
    """Requests per second bare and instrumented, each for so many seconds in short slices that take turns.

    A host whose speed changes within seconds is as fast for the one as for the other.
    """
    sides: list[list[tuple[int, float]]] = [[], []]
    for place in range(slices):
        for side in (0, 1) if place % 2 else (1, 0):  # which goes first alternates, so that a drift favours neither
            if side:
                window = measure_window(workload, seconds / slices, instruments)
                sides[side].append((window.requests, window.duration_s))
            else:
                sides[side].append(bare(workload.call, workload.batches, seconds / slices))
    plain, measured = (sum(count for count, _ in side) / sum(took for _, took in side) for side in sides)
    return plain, measured


def bare(predict, batches, seconds) -> tuple[int, float]:
    """Requests and seconds of whole passes that do nothing else."""
    began, requests = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        for batch in batches:
            predict(batch)
        requests += sum(map(len, batches))
    return requests, time.perf_counter() - began


def _edges(meters, device) -> None:
    """Seconds that the meters take around a window, and that one read of the card's counter takes."""
    for meter in meters:
        took = []
        for _ in range(5):
            began = time.perf_counter()
            Instruments([meter]).metered(lambda: time.sleep(0.2))
            took.append(time.perf_counter() - began - 0.2)
        print(f"both edges of {meter.name}: median {statistics.median(took) * 1000:.1f} ms")
    if device.uuid is None:
        return
    import pynvml

    card, reads = pynvml.nvmlDeviceGetHandleByUUID(device.uuid), []
    for _ in range(100):
        began = time.perf_counter()
        pynvml.nvmlDeviceGetTotalEnergyConsumption(card)
        reads.append(time.perf_counter() - began)
    print(f"one read of the counter: median {statistics.median(reads) * 1e3:.2f} ms (max {max(reads) * 1e3:.2f})")


def _loop(instruments) -> None:
    """Microseconds that a window's loop adds to each call: two reads of the clock, the count, the progress."""
    empty, added = [[None]] * 100_000, []
    for _ in range(5):
        began = time.thread_time()
        for batch in empty:
            _nothing(batch)
        between = time.thread_time()
        measure_window(Workload(_nothing, empty), 0.0, instruments)
        added.append((time.thread_time() - between - (between - began)) / len(empty))
    print(f"a window's loop adds {statistics.median(added) * 1e6:.2f} us a call (max {max(added) * 1e6:.2f})")


def _nothing(batch) -> list:
    return []


def _memory(workload, instruments) -> None:
    few, sizes = replace(workload, batches=workload.batches[: max(1, len(workload.batches) // 20)]), []
    for passes in (1, 10):
        for _ in range(passes):
            measure_window(few, 0.0, instruments)
        sizes.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    print(f"peak resident memory after 1 pass {sizes[0]:.0f} MiB, after 11 passes {sizes[1]:.0f} MiB")


if __name__ == "__main__":
    main()
