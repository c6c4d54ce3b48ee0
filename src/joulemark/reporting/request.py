"""What the report command was asked for, checked before anything is read."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from omegaconf import DictConfig, OmegaConf

from joulemark.core import paths, tracking
from joulemark.core.coerce import typed
from joulemark.core.errors import UserError
from joulemark.core.paths import program
from joulemark.core.suggest import choose
from joulemark.reporting import compared, impact, load

FIGURES = ("svg", "png")


@dataclass(frozen=True)
class ReportRequest:
    """The options of the command; conf/report.yaml documents each."""

    tasks: tuple[str, ...] = ()
    sweep_id: str | None = None
    runs: tuple[str, ...] = ()
    filter: str | None = None
    constraints: Mapping[str, Any] | None = None
    load: float | None = None
    limits: Mapping[str, Any] | None = None
    across_engines: bool = False
    quantity: str = compared.AUTO
    private: bool = True
    records: int = 200
    figures: tuple[str, ...] = ()
    use: Mapping[str, Any] | None = None
    mix: Mapping[str, Any] | None = None
    site: Mapping[str, Any] | None = None
    register: bool = False
    study: str | None = None
    name: str | None = None
    out: str | None = None
    title: str = "Which model to run, and what it costs"
    ui: str = "http://127.0.0.1:5000"
    tracking_uri: str | None = None


def request_of(config: DictConfig, choices: Mapping[str, str | None]) -> ReportRequest:
    """The report that a composed configuration asks for; `choices` are those of its groups.

    Raises:
        UserError: for a value of the wrong type
    """
    values: dict[str, Any] = OmegaConf.to_container(config, resolve=True)  # type: ignore[assignment]
    for group in ("mix", "site"):
        if values.get(group) is not None:
            values[group]["name"] = choices[group]
    return typed(ReportRequest, values, "")


def check(request: ReportRequest) -> None:
    """Refuses options that cannot be: UserError."""
    load.check(request.load)
    impact.requested_use(asdict(request))
    impact.requested_mix(asdict(request))
    for kind in request.figures:
        if kind not in FIGURES:
            raise UserError(choose("figures", kind, FIGURES))
    compared.check(request.quantity)


def check_tasks(tasks: Sequence[str], there: Collection[str], uri: str) -> None:
    """Refuses a task of which the store holds no run: its page would be empty."""
    known = sorted({path.stem for path in (paths.CONF / "task").glob("*.yaml")} | set(there))
    for task in tasks:
        if task not in known:
            raise UserError(choose("tasks", task, known))
        if task not in there:
            store = tracking.public(uri)
            raise UserError(f"tasks=[{task}]: none of the chosen runs of {store}; type {program('run')} task={task}")
