"""The `results.json` that the ML.ENERGY Benchmark 3.0 saves of a run of its own: of a served model, or of a diffusion.

Of a served model `steady_state_energy_per_token` is what the stretch with a full server took for each token that left
it; an inference is that times the mean length of an answer, as the benchmark itself computes it. Of a diffusion
`total_energy` is that of all its batches. The task is known by the folder alone (`run/llm/TASK/results/…`). Prompts,
answers and timelines in the file are not read.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from joulemark.analysis.external import cells, ml_energy_names
from joulemark.analysis.external.result import Contents, ExternalResult, digest

NAME = "ml_energy_benchmark"
SUFFIX = ".json"
SERVED = ("model_id", "completed", "total_output_tokens", "steady_state_energy_per_token")
DIFFUSION = ("model_id", "total_images", "batch_size", "total_energy")
NEEDED = SERVED

STEADY_S = 20.0  # below which the benchmark's own tools take a steady state for unstable
SIZES = ("inference_steps", "height", "width", "num_frames", "fps")
FACTS = (
    "max_num_seqs", "max_num_batched_tokens", "num_prompts", "seed", "request_rate", "max_output_tokens",
    "steady_state_energy_per_token", "steady_state_duration", "median_itl_ms", "p99_itl_ms", "batch_size",
    "num_iterations", *SIZES,
)  # fmt: skip


def recognises(path: Path) -> bool:
    """Whether the file has the keys of one of the two kinds."""
    return path.is_file() and not missing(path)


def missing(path: Path) -> tuple[str, ...]:
    """The keys that the file would need, of the kind of which it lacks fewer."""
    values = cells.document(path) or {}
    lacking = (tuple(key for key in kind if key not in values) for kind in (SERVED, DIFFUSION))
    return min(lacking, key=len)


def read(path: Path) -> Contents:
    """The one result of the file; none, and why, where it has no energy or no model."""
    values = cells.document(path) or {}
    found = _served(path, values) if all(key in values for key in SERVED) else _diffusion(path, values)
    if found is None:
        return Contents((), (f"{path.name}: no model, count or energy above zero; left out",))
    return Contents((found,), tuple(f"{path.name}: {doubt}" for doubt in _doubts(values)))


def _served(path: Path, values: Mapping[str, Any]) -> ExternalResult | None:
    """All completed requests, at the steady state's energy of a token."""
    per_token, tokens = (cells.read(values[key]) for key in ("steady_state_energy_per_token", "total_output_tokens"))
    completed, model = cells.count(values["completed"]), cells.text(values["model_id"])
    if per_token is None or tokens is None or completed is None or model is None:
        return None
    steady_j, steady_s = (cells.read(values.get(f"steady_state_{name}")) for name in ("energy", "duration"))
    rates = {"requests_per_s": "request_throughput", "units_per_s": "output_throughput"}
    return ExternalResult(
        **_common(path, values, model),
        boundary=ml_energy_names.boundary("ML.ENERGY Benchmark"),
        hardware=ml_energy_names.hardware(values.get("gpu_model"), cells.count(values.get("num_gpus"))),
        inferences=completed,
        gpu_j=per_token * tokens,
        gpu_w=steady_j / steady_s if steady_j and steady_s else None,
        rates={ours: rate for ours, theirs in rates.items() if (rate := cells.read(values.get(theirs))) is not None},
        latency_s=_latency(values),
        users=cells.count(values.get("max_num_seqs")),
    )


def _diffusion(path: Path, values: Mapping[str, Any]) -> ExternalResult | None:
    """All images or videos of its batches."""
    joules, seconds = (cells.read(values.get(key)) for key in ("total_energy", "total_time"))
    images, model = cells.count(values["total_images"]), cells.text(values["model_id"])
    if joules is None or images is None or model is None:
        return None
    batches = cells.count(values.get("num_iterations"))
    return ExternalResult(
        **_common(path, values, model),
        boundary=ml_energy_names.boundary("ML.ENERGY Benchmark", {name: values.get(name) for name in SIZES}),
        inferences=images,
        gpu_j=joules,
        duration_s=seconds,
        latency_s={"mean": seconds / batches} if seconds and batches else {},
    )


def _common(path: Path, values: Mapping[str, Any], model: str) -> dict[str, Any]:
    """What both kinds have; figures of the run identify it, its texts do not."""
    task = ml_energy_names.task_of(path)
    inputs = ml_energy_names.TASKS.get(task or "")
    figures = {key: value for key, value in values.items() if isinstance(value, int | float | str | None)}
    facts = {"ml_energy_task": task, **{name: values.get(name) for name in FACTS}}
    return {
        "format": NAME,
        "source": str(path),
        "digest": digest(NAME, figures),
        "title": f"{model} {task}" if task else model,
        "model": model,
        "task": inputs.task if inputs else None,
        "dataset": inputs.dataset if inputs else None,
        "methods": ml_energy_names.METHODS,
        "facts": cells.texts(facts),
    }


def _latency(values: Mapping[str, Any]) -> dict[str, float]:
    """Times of a whole answer and to its first token; milliseconds in the file."""
    names = {"mean": "mean_e2el_ms", "p50": "median_e2el_ms", "p90": "p90_e2el_ms", "p95": "p95_e2el_ms",
             "p99": "p99_e2el_ms", "ttft": "mean_ttft_ms"}  # fmt: skip
    return {ours: time for ours, theirs in names.items() if (time := cells.read(values.get(theirs), 1e-3)) is not None}


def _doubts(values: Mapping[str, Any]) -> list[str]:
    """What is odd about a result that is taken."""
    asked, completed = cells.count(values.get("num_prompts")), cells.count(values.get("completed"))
    steady = cells.read(values.get("steady_state_duration"))
    doubts = []
    if asked is not None and completed is not None and completed < asked:
        doubts.append(f"{asked - completed} of {asked} requests failed")
    if steady is not None and steady < STEADY_S:
        doubts.append(f"its steady state lasted {steady:.3g} s; the benchmark's own tools ask for {STEADY_S:g} s")
    return doubts
