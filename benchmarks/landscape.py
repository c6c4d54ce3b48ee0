"""Energy and latency of every combination of some settings, all in one process: a landscape to search.

    python -m benchmarks.landscape OUT.jsonl model=distilbert_sst2 model.weights=random hardware=cuda samples=256 \\
        --over precision=fp32,tf32,bf16,fp16 batch_size=1,2,4,8,16,32,64,128,256 [--seconds 2] [--least 64]

Not how a sweep measures (there a trial has several windows, and the finalists have processes of their own): the model
is loaded once for all combinations that need the same one, each gets each of its batches once and then one window of
`--seconds`. A pass is whole batches, of at least `--least` inputs, the first ones. Type the plainest values first. Each
line of OUT has the settings and `wh` (GPU, gross, per 1,000), `p95_s`, `watts`, `requests` of the window and `warm_s`.
`benchmarks.search` searches it.
"""

import argparse
import itertools
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import fields
from pathlib import Path

from hydra import initialize_config_dir

from joulemark.config.compose import composed
from joulemark.config.run import Run
from joulemark.core import stats
from joulemark.core.errors import UserError
from joulemark.core.model import Loaded, Settings
from joulemark.core.paths import CONF
from joulemark.hardware import devices, host
from joulemark.measure.instruments import Clock, Instruments
from joulemark.measure.resident import shared_key
from joulemark.measure.runner import open_meters
from joulemark.measure.window import Workload, measure_window
from joulemark.measure.workload import workload_of
from joulemark.models.backend.checkpoint import fetch

KINDS = {setting.name: setting.type for setting in fields(Settings)}


def main() -> None:
    """Measures every combination, and writes each as it is known."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("words", nargs="*")
    parser.add_argument("--over", nargs="+", required=True, help="KEY=v1,v2 of each setting")
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--least", type=int, default=1, help="fewest inputs of a pass")
    asked = parser.parse_args()
    meter = [] if any(word.startswith("meter=") for word in asked.words) else ["meter=nvml"]
    groups = by_load([*asked.words, *meter], asked.over)
    meters, _ = open_meters(groups[0][0][1])
    device = devices.isolate(groups[0][0][1].hardware)
    with asked.out.open("w") as file:
        for group in groups:
            loaded = load(group, device)
            for point, run in group:
                found = measured(run, loaded, asked.least, Instruments(meters, busy_s=host.busy_s), asked.seconds)
                line = json.dumps({**typed(point), **found})
                print(line, flush=True)
                file.write(line + "\n")
                file.flush()
            del loaded


def by_load(words: Sequence[str], over: Sequence[str]) -> list[list[tuple[Sequence[str], Run]]]:
    """The combinations and their runs, those that need one loaded model beside each other; less those refused."""
    dimensions = [
        [f"{key}={value}" for value in values.split(",")] for key, _, values in (d.partition("=") for d in over)
    ]
    groups: dict[tuple[str, ...], list[tuple[Sequence[str], Run]]] = {}
    with initialize_config_dir(str(CONF), version_base="1.3"):
        for point in itertools.product(*dimensions):
            try:
                groups.setdefault(shared_key(point), []).append((point, composed([*words, *point])))
            except UserError as error:
                print(f"left out: {' '.join(point)}: {error}", flush=True)
    return [group for group in groups.values() if group]


def load(group: Sequence[tuple[Sequence[str], Run]], device: str) -> Loaded:
    """The model of a group, loaded for its largest batch: one that was tried with padded batches serves all."""
    run = max((run for _, run in group), key=lambda run: run.settings.batch_size)
    fetch(run.model.checkpoint)
    return run.model.load(run.task, device, run.settings)


def measured(run: Run, loaded: Loaded, least: int, instruments: Instruments, seconds: float) -> dict[str, float]:
    """One combination, warmed up."""
    size = run.settings.batch_size
    count = size * max(1, -(-least // size))
    samples = run.task.samples(count, run.seed).samples
    workload, _, _ = workload_of(run.settings, loaded, samples, range(len(samples)))
    began = time.perf_counter()
    for _ in whole_pass(workload):
        pass
    warm_s = time.perf_counter() - began
    window = measure_window(workload, seconds, instruments)
    joules, duration_s = window.readings[0].gpu_j, window.readings[0].duration_s
    return {
        "wh": rounded(joules / 3.6 / window.requests) if joules is not None else None,
        "p95_s": rounded(stats.percentiles(window.batch_s, list(workload.sizes) * window.passes, [95])[0]),
        "watts": rounded(joules / duration_s) if joules is not None else None,
        "requests": window.requests,
        "warm_s": rounded(warm_s),
    }


def whole_pass(workload: Workload) -> Iterator[object]:
    """Each batch once, prepared as in a window."""
    with closing(workload.calls(iter(workload.batches), Clock())) as calls:
        yield from calls


def rounded(number: float) -> float:
    """Five digits: what a window of seconds tells."""
    return float(f"{number:.5g}")


def typed(point: Sequence[str]) -> dict[str, object]:
    """The settings of a point as values."""
    pairs = (override.partition("=") for override in point)
    return {key: int(value) if KINDS.get(key) is int else value for key, _, value in pairs}


if __name__ == "__main__":
    main()
