"""The columns of the explorer: what each shows of a stored run. Unknown is None, of a text the empty one; never 0."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from joulemark.analysis.flags import PRELIMINARY, of_text, undeciding
from joulemark.core.formatting import spoken
from joulemark.core.measurement import COMPONENTS
from joulemark.core.serving import BATCH
from joulemark.reporting.stored_entry import batch_of, engine_of, number, settings_of
from joulemark.store.listing import StoredRun

FINISHED, OWN = "finished", "Joulemark"


@dataclass(frozen=True)
class TextColumn:
    """A column of texts.

    Attributes:
        name: in the data, the address of a view and the CSV
        label: as the page heads it
        read: the text of a run, empty where it is unknown
        several: whether a text lists several values with commas, each of which is a choice
        empty: what the list of values says where it is empty
    """

    name: str
    label: str
    read: Callable[[StoredRun], str]
    several: bool = False
    empty: str = "unknown"


@dataclass(frozen=True)
class NumberColumn:
    """A column of numbers, in the unit of its name.

    Attributes:
        name: in the data, the address of a view and the CSV
        label: as the page heads it
        format: how the page writes it: `wh`, `s`, `count`, `bytes`, `share`, `grams`, `day`, `whole` or `plain`
        read: the number of a run, None where it is unknown
        log: whether an axis of it is logarithmic unless one says otherwise
    """

    name: str
    label: str
    format: Literal["wh", "s", "count", "bytes", "share", "grams", "day", "whole", "plain"]
    read: Callable[[StoredRun], float | None]
    log: bool = False


def external(run: StoredRun) -> bool:
    """Whether another program measured it."""
    return run.tags.get("external") == "true"


def random(run: StoredRun) -> bool:
    """Whether its weights are random, so that it has no quality whatever was stored."""
    return run.tags.get("weights") == "random" or "random_weights" in flags(run)


def flags(run: StoredRun) -> tuple[str, ...]:
    """The warnings beside its numbers."""
    return of_text(run.tags.get("flags"))


def doubtful(run: StoredRun) -> bool:
    """Whether its figures decide nothing: it did not finish, its audit failed, or a flag says so."""
    return _status(run) != FINISHED or run.tags.get("verdict") == "failed" or undeciding(flags(run)) is not None


def _tag(*names: str) -> Callable[[StoredRun], str]:
    return lambda run: next((run.tags[name] for name in names if run.tags.get(name)), "")


def _status(run: StoredRun) -> str:
    return run.tags.get("status", run.status.lower())


def _param(run: StoredRun, name: str) -> str:
    return run.params.get(name, run.tags.get(name, ""))


def _preliminary(run: StoredRun) -> str:
    return "" if external(run) else "yes" if PRELIMINARY in flags(run) else "no"


def _scenario(run: StoredRun) -> str:
    return spoken(run.tags.get("scenario", "" if external(run) else BATCH))


def _evidence(run: StoredRun) -> str:
    methods = [(component, run.tags.get(f"method.{component}")) for component in (*COMPONENTS, "wall")]
    return ", ".join(f"{component} {how}" for component, how in methods if how)


def _metric(name: str) -> Callable[[StoredRun], float | None]:
    return lambda run: run.metrics.get(name)


def _quality(run: StoredRun) -> float | None:
    return None if random(run) else run.metrics.get("quality/primary")


def _j_per_correct(run: StoredRun) -> float | None:
    return None if random(run) else run.metrics.get("energy/j_per_correct")


def _asked(name: str) -> Callable[[StoredRun], float | None]:
    return lambda run: number(run.tags.get(name))


def _parameters(run: StoredRun) -> float | None:
    return number(run.tags.get("parameters") or run.params.get("model.parameters"))


def _began(run: StoredRun) -> float | None:
    # Of a result that does not say when it was measured the store has the time of its import
    return run.began_ms // 1000 if run.began_ms and not external(run) else None


TEXTS = (
    TextColumn("model", "model", lambda run: run.tags.get("model") or run.name),
    TextColumn("task", "task", lambda run: spoken(run.tags.get("task", ""))),
    TextColumn("source", "source", lambda run: spoken(run.tags.get("format", "unknown")) if external(run) else OWN),
    TextColumn("hardware", "hardware", _tag("device", "hardware")),
    TextColumn("precision", "precision", lambda run: _param(run, "precision")),
    TextColumn("engine", "engine", lambda run: engine_of(run.tags), empty="none or unknown"),
    TextColumn("scenario", "scenario", _scenario),
    TextColumn("protocol", "protocol", _tag("protocol")),
    TextColumn("weights", "weights", _tag("weights")),
    TextColumn("dataset", "dataset", _tag("dataset")),
    TextColumn("metric", "metric", _tag("metric")),
    TextColumn("role", "role", lambda run: spoken(run.tags.get("role", ""))),
    TextColumn("settings", "settings", lambda run: settings_of(run.params), empty="default or unknown"),
    TextColumn("verdict", "verdict", _tag("verdict")),
    TextColumn("flags", "flags", lambda run: ", ".join(flags(run)), several=True, empty="none"),
    TextColumn("preliminary", "preliminary", _preliminary),
    TextColumn("status", "status", _status),
    TextColumn("evidence", "evidence", _evidence, several=True),
    TextColumn("boundary", "boundary", _tag("boundary")),
)

NUMBERS = (
    NumberColumn("total_wh_per_1k", "energy per 1,000", "wh", _metric("energy/total_wh_per_1k"), log=True),
    NumberColumn("gpu_wh_per_1k", "GPU energy per 1,000", "wh", _metric("energy/gpu_wh_per_1k"), log=True),
    NumberColumn("dynamic_wh_per_1k", "dynamic energy per 1,000", "wh", _metric("energy/dynamic_wh_per_1k"), log=True),
    NumberColumn("ci95_rel", "± energy", "share", _metric("energy/ci95_rel")),
    NumberColumn("estimated_share", "estimated", "share", _metric("energy/estimated_share")),
    NumberColumn("j_per_unit", "J per unit", "plain", _metric("energy/j_per_unit"), log=True),
    NumberColumn("j_per_correct", "J per correct", "plain", _j_per_correct, log=True),
    NumberColumn("quality", "quality", "plain", _quality),
    NumberColumn("parameters", "parameters", "count", _parameters, log=True),
    NumberColumn("batch_size", "batch", "whole", lambda run: batch_of(run.params, run.tags), log=True),
    NumberColumn("rate_per_s", "load: requests/s", "plain", _asked("scenario.rate"), log=True),
    NumberColumn("users", "load: users", "whole", _asked("scenario.users"), log=True),
    NumberColumn("p50_s", "p50 latency", "s", _metric("latency/p50_s"), log=True),
    NumberColumn("p99_s", "p99 latency", "s", _metric("latency/p99_s"), log=True),
    NumberColumn("ttft_s", "time to first token", "s", _metric("latency/ttft_s"), log=True),
    NumberColumn("requests_per_s", "requests/s", "plain", _metric("throughput/requests_per_s"), log=True),
    NumberColumn("units_per_s", "units/s", "plain", _metric("throughput/units_per_s"), log=True),
    NumberColumn("g_per_1k", "CO2e per 1,000", "grams", _metric("emissions/g_per_1k"), log=True),
    NumberColumn("gpu_memory_bytes", "GPU memory", "bytes", _metric("memory/gpu_peak_bytes"), log=True),
    NumberColumn("began", "date", "day", _began),
)

KINDS: Mapping[str, Callable[[StoredRun], bool]] = {"external": external, "doubtful": doubtful, "random": random}
