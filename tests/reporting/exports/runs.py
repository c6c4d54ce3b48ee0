"""A finished run whose every joule is known: 3 J of the GPU, 0.5 J of the CPU, 0.05 J of the memory a request."""

import json
from dataclasses import replace

from joulemark.core.machine import Hardware, Site
from joulemark.core.measurement import Measurement, Reading, Window
from joulemark.core.record import Record
from joulemark.core.record_json import from_json
from joulemark.reporting.exports.format import Options
from joulemark.reporting.exports.run import Run
from tests.paths import ROOT

STORED = ROOT / "tests" / "core" / "stored"
FRANCE = Site("ours", zone="FRA", g_per_kwh=50.0, factor_year=2023, factor_source="us")
OPTIONS = Options("2026-11-30T12:00:00+00:00")

GPU_J, CPU_J, RAM_J = 3000.0, 500.0, 50.0  # of a window of 10 s with 1,000 requests
GPU_IDLE_W, CPU_IDLE_W, RAM_IDLE_W = 50.0, 20.0, 5.0
H100 = Hardware("h100", "cuda", ("fp32", "fp16"), uuid="GPU-1", gpu_name="NVIDIA H100 80GB HBM3")


def readings(seconds: float, gpu_j: float, cpu_j: float, ram_j: float) -> tuple[Reading, ...]:
    return (
        Reading("nvml", seconds, gpu_j=gpu_j, method={"gpu": "counter"}),
        Reading("rapl", seconds, cpu_j=cpu_j, method={"cpu": "rapl"}),
        Reading("codecarbon", seconds, ram_j=ram_j, method={"ram": "constant"}),
    )


def measured(units: int = 10_000) -> Measurement:
    """Three windows of 10 s whose GPU took 2,900, 3,000 and 3,100 J."""
    return Measurement(
        idle=readings(20.0, 20 * GPU_IDLE_W, 20 * CPU_IDLE_W, 20 * RAM_IDLE_W),
        windows=tuple(
            Window(10.0, readings(10.0, gpu_j, CPU_J, RAM_J), 1, 1000, units, (0.01,) * 10, 0.25)
            for gpu_j in (2900.0, GPU_J, 3100.0)
        ),
        batch_sizes=(100,) * 10,
        converged=True,
    )


def a_record(**changes) -> Record:
    stored = from_json(json.loads((STORED / "schema_4_classification.json").read_text()))
    values = {"measurement": measured(), "hardware": H100, "site": FRANCE, "flags": ()}
    return replace(stored, **{**values, **changes})


def a_run(**changes) -> Run:
    embodied = {"embodied": changes.pop("embodied")} if "embodied" in changes else {}
    return Run(a_record(**changes), "f" * 32, **embodied)


def generated(**changes) -> Run:
    """The same of a task whose unit is the token: ten a request."""
    task = replace(a_record().task, name="text_generation", unit="token", metric="rouge1", max_new_tokens=10)
    return a_run(**{"task": task, **changes})
