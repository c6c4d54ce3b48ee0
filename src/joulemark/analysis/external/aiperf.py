"""The `profile_export_aiperf.json` of AIPerf (NVIDIA), schemas 1.0 to 1.5, of a run that read its GPUs.

The GPUs' energy is `nvidia_total_gpu_energy`, `amd_total_gpu_energy` or `total_gpu_energy`, and of each GPU the growth
of its counter in `telemetry_data`. AIPerf counts the GPUs that its telemetry saw, whether or not they served the model,
and knows neither CPU nor RAM. How long requests were and how many came at once is in the boundary: other lengths or
another load, another energy.
"""

from collections.abc import Mapping
from pathlib import Path

from joulemark.analysis.external import aiperf_blocks, cells
from joulemark.analysis.external.aiperf_blocks import SECONDS, Values, counted, stated, within
from joulemark.analysis.external.result import Contents, ExternalResult, digest
from joulemark.core.formatting import many, spoken

NAME = "aiperf"
SUFFIX = ".json"
NEEDED = ("request_count", "request_latency", "input_config")
TABLE = "profile_export_aiperf.csv"

KEPT = {"mean": "avg", "p50": "p50", "p90": "p90", "p95": "p95", "p99": "p99"}
SLACK = 0.05  # by which the GPUs' counters may miss the total: they are read once more after it


def recognises(path: Path) -> bool:
    """Whether the file has the blocks of a run and its configuration; the table of a run is known, too."""
    return path.is_file() and (path.name == TABLE or not missing(path))


def missing(path: Path) -> tuple[str, ...]:
    """The keys that the file would need."""
    values = cells.document(path) or {}
    return tuple(key for key in NEEDED if not isinstance(values.get(key), Mapping))


def read(path: Path) -> Contents:
    """The one result of the file; none, and why, where the energy of its requests is not known.

    The table of a run has two decimals, energies of GPUs in steps of 10 kJ, and no model: its JSON is read instead.
    """
    if path.name == TABLE:
        beside = path.with_suffix(".json")
        why = f"{path.name}: energies in steps of 10 kJ and no model; type the {beside.name} of the same run"
        return Contents() if beside.is_file() else Contents((), (why,))
    values = cells.document(path) or {}
    joules = aiperf_blocks.gpu_j(values)
    wrong = fault(values) or ("no energy of its GPUs (--gpu-telemetry asks for it)" if joules is None else None)
    if wrong or joules is None:
        return Contents((), (f"{path.name}: {wrong}; left out",))
    return Contents((result(path, values, joules),), tuple(f"{path.name}: {doubt}" for doubt in doubts(values, joules)))


def fault(values: Values) -> str | None:
    """Why a run cannot be taken, whatever its energy; None where it can."""
    if values.get("was_cancelled") is True:
        return "it was cancelled"
    if counted(values, "request_count") is None:
        return "no request was answered"
    if model(values) is None:
        return "input_config names no model, or several"
    silent, gpus = aiperf_blocks.silent(values), len(dict(aiperf_blocks.gpus(values)))
    if 0 < silent < gpus:
        return f"{silent} of its {gpus} GPUs have no energy, so their sum is unknown"
    return None


def doubts(values: Values, joules: float) -> list[str]:
    """What is odd about a run that is taken."""
    found = []
    if failed := counted(values, "error_request_count"):
        found.append(f"{failed} requests failed; what they took is counted with those that were answered")
    if aiperf_blocks.listed_twice(values):
        found.append("a GPU is listed twice; it is counted once")
    counters = aiperf_blocks.counters_j(values)
    if counters is not None and abs(counters - joules) > SLACK * joules:
        found.append(f"its GPUs' counters sum to {counters:.4g} J and not to the {joules:.4g} J that it states")
    return found


