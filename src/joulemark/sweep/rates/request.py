"""From the options of `sweep=serving` to its request: every check that needs no measurement."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from joulemark.config.run import Run
from joulemark.core import extras, paths, tracking
from joulemark.core.coerce import typed
from joulemark.core.errors import UserError
from joulemark.core.serving import LIMITS, Limits
from joulemark.sweep import busy
from joulemark.sweep.identity import device, study_name
from joulemark.sweep.options import fixed_and_swept, with_scenario
from joulemark.sweep.rates.grid import Grid
from joulemark.sweep.repeats import repeated
from joulemark.sweep.software import Software, software
from joulemark.sweep.validity import Validity

RATE = "scenario.rate"
FINEST = 0.005  # resolution: what finer ones would tell apart, no run does
ELSEWHERE = ("tracking_uri=", "shared_host=")  # overrides that do not make another study


@dataclass(frozen=True)
class RateConf:
    """The options of `sweep=serving`; conf/sweep/serving.yaml documents each."""

    start: float = 1.0
    resolution: float = 0.1
    least: float = 0.01
    most: float = 1000.0
    busy: str = busy.REFUSE
    resume: str | None = None


@dataclass(frozen=True)
class RateRequest:
    """A search for the highest passing rate that can begin.

    Attributes:
        name: of the study
        line: how the names of all studies of this line begin, whatever software measured them
        grid: the rates
        limits: what an answer must keep
        repeats: fresh processes of each rate
        fixed: overrides of every run, without the rate
        run: the run at the first rate
        storage: URI of the study's database; None: a journal in `folder`
        folder: of journals
        busy: `refuse` or `wait` where another run has the card
        software: what this session measures with
    """

    name: str
    line: str
    grid: Grid
    limits: Limits
    repeats: int
    fixed: tuple[str, ...]
    run: Run
    storage: str | None
    folder: Path
    busy: str
    software: Software

    def overrides(self, place: int) -> tuple[str, ...]:
        """The overrides of a run at a place of the grid."""
        return (*self.fixed, *self.point(place), f"sweep_id={self.name}")

    def point(self, place: int) -> tuple[str, ...]:
        """What sets the runs of a place apart."""
        return (f"{RATE}={self.grid.rate(place):g}",)


def read(config: DictConfig, overrides: Sequence[Any], folder: Path | None = None) -> RateRequest:
    """The search of a composed configuration and its overrides; UserError, one line, where it is refused."""
    node: Any = OmegaConf.to_container(config.sweep, resolve=True)
    conf, folder = typed(RateConf, node, "sweep"), folder or paths.home() / "sweeps"
    fixed, swept = fixed_and_swept(overrides)
    if swept:
        raise UserError(f"{swept[0].key}: sweep=serving searches the rate of one setting; give it one value")
    if any(override.partition("=")[0].lstrip("+") == RATE for override in fixed):
        raise UserError(f"{RATE} is what sweep=serving searches; type sweep.start={_typed(fixed)} for the first one")
    (fixed,), repeats = repeated([with_scenario(fixed, config.hydra.runtime.choices)])
    grid = _grid(conf)
    run = Validity().run([*fixed, f"{RATE}={grid.rate(0):g}"] if "rate" in (config.scenario or {}) else fixed)
    limits = _limits(run)
    storage = tracking.storage(config.storage)
    extras.require_driver("storage", storage or "")
    used, line = software(run), f"serving-{_digest(conf, fixed, device(run.hardware))}-"
    name = study_name(conf.resume, line, used, folder, storage)
    return RateRequest(
        name, line, grid, limits, repeats, tuple(fixed), run, storage, folder, busy.checked(conf.busy), used
    )


def _typed(fixed: Sequence[str]) -> str:
    return next(override.partition("=")[2] for override in fixed if override.partition("=")[0].lstrip("+") == RATE)


def _limits(run: Run) -> Limits:
    """The scenario's limits; UserError where it has no rate or none of them binds."""
    if not any(field.name == "rate" for field in fields(run.scenario)):  # type: ignore[arg-type]
        raise UserError(
            f"scenario={run.names['scenario']} has no rate to search; type scenario=server or scenario=interactive"
        )
    limits: Limits = run.scenario.limits
    if all(getattr(limits, name) is None for name in LIMITS):
        raise UserError("sweep=serving needs a limit to search for; type scenario.limits.ttft_s=…, in seconds")
    return limits


def _grid(conf: RateConf) -> Grid:
    if not FINEST <= conf.resolution <= 1:
        raise UserError(f"sweep.resolution={conf.resolution:g}: a share from {FINEST:g} to 1; 0.1 is 10 %")
    if not 0 < conf.least <= conf.start <= conf.most < float("inf"):
        raise UserError(
            f"sweep.start={conf.start:g}: requests per second, from sweep.least={conf.least:g} to "
            f"sweep.most={conf.most:g}, all above 0"
        )
    return Grid(conf.start, conf.resolution, conf.least, conf.most)


def _digest(conf: RateConf, fixed: Sequence[str], measured_on: str) -> str:
    """What makes two command lines the same study: a grid, a setting and a card, whatever the number of processes."""
    relevant = sorted(override for override in fixed if not override.lstrip("+").startswith(ELSEWHERE))
    parts: Mapping[str, Any] = {"fixed": relevant, "grid": [conf.start, conf.resolution], "on": measured_on}
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:10]
