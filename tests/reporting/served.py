"""Served runs that never were: a queue whose watts and percentiles are known at every load."""

from dataclasses import replace

from joulemark.reporting import compared, constraints, engines, load, load_charts
from joulemark.reporting.entry import Entry
from joulemark.reporting.stored_entry import entry
from joulemark.store.listing import StoredRun
from tests.reporting.runs import a_page, a_run

TOKENS = 200  # of an answer
RATES = (0.5, 1.0, 2.0, 4.0, 8.0)
SCATTER = (0.99, 1.0, 1.01)


def a_served_run(
    model: str = "qwen3",
    rate: float = 1.0,
    watts: float = 100.0,
    idle_w: float = 60.0,
    ttft_s: float = 0.1,
    tpot_s: float = 0.02,
    engine: str = "continuous",
    metrics: dict[str, float] | None = None,
    **tags: str,
) -> StoredRun:
    """One process of a setting under a load of so many requests per second, at so many watts."""
    wh, idle_wh = (1000 * w / rate / 3600 for w in (watts, idle_w))
    read = {
        "energy/idle_wh_per_1k": idle_wh,
        "energy/dynamic_wh_per_1k": wh - idle_wh,
        "energy/j_per_output_token": watts / rate / TOKENS,
        "throughput/requests_per_s": rate,
        "serving/rate_asked_per_s": rate,
        "serving/rate_attained_per_s": rate,
        "serving/kept_up": 1.0,
        "serving/ttft_p50_s": ttft_s / 3,
        "serving/ttft_p99_s": ttft_s,
        "serving/tpot_p50_s": tpot_s / 2,
        "serving/tpot_p99_s": tpot_s,
        "serving/latency_p50_s": (ttft_s + tpot_s * TOKENS) / 2,
        "serving/latency_p99_s": ttft_s + tpot_s * TOKENS,
        **(metrics or {}),
    }
    labels = {
        "scenario": "server", "scenario__rate": str(rate), "engine": engine, "compare__key": f"served {rate:g}",
        "compare__curve": "served", "compare__cell": f"{model} {engine} {rate:g}",
        "compare__setting": f"{model} {engine}", "task": "text_generation",
        "role": "general_purpose", "compare__prompt": "p", "metric": "quality", "device": "NVIDIA H100 80GB HBM3",
        **tags,
    }  # fmt: skip
    return a_run(model, wh, None, None, "bf16", 1, metrics=read, **labels)


def a_setting(
    model: str = "qwen3", factor: float = 1.0, capacity: float = 5.0, processes: int = 3, **changes
) -> list[StoredRun]:
    """Runs at all loads: watts rise with the load, and times without end towards the capacity."""
    runs = []
    for rate in RATES:
        load_share = min(rate / capacity, 0.98)
        runs += [
            a_served_run(
                model,
                rate,
                (60 + 90 * rate**0.7) * factor * share,
                60 * factor * share,
                0.05 / (1 - load_share) * share,
                (0.008 + 0.02 * load_share**2) * share,
                **changes,
            )
            for share in SCATTER[:processes]
        ]
    return runs


def entries(runs: list[StoredRun], across_engines: bool = False) -> tuple[Entry, ...]:
    """The entries of the processes, as a report ranks them."""
    made = tuple(entry(run, run.tags) for run in runs)
    ranked, _ = compared.compared(engines.named(engines.across(made) if across_engines else made), compared.AUTO)
    return ranked


def answers(runs: list[StoredRun], load_per_s: float, across_engines: bool = False, bounds=None, **limits):
    """What to take for a load."""
    known = load.curves(entries(runs, across_engines))
    return load.answered(known, load_per_s, load.limits(limits), constraints.constraints(bounds or {}))


def a_load_page(runs: list[StoredRun], load_per_s: float | None, across_engines: bool = False, **limits):
    """The page of these runs with the answer for a load."""
    curves = load.curves(entries(runs, across_engines))
    loads = () if load_per_s is None else answers(runs, load_per_s, across_engines, **limits)
    return replace(a_page(runs), loads=loads, sections=load_charts.sections(curves, load.limits(limits)))


def showcase() -> list[StoredRun]:
    """Two models and two engines, one of them in a single process."""
    return [
        *a_setting("qwen3_0.6b", 0.8, 6.0),
        *a_setting("qwen3_8b", 1.6, 3.0),
        *a_setting("qwen3_8b", 1.3, 4.5, engine="vllm"),
        *a_setting("llama3_8b", 1.4, 4.5, processes=1, engine="vllm"),
    ]
