"""One finished run as a report sees it: what it was, what it cost, and with which others it may be ranked."""

from collections.abc import Mapping
from dataclasses import dataclass

from joulemark.analysis.flags import UNDECIDING, undeciding
from joulemark.analysis.quantity import ALL_THAT_WAS_DRAWN, DYNAMIC, Quantity
from joulemark.core.cell import Cell
from joulemark.core.formatting import spoken
from joulemark.core.serving import BATCH

ESTIMATED_SHARE = "energy/estimated_share"


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
