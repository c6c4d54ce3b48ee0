"""The Python interface in a process that uses a GPU already: what a run and a meter say there.

    python -m benchmarks.python_interface OUT [--blocks 5] [--seconds 10]

Before torch is used: one run. Then, with a CUDA context of this process on the same GPU: the same run again, which must
say that another process uses the card, and blocks of matrix products under a meter, each beside the GPU's own counter.
OUT gets `python_interface.json`.
"""

import argparse
import json
import time
from pathlib import Path

import joulemark as jm

RUN = {
    "model": "distilbert_sst2",
    "task": "text_classification",
    "model.weights": "random",
    "hardware": "cuda",
    "batch_size": 64,
    "precision": "bf16",
    "protocol": "demo",
    "samples": 256,
}


def main() -> None:
    """Prints one line a step and writes all of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--blocks", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=10.0)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    results = {"alone": run(options.out)}

    import torch

    size = 8192
    a = torch.randn(size, size, device="cuda", dtype=torch.bfloat16)
    b = torch.randn(size, size, device="cuda", dtype=torch.bfloat16)
    (a @ b).sum().item()
    results["beside_a_context"] = run(options.out)
    results["blocks"] = blocks(a, b, options.blocks, options.seconds)
    (options.out / "python_interface.json").write_text(json.dumps(results, indent=1))


def run(out: Path) -> dict[str, object]:
    """The figures of one run and how long it took."""
    began = time.monotonic()
    record = jm.run(**RUN, tracking_uri=f"sqlite:///{out.resolve()}/interface/mlflow.db")
    found = {
        "seconds": time.monotonic() - began,
        "status": record.status,
        "verdict": record.verdict,
        "flags": record.flags,
        "evidence": dict(record.evidence),
        "gpu_wh_per_1k": record.metrics["energy/gpu_wh_per_1k"],
        "gpu_dynamic_wh_per_1k": record.metrics["energy/gpu_dynamic_wh_per_1k"],
    }
    print(found, flush=True)
    return found


def blocks(a: object, b: object, count: int, seconds: float) -> list[dict[str, object]]:
    """Blocks of products, each with the meter's joules and the counter's own from edge to edge."""
    import pynvml
    import torch

    pynvml.nvmlInit()
    card = pynvml.nvmlDeviceGetHandleByUUID(f"GPU-{torch.cuda.get_device_properties(0).uuid}")
    meter, found = jm.meter(meter="nvml", hardware="cuda"), []
    for _ in range(count):
        with meter as window:
            before, until = pynvml.nvmlDeviceGetTotalEnergyConsumption(card), time.monotonic() + seconds
            while time.monotonic() < until:
                for _ in range(20):
                    a @ b  # type: ignore[operator]
                torch.cuda.synchronize()
            for _ in range(200):  # still going on when the block is left
                a @ b  # type: ignore[operator]
            left = pynvml.nvmlDeviceGetTotalEnergyConsumption(card)
        found.append(
            {
                "joules": window.joules,
                "duration_s": window.duration_s,
                "interval": window.interval,
                "evidence": dict(window.evidence or {}),
                "counter_to_the_last_line_j": (left - before) / 1000,
            }
        )
        print(found[-1], flush=True)
    return found


if __name__ == "__main__":
    main()
