"""One finished run as a report sees it: what it was, what it cost, and with which others it may be ranked."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from joulemark.analysis import breakdown
from joulemark.analysis.flags import UNDECIDING, undeciding
from joulemark.analysis.quantity import ALL_THAT_WAS_DRAWN, DYNAMIC, GROSS, QUANTITIES, Quantity
from joulemark.core.cell import Cell
from joulemark.core.formatting import spoken
from joulemark.core.model import Settings
from joulemark.core.serving import BATCH, TRANSFORMERS
from joulemark.store.listing import StoredRun

(ENERGY, SPREAD), QUALITY = QUANTITIES[GROSS], "quality/primary"
ESTIMATED_SHARE = "energy/estimated_share"

# Settings of a run other than its precision and batch size, each with its default as MLflow stores it
PLAIN = {
    setting.name: str(setting.default)
    for setting in fields(Settings)
    if setting.name not in ("precision", "batch_size")
}

# The params that a report reads; a run has some sixty more
PARAMS = ("precision", "batch_size", "model.parameters", *PLAIN, "site.currency", "site.zone", "site.pue")


ENGINE = "|engine="  # before the engine, at the end of the key of a served run


@dataclass(frozen=True, slots=True)
class Energy:
    """One quantity of energy of a run or cell, Wh per 1,000 inferences.

    Attributes:
        mean: of its processes
        half_width: half of its 95 % interval between processes, of one process the within-run interval; None without
        values: those of the processes that count, where there are several
    """

    mean: float
    half_width: float | None
    values: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """A finished run, or the processes of one cell. `key` is equal for runs that may be ranked together but for the
    prompt, which is `prompt`.

    `energy`, `half_width` and `values` are its gross energy as `Energy` describes it; `dynamic` is that above idle,
    None where it is not available or not above zero; `quantity` which of the two it is compared by. `run_ids` are those
    of all its processes, `cell` is equal for processes of one cell. Of a served run `scenario` is how requests arrived,
    `rate` or `users` how many, `engine` what answered with `engine_options`; `curve` and `bare_cell` are its key and
    cell without the load. `parts` says where a request's energy goes beside the lower bound, empty where that is not
    known; `site` where its emissions and cost are of, as a word, and `pue` that building's. `quality` is the task's
    metric, None where the data holds no references and for random weights, whatever was stored.
    """

    run_id: str
    experiment_id: str
    key: str
    prompt: str | None
    card: str | None
    boundary: str | None
    model: str
    role: str
    task: str
    metric: str
    dataset: str
    device: str
    protocol: str
    weights: str
    precision: str
    batch: int | None
    settings: str
    command: str
    verdict: str
    flags: tuple[str, ...]
    methods: Mapping[str, str]
    parameters: int | None
    windows: int | None
    currency: str | None
    sweep_id: str | None
    began_ms: int
    energy: float
    half_width: float | None
    quality: float | None
    metrics: Mapping[str, float]
    cell: str = ""
    values: tuple[float, ...] = ()
    run_ids: tuple[str, ...] = ()
    dynamic: Energy | None = None
    quantity: Quantity = ALL_THAT_WAS_DRAWN
    scenario: str = BATCH
    rate: float | None = None
    users: int | None = None
    engine: str = ""
    engine_options: str = ""
    curve: str = ""
    bare_cell: str = ""
    parts: str = ""
    site: str = ""
    pue: float = 1.0

    @property
    def served(self) -> bool:
        """Whether requests arrived, other than fixed batches."""
        return self.scenario != BATCH

    @property
    def arrivals(self) -> str:
        """How requests arrived, as text (`server at 3 requests/s`); empty of fixed batches."""
        if not self.served:
            return ""
        rate = "" if self.rate is None else f" at {self.rate:g} requests/s"
        return f"{spoken(self.scenario)}{rate}{'' if self.users is None else f' of {self.users}'}"

    @property
    def compared(self) -> Energy:
        """The energy by which it is ranked."""
        if self.quantity.name == DYNAMIC and self.dynamic is not None:
            return self.dynamic
        return Energy(self.energy, self.half_width, self.values)

    @property
    def processes(self) -> int:
        """How many fresh processes its energy is of."""
        return len(self.values) or 1

    @property
    def as_cell(self) -> Cell:
        """The energy by which it is ranked as a verdict takes it, one value a process."""
        compared = self.compared
        if len(compared.values) > 1:
            return Cell(compared.values, None, self.card)
        return Cell((compared.mean,), compared.half_width, self.card)

    @property
    def setting(self) -> tuple[str, ...]:
        """What must differ for two runs to be two choices, not a choice measured twice."""
        return (
            self.model, self.weights, self.precision, str(self.batch), self.settings, self.engine, self.engine_options
        )  # fmt: skip

    @property
    def configuration(self) -> str:
        """The settings as text, such as `bf16, batch 8, cache=static`."""
        batch = f"batch {self.batch}" if self.batch is not None else ""
        return ", ".join(part for part in (self.engine, self.precision, batch, self.settings) if part)

    @property
    def named(self) -> str:
        """The model and its settings as text; of others' results the settings may be unknown."""
        return f"{self.model} with {self.configuration}" if self.configuration else self.model

    @property
    def external(self) -> bool:
        """Whether another program measured it, within a boundary of its own."""
        return self.boundary is not None or "external" in self.flags

    def surely_below(self, floor: float) -> bool:
        """Whether its quality is established to be below a floor: all of its interval, its value where it has none."""
        return self.quality is None or self.metrics.get("quality/ci95_high", self.quality) < floor

    @property
    def random(self) -> bool:
        """Whether its weights are random, so that it has no quality."""
        return self.weights == "random" or "random_weights" in self.flags

    @property
    def estimated(self) -> float | None:
        """The share of the energy that no sensor measured, in [0, 1]."""
        return self.metrics.get(ESTIMATED_SHARE)

    @property
    def ranked(self) -> bool:
        """Whether it may decide anything, its audit not failed and no flag saying that its figures decide nothing."""
        return self.verdict != "failed" and undeciding(self.flags) is None

    @property
    def doubt(self) -> str:
        """Why it decides nothing, as text; empty where it does."""
        return "" if self.ranked else ", ".join(f for f in self.flags if f in UNDECIDING) or "its audit failed"


