"""Energy and latency of every combination of batch size and precision, all in one process: a landscape to search.

    python -m benchmarks.landscape OUT.jsonl model=distilbert_sst2 model.weights=random hardware=cuda samples=256 \\
        --batches 1 2 4 8 16 32 64 128 256 --precisions fp32 tf32 bf16 fp16 int8 fp8

Not how a sweep measures (there each trial is a process of its own): the model is loaded once for each precision, every
batch size gets each of its batches once and then one window of `--seconds`. Each line of OUT has the setting and `wh`
(GPU, gross, per 1,000), `p95_s`, `watts` and `requests`. `benchmarks.search` searches it.
"""

import argparse
import json
import time
from pathlib import Path

from hydra import initialize_config_dir

from joulemark.config.compose import composed
from joulemark.core import stats
from joulemark.core.paths import CONF
from joulemark.data.batching import split
from joulemark.hardware import devices, host
from joulemark.measure.instruments import Instruments
from joulemark.measure.runner import open_meters
from joulemark.measure.window import Workload, measure_window
from joulemark.models.backend.checkpoint import fetch


def main() -> None:
    """Measures every combination, and writes each as it is known."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("words", nargs="*")
    parser.add_argument("--batches", nargs="+", type=int, required=True)
    parser.add_argument("--precisions", nargs="+", required=True)
    parser.add_argument("--seconds", type=float, default=2.0)
    asked = parser.parse_args()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        runs = [composed([*asked.words, "meter=nvml", f"precision={word}"]) for word in asked.precisions]
    meters, _ = open_meters(runs[0])
    device = devices.isolate(runs[0].hardware)
    inputs = [sample.input for sample in runs[0].task.samples(runs[0].samples, runs[0].seed).samples]
    with asked.out.open("w") as file:
        for run in runs:
            fetch(run.model.checkpoint)
            predict = run.model.load(run.task, device, run.settings).predict
            for size in asked.batches:
                found = point(predict, split(inputs, size), meters, asked.seconds)
                line = json.dumps({"batch_size": size, "precision": run.precision, **found})
                print(line, flush=True)
                file.write(line + "\n")
            del predict


def point(predict, batches, meters, seconds) -> dict[str, float]:
    """One combination, warmed up."""
    began = time.perf_counter()
    for batch in batches:
        predict(batch)
    warm_s = time.perf_counter() - began
    window = measure_window(Workload(predict, batches), seconds, Instruments(meters, busy_s=host.busy_s))
    joules = window.readings[0].gpu_j
    return {
        "wh": joules / 3.6 / window.requests,
        "p95_s": stats.percentiles(window.batch_s, [len(batch) for batch in batches] * window.passes, [95])[0],
        "watts": joules / window.readings[0].duration_s,
        "requests": window.requests,
        "warm_s": warm_s,
    }


if __name__ == "__main__":
    main()