def model(values: Values) -> str | None:
    """The one model that was asked, as schema 1.0 names it or as later ones do."""
    config = within(values, "input_config")
    listed = within(config, "endpoint").get("model_names") or within(config, "models").get("items")
    names = listed if isinstance(listed, list) else []
    name = names[0] if len(names) == 1 else None
    return cells.text(name.get("name") if isinstance(name, Mapping) else name)


def load(values: Values) -> Values:
    """How requests came: the options of schema 1.0, or the one phase of later ones that is no warm-up."""
    config = within(values, "input_config")
    phases = config.get("phases")
    named = list(phases.items()) if isinstance(phases, Mapping) else []
    listed = [(within(phase).get("name"), phase) for phase in phases] if isinstance(phases, list) else []
    measured = [within(phase) for name, phase in named + listed if name != "warmup"]
    return measured[0] if len(measured) == 1 else within(config, "loadgen")


def result(path: Path, values: Values, joules: float) -> ExternalResult:
    """The run; its requests are those that were answered."""
    name, requests = model(values), load(values)
    users, rate = (
        cells.count(requests.get("concurrency")),
        cells.read(requests.get("rate", requests.get("request_rate"))),
    )
    cards = [str(gpu.get("gpu_name") or "unknown GPU") for gpu in dict(aiperf_blocks.gpus(values)).values()]
    lengths = {
        f"{end}_tokens": stated(values, f"{end}_sequence_length", {"tokens": 1.0}) for end in ("input", "output")
    }
    known = {key: values.get(key) for key in ("aiperf_version", "schema_version", "benchmark_id")}
    facts = {**known, "gpu_count": len(cards) or None, **lengths}
    return ExternalResult(
        format=NAME,
        source=str(path),
        digest=digest(NAME, {key: value for key, value in values.items() if key != "input_config"}),
        title=str(name) if users is None else f"{name}, {users} at once",
        boundary=boundary(values, len(cards), lengths, users, rate),
        model=name,
        hardware=", ".join(f"{cards.count(card)} x {card}" for card in sorted(set(cards))) or None,
        inferences=counted(values, "request_count"),
        gpu_j=joules,
        methods={"gpu": "unknown" if aiperf_blocks.counters_j(values) is None else "counter"},
        duration_s=stated(values, "benchmark_duration", SECONDS),
        users=users,
        rate_per_s=rate,
        rates=rates(values),
        latency_s=latency(values),
        facts=cells.texts(facts),
    )


def rates(values: Values) -> dict[str, float]:
    """Answers and output tokens in a second."""
    found = {
        "requests_per_s": stated(values, "request_throughput", {"requests/sec": 1.0}),
        "units_per_s": stated(values, "output_token_throughput", {"tokens/sec": 1.0}),
    }
    return {name: rate for name, rate in found.items() if rate is not None}


def latency(values: Values) -> dict[str, float]:
    """Times of a whole answer, and the mean one to its first token."""
    times = {ours: stated(values, "request_latency", SECONDS, theirs) for ours, theirs in KEPT.items()}
    times["ttft"] = stated(values, "time_to_first_token", SECONDS)
    return {name: time for name, time in times.items() if time is not None}


def boundary(
    values: Values, gpus: int, lengths: Mapping[str, float | None], users: int | None, rate: float | None
) -> str:
    """What was counted, and what the requests were."""
    asked = [f"mean {spoken(name)} {length:.4g}" for name, length in lengths.items() if length is not None]
    asked += [f"{users} at once"] if users is not None else []
    asked += [f"{rate:g} requests/s"] if rate is not None else []
    requests = f"the answered requests ({', '.join(asked)})" if asked else "the answered requests"
    program = " ".join(["AIPerf", *filter(None, [cells.text(values.get("aiperf_version"))])])
    seen = many(gpus, "GPU") if gpus else "the GPUs"
    return (
        f"{program}: {seen} that its telemetry saw, whether or not they served, over {requests}, warm-up apart; CPU, "
        "RAM and loading not counted"
    )
