"""What the options of a run may be: the keys and types that Hydra checks them against, and the checks that it lacks."""

from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, make_dataclass
from typing import Any

from hydra.core.config_store import ConfigStore

from joulemark.core.errors import UserError
from joulemark.core.model import Settings
from joulemark.core.suggest import nearest

MOST_SAMPLES = 10_000_000  # inputs lie in memory before the run; the study measured 1,000

# Keys of how a run stands among others (its sweep, who else measures, how often), no part of the request itself
GIVEN = ("sweep_id", "shared_host", "early_stop_against", "repeats")


@dataclass
class RunOptions:
    """What `conf/run.yaml` may hold beside the settings (it must not be frozen: Hydra fills it)."""

    model: Any = None
    task: Any = None
    scenario: Any = None
    engine: Any = None
    hardware: Any = None
    meter: Any = None
    protocol: Any = None
    site: Any = None
    samples: int = 1000
    seed: int = 0
    repeats: int = 1
    export: Any = None
    tracking_uri: str | None = None
    sweep_id: str | None = None
    shared_host: bool = False
    early_stop_against: Any = field(default_factory=list)
    sweep: Any = None
    storage: str | None = None
    tuned: Any = None


def schema_of(settings: type[Any]) -> Any:
    """The dataclass that Hydra checks a run's keys and types against: the fields of `RunOptions` and of `settings`.

    A union of types becomes Any, whose values `compatibility` refuses in clearer messages than Hydra's.
    """
    columns = [
        *((option.name, option.type, _default_of(option)) for option in fields(RunOptions)),
        *(
            (option.name, option.type if isinstance(option.type, type) else Any, _default_of(option))
            for option in fields(settings)
        ),
    ]
    return make_dataclass("RunSchema", columns)


def _default_of(option: Field[Any]) -> Any:
    if option.default_factory is not MISSING:
        return field(default_factory=option.default_factory)
    return field(default=option.default)


RunSchema = schema_of(Settings)
ConfigStore.instance().store(name="schema", node=RunSchema)


def check(values: Mapping[str, Any]) -> None:
    """Refuses what the schema lets through: keys added with `+`, numbers that count nothing."""
    known = [f.name for f in fields(RunSchema)]
    for key in values:
        if key not in known:
            close = nearest(key, known)
            hint = f"; did you mean {close}=…?" if close else ""
            raise UserError(f"unknown key {key}{hint}")
    for key in known:
        if key not in values:
            raise UserError(f"~{key}: a run cannot do without it; leave ~{key} out, or type {key}=…")
    counts = {"samples": 1, **{setting.name: setting.default for setting in fields(Settings) if setting.type is int}}
    for key, default in counts.items():  # 0 is a value of what can be off
        if values[key] < (least := 0 if default == 0 else 1):
            raise UserError(f"{key}={values[key]}: must be {least} or more")
    if values["samples"] > MOST_SAMPLES:
        raise UserError(f"samples={values['samples']}: at most {MOST_SAMPLES}, since all are read before the run")
