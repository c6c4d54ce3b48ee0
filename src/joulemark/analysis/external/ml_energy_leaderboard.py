"""The ML.ENERGY Leaderboard's public data, version 3.0: the file of a task, or of a model in a task.

Each of `configurations` is one setting of a model: energies in joules (`energy_per_request_joules`, or `…_image_…`,
`…_video_…`), times in the unit of their names. A model's file has the model beside the list, a task's file within it;
the same configuration in both is one result.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from joulemark.analysis.external import cells, ml_energy_names
from joulemark.analysis.external.result import Contents, ExternalResult, digest

NAME = "ml_energy_leaderboard"
SUFFIX = ".json"
NEEDED = ("task", "configurations")
ENERGIES = ("energy_per_request_joules", "energy_per_image_joules", "energy_per_video_joules")

SHARED = ("model_id", "total_params_billions", "weight_precision")  # beside the list in a model's file
SIZES = ("inference_steps", "image_height", "image_width", "video_height", "video_width", "num_frames", "fps")
FACTS = (
    "max_num_seqs", "avg_batch_size", "avg_output_len", "energy_per_token_joules", "median_itl_ms", "p90_itl_ms",
    "p95_itl_ms", "p99_itl_ms", "tensor_parallel", "expert_parallel", "data_parallel", "ulysses_degree", "ring_degree",
    "batch_size", *SIZES,
)  # fmt: skip
IDENTITY = (*SHARED, *ENERGIES, "gpu_model", "num_gpus", "avg_power_watts", *FACTS)


def recognises(path: Path) -> bool:
    """Whether the file lists configurations of a task."""
    return path.is_file() and not missing(path)


def missing(path: Path) -> tuple[str, ...]:
    """The keys that the file would need."""
    values = cells.document(path) or {}
    known = {
        "task": isinstance(values.get("task"), str),
        "configurations": isinstance(values.get("configurations"), list),
    }
    return tuple(key for key in NEEDED if not known[key])


def read(path: Path) -> Contents:
    """A result for each configuration that has energy and a model; the others are reported and left out."""
    values = cells.document(path) or {}
    results, left_out = [], []
    for count, listed in enumerate(values["configurations"], start=1):
        row = _flat(values, listed) if isinstance(listed, Mapping) else {}
        energies = [(name, joules) for name in ENERGIES if (joules := cells.read(row.get(name))) is not None]
        if len(energies) != 1 or not cells.text(row.get("model_id")):
            wrong = "no model_id" if energies else f"no {' or '.join(ENERGIES)} above zero"
            wrong = f"{' and '.join(name for name, _ in energies)} at once" if len(energies) > 1 else wrong
            left_out.append(f"{path.name}, configuration {count}: {wrong}; left out")
            continue
        results.append(_result(path, values["task"], row, *energies[0]))
    return Contents(tuple(results), tuple(left_out))


def _flat(values: Mapping[str, Any], listed: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration with what stands beside the list, or a level below."""
    parallel = listed.get("parallelization")
    beside = {key: values[key] for key in SHARED if key in values}
    return beside | dict(listed) | (dict(parallel) if isinstance(parallel, Mapping) else {})


def _result(path: Path, task: str, row: Mapping[str, Any], energy: str, joules: float) -> ExternalResult:
    """A configuration: one request of served traffic, or a batch of images or videos."""
    served = energy == "energy_per_request_joules"
    inputs = ml_energy_names.TASKS.get(task)
    count = 1 if served else cells.count(row.get("batch_size"))
    model = row["model_id"]
    facts = {"ml_energy_task": task, "precision": _precision(row.get("weight_precision")),
             **{name: row.get(name) for name in FACTS}}  # fmt: skip
    return ExternalResult(
        format=NAME,
        source=str(path),
        digest=digest(NAME, [task, {name: row.get(name) for name in IDENTITY}]),
        title=f"{model} {task}",
        boundary=ml_energy_names.boundary("ML.ENERGY 3.0", None if served else {name: row.get(name) for name in SIZES}),
        model=model,
        task=inputs.task if inputs else None,
        dataset=inputs.dataset if inputs else task,
        hardware=ml_energy_names.hardware(row.get("gpu_model"), cells.count(row.get("num_gpus"))),
        inferences=count or 1,
        gpu_j=joules * (count or 1),
        methods=ml_energy_names.METHODS,
        gpu_w=cells.read(row.get("avg_power_watts")),
        rates=_rates(row, served),
        latency_s={} if served else _batch_latency(row),
        users=cells.count(row.get("max_num_seqs")) if served else None,
        parameters=_parameters(row),
        facts=cells.texts(facts),
    )


def _precision(named: Any) -> Any:
    return ml_energy_names.PRECISIONS.get(named, named) if isinstance(named, str) else None


def _parameters(row: Mapping[str, Any]) -> int | None:
    """As published, in tenths of a billion."""
    billions = cells.read(row.get("total_params_billions"), 1e9)
    return None if billions is None else round(billions)


def _rates(row: Mapping[str, Any], served: bool) -> dict[str, float]:
    """As stated: of tokens of a full server, of images or videos."""
    if served:
        tokens = cells.read(row.get("output_throughput_tokens_per_sec"))
        return {} if tokens is None else {"units_per_s": tokens}
    outputs = cells.read(row.get("throughput_images_per_sec")) or cells.read(row.get("throughput_videos_per_sec"))
    return {} if outputs is None else {"requests_per_s": outputs, "units_per_s": outputs}


def _batch_latency(row: Mapping[str, Any]) -> dict[str, float]:
    """Each request waits for its batch."""
    seconds = cells.read(row.get("batch_latency_s"))
    return {} if seconds is None else {"mean": seconds}