def entry(run: StoredRun, tags: Mapping[str, str]) -> Entry:
    """The entry of a run whose energy is available; `tags` are its own, completed by its record where needed."""
    flags = tuple(flag for flag in tags.get("flags", "").split(", ") if flag)
    random = tags.get("weights") == "random" or "random_weights" in flags
    energy, served = _energy(run.metrics, GROSS), tags.get("scenario", BATCH) != BATCH
    assert energy is not None
    engine = tags.get("engine", "") if served else ""
    return Entry(
        run_id=run.run_id,
        experiment_id=run.experiment_id,
        key=_key(tags),
        prompt=tags.get("compare.prompt"),
        card=tags.get("compare.card"),
        boundary=tags.get("boundary"),
        model=tags.get("model", run.name),
        role=tags.get("role", ""),
        task=tags.get("task", ""),
        metric=tags.get("metric", "quality"),
        dataset=tags.get("dataset", ""),
        device=tags.get("device", tags.get("hardware", "unknown device")),
        protocol=tags.get("protocol", ""),
        weights=tags.get("weights", ""),
        precision=run.params.get("precision", tags.get("precision", "")),
        # Another engine forms its batches itself
        batch=None
        if engine not in ("", TRANSFORMERS)
        else _whole(run.params.get("batch_size", tags.get("batch_size"))),
        settings=", ".join(
            f"{key}={run.params[key]}" for key, plain in PLAIN.items() if run.params.get(key, plain) != plain
        ),
        command=tags.get("command", ""),
        verdict=tags.get("verdict", ""),
        flags=flags,
        methods={key.removeprefix("method."): how for key, how in tags.items() if key.startswith("method.")},
        parameters=_whole(tags.get("parameters", run.params.get("model.parameters"))),
        windows=_whole(tags.get("windows")),
        currency=_known(run.params.get("site.currency")),
        sweep_id=tags.get("sweep_id"),
        cell=tags.get("compare.cell", ""),
        run_ids=(run.run_id,),
        began_ms=run.began_ms,
        energy=energy.mean,
        half_width=energy.half_width,
        dynamic=_energy(run.metrics, DYNAMIC),
        quality=None if random else run.metrics.get(QUALITY),
        metrics=run.metrics if not random else _without_quality(run.metrics),
        scenario=tags.get("scenario", BATCH),
        rate=_number(tags.get("scenario.rate")),
        users=_whole(tags.get("scenario.users")),
        engine=engine,
        engine_options=tags.get("engine.options", "") if served else "",
        curve=tags.get("compare.curve", ""),
        bare_cell=tags.get("compare.setting", ""),
        parts=tags.get(breakdown.TAG, ""),
        site=_known(run.params.get("site.zone")) or "",
        pue=_number(run.params.get("site.pue")) or 1.0,
    )


def _energy(metrics: Mapping[str, float], quantity: str) -> Energy | None:
    """One process's energy of a quantity; None where it is not available or not above zero."""
    mean, relative = (metrics.get(name) for name in QUANTITIES[quantity])
    if mean is None or mean <= 0:
        return None
    return Energy(mean, None if relative is None else relative * mean)


def _key(tags: Mapping[str, str]) -> str:
    """What must be equal; an external run's boundary is part of it, and stands for it where nothing else is known."""
    own = tags.get("compare.key")
    if own is None:
        own = "|".join(tags.get(name, "") for name in ("task", "dataset", "device", "hardware", "protocol", "metric"))
    engine = f"{ENGINE}{tags.get('engine', '')}" if tags.get("scenario", BATCH) != BATCH else ""
    return f"{tags.get('task', '')}|{own}|{tags.get('boundary', '')}{engine}"


def _without_quality(metrics: Mapping[str, float]) -> dict[str, float]:
    drop = ("quality/", "energy/j_per_correct")
    return {name: value for name, value in metrics.items() if not name.startswith(drop)}


def _known(param: str | None) -> str | None:
    """A param that may be none, which MLflow holds as text."""
    return None if param == "None" else param


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _whole(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError):
        return None
