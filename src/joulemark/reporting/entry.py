"""One finished run as a report sees it: what it was, what it cost, and with which others it may be ranked."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from joulemark.core.model import Settings
from joulemark.core.stats import Estimate
from joulemark.store.listing import StoredRun

ENERGY, SPREAD, QUALITY = "energy/total_wh_per_1k", "energy/ci95_rel", "quality/primary"
ESTIMATED_SHARE = "energy/estimated_share"

# Settings of a run beside its precision and batch size, each with its default as MLflow stores it
PLAIN = {
    setting.name: str(setting.default)
    for setting in fields(Settings)
    if setting.name not in ("precision", "batch_size")
}

# The params that a report reads; a run has some sixty more
PARAMS = ("precision", "batch_size", "model.parameters", *PLAIN, "site.currency", "site.zone", "site.estimated_limit")

UNRANKED = ("contaminated", "throttled")  # flags of a run that is shown and never recommended


@dataclass(frozen=True, slots=True)
class Entry:
    """A finished run. `key` is equal for runs that may be ranked together but for the prompt, which is `prompt`.

    `energy` is gross Wh per 1,000 inferences, `half_width` half of its 95 % interval, None where there is none;
    `quality` the task's metric, None where the data holds no references and for random weights, whatever was stored.
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

    @property
    def estimate(self) -> Estimate:
        """The energy as a verdict takes it, with its interval and the card that it was read on."""
        return Estimate(self.energy, self.half_width, self.windows, self.card)

    @property
    def setting(self) -> tuple[str, ...]:
        """What must differ for two runs to be two choices, not a choice measured twice."""
        return (self.model, self.weights, self.precision, str(self.batch), self.settings)

    @property
    def words(self) -> str:
        """The settings in words: `bf16, batch 8, cache=static`."""
        batch = f"batch {self.batch}" if self.batch is not None else ""
        return ", ".join(part for part in (self.precision, batch, self.settings) if part)

    @property
    def named(self) -> str:
        """The model and its settings in words; of others' results the settings may be unknown."""
        return f"{self.model} with {self.words}" if self.words else self.model

    @property
    def external(self) -> bool:
        """Whether another program measured it, within a boundary of its own."""
        return self.boundary is not None or "external" in self.flags

    @property
    def random(self) -> bool:
        """Whether its weights are random, so that it has no quality."""
        return self.weights == "random" or "random_weights" in self.flags

    @property
    def estimated(self) -> float | None:
        """The share of the energy that no sensor read, in [0, 1]."""
        return self.metrics.get(ESTIMATED_SHARE)

    @property
    def ranked(self) -> bool:
        """Whether it may be recommended: nothing says that its number is not the model's own."""
        return self.verdict != "failed" and not set(self.flags) & set(UNRANKED)


def entry(run: StoredRun, tags: Mapping[str, str]) -> Entry:
    """The entry of a run whose energy was read; `tags` are its own, completed by its record where that was needed."""
    flags = tuple(word for word in tags.get("flags", "").split(", ") if word)
    random = tags.get("weights") == "random" or "random_weights" in flags
    spread = run.metrics.get(SPREAD)
    energy = run.metrics[ENERGY]
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
        batch=_whole(run.params.get("batch_size", tags.get("batch_size"))),
        settings=", ".join(
            f"{key}={run.params[key]}" for key, plain in PLAIN.items() if run.params.get(key, plain) != plain
        ),
        command=tags.get("command", ""),
        verdict=tags.get("verdict", ""),
        flags=flags,
        methods={key.removeprefix("method."): how for key, how in tags.items() if key.startswith("method.")},
        parameters=_whole(tags.get("parameters", run.params.get("model.parameters"))),
        windows=_whole(tags.get("windows")),
        currency=None if (word := run.params.get("site.currency")) in (None, "None") else word,
        sweep_id=tags.get("sweep_id"),
        began_ms=run.began_ms,
        energy=energy,
        half_width=None if spread is None else spread * energy,
        quality=None if random else run.metrics.get(QUALITY),
        metrics=run.metrics if not random else _without_quality(run.metrics),
    )


def _key(tags: Mapping[str, str]) -> str:
    """What must be equal; an external run's boundary is part of it, and stands for it where nothing else is known."""
    own = tags.get("compare.key")
    if own is None:
        own = "|".join(tags.get(name, "") for name in ("task", "dataset", "device", "hardware", "protocol", "metric"))
    return f"{tags.get('task', '')}|{own}|{tags.get('boundary', '')}"


def _without_quality(metrics: Mapping[str, float]) -> dict[str, float]:
    drop = ("quality/", "energy/j_per_correct")
    return {name: value for name, value in metrics.items() if not name.startswith(drop)}


def _whole(word: Any) -> int | None:
    try:
        return int(word)
    except (TypeError, ValueError):
        return None
