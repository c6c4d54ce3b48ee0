"""Reports of optimum-benchmark 0.6: `benchmark.json`, or `benchmark_report.json` beside its `benchmark_config.json`.

Of version 0.6, as its own classes write them: `config.backend` (model, task, device), `config.environment`,
`config.scenario.input_shapes.batch_size`, and targets in `report` whose `energy` is kWh of one call (a batch), divided
by the tool already. The inference is `generate`, else `prefill` and `decode` together, else `forward`, else `call`.
Inputs are random, so there is no quality. CodeCarbon counted the energy, in its mode `machine`, of the GPUs in
`backend.device_ids`. What a call had to do (lengths, steps) is in the boundary: other lengths, another energy.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from joulemark.analysis.external import cells
from joulemark.analysis.external.result import Contents, ExternalResult, digest
from joulemark.core.errors import UserError
from joulemark.core.units import J_PER_KWH

NAME = "optimum_benchmark"
SUFFIX = ".json"
NEEDED = ("config", "report")
VERSION = "0.6"
INFERENCE = (("generate",), ("prefill", "decode"), ("forward",), ("call",))
TARGETS = {target for group in INFERENCE for target in group}

TASKS = {  # of transformers' pipelines and diffusers
    "text-generation": "text_generation",
    "text-classification": "text_classification",
    "token-classification": "token_classification",
    "question-answering": "question_answering",
    "fill-mask": "masked_language_modelling",
    "summarization": "summarization",
    "image-classification": "image_classification",
    "object-detection": "object_detection",
    "image-to-text": "image_captioning",
    "text-to-image": "image_generation",
    "automatic-speech-recognition": "speech_recognition",
    "sentence-similarity": "sentence_similarity",
}
# What a call does where the config does not say: the tool adds it as it runs, after it wrote benchmark_config.json
UNSAID = {"generate": {"max_new_tokens": 100}, "call": {"num_inference_steps": 30}}
COUNTED = {"max_new_tokens", "num_beams", "num_return_sequences", "num_inference_steps", "num_images_per_prompt"}
KEPT = ("p50", "p90", "p95", "p99")


def recognises(path: Path) -> bool:
    """Whether the file is a report with a target that is an inference."""
    return path.is_file() and not missing(path)


def missing(path: Path) -> tuple[str, ...]:
    """The keys that the file would need."""
    values = cells.document(path)
    if values is None:
        return NEEDED
    if "config" not in values and "report" not in values and TARGETS & set(values):
        return ()  # benchmark_report.json
    lacking = [key for key in ("config", "report") if not isinstance(values.get(key), Mapping)]
    return tuple(lacking or ([] if TARGETS & set(values["report"]) else ["report.forward"]))


def read(path: Path) -> Contents:
    """The one result of the report; none, and why, where its energy was not measured. UserError for other formats."""
    config, report = _parts(path)
    environment, backend = _mapping(config, "environment", path), _mapping(config, "backend", path)
    version = str(environment.get("optimum_benchmark_version"))
    if version != VERSION and not version.startswith(f"{VERSION}."):
        raise UserError(f"{path} was written by optimum-benchmark {version}; only reports of {VERSION} are known")
    shapes = _mapping(_mapping(config, "scenario", path), "input_shapes", path)
    batch = cells.whole(shapes.get("batch_size"))
    if not batch or batch < 1:
        raise UserError(f"{path} does not say config.scenario.input_shapes.batch_size, so no energy of an inference")
    targets = next(group for group in INFERENCE if set(group) <= set(report))
    energies = [_energy(report[target], target, path) for target in targets]
    if None in energies:
        return Contents((), (f"{path.name}: {' or '.join(targets)} has no energy (scenario.energy=true asks for it)",))
    joules = {part: _sum(energies, part) for part in ("gpu", "cpu", "ram", "total")}
    if joules["total"] is None:
        return Contents((), (f"{path.name}: the energy of {' or '.join(targets)} is not above zero; left out",))
    return Contents((_result(path, config, report, backend, environment, batch, targets, joules),))


def _parts(path: Path) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    values = cells.document(path) or {}
    if "report" in values:
        return values["config"], values["report"]
    beside = path.parent / "benchmark_config.json"
    config = cells.document(beside)
    if config is None:
        raise UserError(f"{path} does not say which model it is of; put its benchmark_config.json beside it")
    return config, values


def _mapping(values: Mapping[str, Any], key: str, path: Path) -> Mapping[str, Any]:
    value = values.get(key)
    if not isinstance(value, Mapping):
        raise UserError(f"{path} lacks {key} in its config; reports of optimum-benchmark {VERSION} have it")
    return value


def _energy(target: Any, name: str, path: Path) -> Mapping[str, Any] | None:
    energy = target.get("energy") if isinstance(target, Mapping) else None
    if energy is None:
        return None
    if not isinstance(energy, Mapping):
        raise UserError(
            f"{path}: {name}.energy is {str(energy)[:60]!r}; reports of optimum-benchmark {VERSION} have kWh"
        )
    lack = [key for key in ("unit", "cpu", "gpu", "ram", "total") if key not in energy]
    if lack or energy["unit"] != "kWh":
        wrong = f"lacks {', '.join(lack)}" if lack else f"is in {energy['unit']}, not kWh"
        raise UserError(f"{path}: {name}.energy {wrong}; reports of optimum-benchmark {VERSION} are otherwise")
    return energy  # type: ignore[no-any-return]


def _sum(energies: list[Any], part: str) -> float | None:
    """Of one call; a component of zero is not available."""
    values = [cells.number(energy[part]) for energy in energies]
    return cells.read(sum(value for value in values if value is not None), J_PER_KWH) if None not in values else None


def _result(
    path: Path, config: Mapping[str, Any], report: Mapping[str, Any], backend: Mapping[str, Any],
    environment: Mapping[str, Any], batch: int, targets: tuple[str, ...], joules: Mapping[str, float | None],
) -> ExternalResult:  # fmt: skip
    device, task = str(backend.get("device")), str(backend.get("task"))
    cards = _cards(environment, backend)
    on_gpu = device == "cuda" and bool(cards)
    latency = _latency(report, targets)
    requested = _requested(_mapping(config, "scenario", path), targets, path)
    autocast = backend.get("autocast_dtype") or "on" if backend.get("autocast_enabled") else None
    facts = {"precision": backend.get("torch_dtype") or backend.get("dtype"), "batch_size": batch,
             "quantization": backend.get("quantization_scheme"), "autocast": autocast, "asked": requested or None,
             "backend": backend.get("name"), "device": device, "targets": " + ".join(targets),
             "optimum_benchmark_version": environment.get("optimum_benchmark_version"),
             "transformers_version": environment.get("transformers_version"), "pipeline_task": task}  # fmt: skip
    return ExternalResult(
        format=NAME,
        source=str(path),
        digest=digest(NAME, [config, report]),
        title=str(backend.get("model") or NAME),
        boundary=(
            f"optimum-benchmark {VERSION} through CodeCarbon in mode machine, {' and '.join(targets)} of one batch of "
            f"{batch} on {device}{f' ({requested})' if requested else ''}, random inputs, loading and warm-up apart; "
            "the way CPU was read is not stated, RAM estimated"
        ),
        model=str(backend["model"]) if backend.get("model") else None,
        task=TASKS.get(task),
        hardware=", ".join(cards) if on_gpu else str(environment.get("cpu") or "").strip() or None,
        inferences=batch,
        gpu_j=joules["gpu"],
        cpu_j=joules["cpu"],
        ram_j=joules["ram"],
        total_j=joules["total"],
        methods={"gpu": "counter" if on_gpu else "unknown", "cpu": "unknown", "ram": "estimated"},
        latency_s=latency,
        duration_s=latency.get("mean"),
        facts={key: str(value) for key, value in facts.items() if value is not None},
    )


def _cards(environment: Mapping[str, Any], backend: Mapping[str, Any]) -> list[str]:
    """The GPUs that ran; all of the machine where `device_ids` names none of them."""
    listed = environment.get("gpu") or []
    cards = [str(card) for card in listed] if isinstance(listed, list) else [str(listed)]
    used = [cells.whole(index) for index in str(backend.get("device_ids") or "").split(",")]
    named = [cards[at] for at in used if at is not None and 0 <= at < len(cards)]
    return named if len(named) == len(used) else cards


def _requested(scenario: Mapping[str, Any], targets: tuple[str, ...], path: Path) -> str:
    """Lengths of input and output, as the tool names them: `max_new_tokens 100, sequence_length 16`."""
    method = "call" if "call" in targets else "forward" if "forward" in targets else "generate"
    given = {**UNSAID.get(method, {}), **_given(scenario, f"{method}_kwargs", path)}
    shapes = {key: value for key, value in _given(scenario, "input_shapes", path).items() if key != "batch_size"}
    lengths = {**shapes, **{key: value for key, value in given.items() if key in COUNTED and value is not None}}
    return ", ".join(f"{key} {lengths[key]}" for key in sorted(lengths))


def _given(values: Mapping[str, Any], key: str, path: Path) -> Mapping[str, Any]:
    """What the config states under the key; nothing where it is left out."""
    return _mapping(values, key, path) if values.get(key) else {}


def _latency(report: Mapping[str, Any], targets: tuple[str, ...]) -> dict[str, float]:
    """Statistics of a batch, for which each of its requests waits; of two targets only means can be added."""
    parts = [_statistics(report, target) for target in targets]
    means = [cells.read(part.get("mean")) if part.get("unit") == "s" else None for part in parts]
    statistics = {} if None in means else {"mean": sum(mean for mean in means if mean is not None)}
    if len(parts) == 1 and statistics:
        statistics |= {name: value for name in KEPT if (value := cells.read(parts[0].get(name))) is not None}
    first = _statistics(report, "prefill")
    if first.get("unit") == "s" and (ttft := cells.read(first.get("mean"))) is not None:
        statistics["ttft"] = ttft
    return statistics


def _statistics(report: Mapping[str, Any], target: str) -> Mapping[str, Any]:
    latency = report[target].get("latency") if isinstance(report.get(target), Mapping) else None
    return latency if isinstance(latency, Mapping) else {}
