"""A run as the formats read it: its record laid over a site, with its metrics and its full boundary."""

from dataclasses import dataclass, replace
from functools import cached_property

from joulemark.analysis import audit, caveats, energy_metrics, flags, named_metrics, readings
from joulemark.analysis.boundary import Boundary, boundary
from joulemark.analysis.embodied import NOT_DECLARED, Embodied
from joulemark.core.errors import UserError
from joulemark.core.formatting import percent, wh
from joulemark.core.machine import Site
from joulemark.core.record import Record
from joulemark.core.serving import BATCH, TRANSFORMERS
from joulemark.core.units import J_PER_KWH
from joulemark.reporting import private_data

# Of a run whose figure is no claim: all for which it decides nothing, but for an interval, which is stated beside it
NO_CLAIM = tuple(flag for flag in flags.UNDECIDING if flag != flags.NOT_CONVERGED)

REPLAYED = "replayed"  # evidence of no sensor
WEIGHTS = ("hub", "embedded", "random", "none")  # any other value is a folder's path

FACTOR = ("zone", "g_per_kwh", "factor_year", "factor_basis", "factor_source")


@dataclass(frozen=True)
class Run:
    """One run for export.

    Attributes:
        record: the record, its site the one that is exported
        run_id: its run in the store; None of a file
        embodied: what making the hardware emitted, as the user says
    """

    record: Record
    run_id: str | None = None
    embodied: Embodied = NOT_DECLARED

    @property
    def id(self) -> str:
        """Its run's id in the store, of a file its record's."""
        return self.run_id or self.record.id

    @property
    def name(self) -> str:
        """By which a person finds it again: the beginning of its id."""
        return self.id[:8]

    @cached_property
    def metrics(self) -> energy_metrics.Metrics:
        """Every named metric, emissions and cost at the site that is exported."""
        return named_metrics.metrics(self.record)

    @cached_property
    def boundary(self) -> Boundary:
        """The full boundary, of 1,000 requests."""
        return boundary(self.record, self.record.site, self.embodied)

    @cached_property
    def verdict(self) -> str:
        """`sound`, `doubtful` or `failed`."""
        return audit.verdict(self.record)[0]

    @cached_property
    def evidence(self) -> dict[str, str | None]:
        """How the energy of each component is known."""
        return energy_metrics.methods(self.record.measurement)

    @property
    def requests(self) -> int:
        """Requests of the windows that its figures are of."""
        return sum(window.requests for window in readings.complete_windows(self.record.measurement))

    @property
    def units(self) -> int:
        """Work done in those windows, in the task's unit."""
        return sum(window.units for window in readings.complete_windows(self.record.measurement))

    @property
    def seconds(self) -> float:
        """Seconds of those windows."""
        return sum(window.duration_s for window in readings.complete_windows(self.record.measurement))

    def kwh(self, component: str) -> float | None:
        """What a component (or `total`) took over those windows, kWh; None where it is not available."""
        measurement = self.record.measurement
        joules = (
            energy_metrics.total_j(measurement)
            if component == "total"
            else energy_metrics.component_j(measurement, component)
        )
        return None if joules is None else joules * self.requests / J_PER_KWH

    @property
    def checkpoint(self) -> str:
        """The model by which others know it: its checkpoint, else the option that chose it."""
        checkpoint = self.record.model.checkpoint
        return self.record.model.name if checkpoint is None or checkpoint.startswith(("/", "~", ".")) else checkpoint

    @property
    def hub_address(self) -> str | None:
        """Where its weights are public; None for weights that are not the Hub's."""
        on_hub = self.record.model.weights == "hub" and self.record.model.checkpoint
        return f"https://huggingface.co/{self.record.model.checkpoint}" if on_hub else None

    @property
    def weights(self) -> str | None:
        """Where its weights came from; of a folder of this machine only that it is one."""
        weights = self.record.model.weights
        return weights if weights is None or weights in WEIGHTS else "local"

    @property
    def error(self) -> str:
        """Why it did not finish, without what it may quote of a user's own data."""
        return private_data.reason(self.record.error or "no reason was recorded", self.record.task.dataset or "")

    @property
    def doubt(self) -> str | None:
        """Why its figure is no claim, as half a sentence; None where it is one."""
        if self.record.status != "finished":
            return f"it is {self.record.status}: {self.error}"
        if self.metrics["energy/total_wh_per_1k"] is None:
            return "its energy is not available"
        if self.verdict == "failed":
            return "its audit failed: two sensors contradict each other"
        if REPLAYED in self.evidence.values():
            return "its readings were replayed from a file, not measured"
        flag = next((flag for flag in NO_CLAIM if flag in self.record.flags), None)
        return None if flag is None else f"it is {flag}: {caveats.EXPLAINED[flag]}"

    @property
    def energy_text(self) -> str:
        """The gross energy of 1,000 requests with its interval and estimated share, in words."""
        interval, estimated = self.metrics["energy/ci95_rel"], self.metrics["energy/estimated_share"]
        width = "without an interval" if interval is None else f"± {percent(interval)} within the run"
        share = "" if not estimated else f", of which {percent(estimated)} was estimated and not measured by a sensor"
        return f"{wh(self.metrics['energy/total_wh_per_1k'])} ({width}{share})"

    @property
    def settings_text(self) -> str:
        """The settings in words: precision and batch, of served traffic the scenario and engine."""
        record = self.record
        if record.scenario.name == BATCH:
            how = f"{record.settings.precision}, batch {record.settings.batch_size}"
        else:
            how = f"{record.settings.precision}, scenario {record.scenario.name}"
        return how if record.engine.name == TRANSFORMERS else f"{how}, engine {record.engine.name}"


def claimed(run: Run, format: str) -> Run:
    """The run; UserError where its figure is no claim."""
    if run.doubt is not None:
        raise UserError(f"run {run.name} cannot be exported as {format}: {run.doubt}")
    return run


def at(record: Record, site: Site) -> Record:
    """The record with what a site says in place of its own: a factor as a whole, any other key for itself."""
    own, plain = record.site, Site("")
    laid = own if site.g_per_kwh is None else replace(own, **{key: getattr(site, key) for key in FACTOR})
    others = {
        key: value for key, value in vars(site).items() if key not in (*FACTOR, "name") and value != getattr(plain, key)
    }
    return replace(record, site=replace(laid, **others))
