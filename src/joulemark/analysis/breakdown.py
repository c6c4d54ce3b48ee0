"""Where the energy of a request goes, part by part, beside the lower bound of the model's own work.

all that a request cost
├─ the device ─┬─ model ─┬─ lower bound      FLOPs and bytes counted, at the prices of its calibration (roofline)
│              │         └─ beyond it        launches, small batches, and what the bound does not count
│              ├─ preprocessing, transfers, postprocessing     each stage measured alone
│              └─ between stages             what is left of the whole: waiting; below zero where stages overlap
└─ the other components                      processor and memory beside a GPU, memory beside a processor

The parts sum to the energy that was measured. What no window and no counter told apart is None, never a guess.
"""

from dataclasses import dataclass

from joulemark.analysis import energy_metrics, lower_bound, plausibility, readings
from joulemark.analysis.energy_metrics import ESTIMATED
from joulemark.core.formatting import UNKNOWN
from joulemark.core.record import Record

TAG = "energy.parts"  # of a run: `text`, where the lower bound is known
MEASURED = "measured"
BOUND, BEYOND, MODEL = "lower bound of the model's work", "model beyond it", "model"
PREPROCESSING, TRANSFERS, POSTPROCESSING = "preprocessing", "transfers", "postprocessing"
BETWEEN, REST = "between stages", "all else"
OTHERS = {"gpu": "processor and memory", "cpu": "memory"}
DEVICE = {"gpu": "GPU", "cpu": "processor"}
APART = (PREPROCESSING, TRANSFERS, POSTPROCESSING)  # stages that are not the model's


@dataclass(frozen=True)
class Part:
    """One part of a request's energy.

    Attributes:
        name: what it is
        joules: gross joules of a request, None where not available; below zero where what was measured apart is more
            than the whole
        evidence: `measured`, `estimated` or `n/a`
        note: why it is as it is, where that is not plain
    """

    name: str
    joules: float | None
    evidence: str
    note: str = ""


@dataclass(frozen=True)
class Breakdown:
    """The energy of a request in parts that sum to it.

    Attributes:
        total_j: gross joules of a request, all components that were read
        component: `gpu` or `cpu`: the device whose energy is told apart
        parts: those of the device, in the order of an inference, then the other components
    """

    total_j: float
    component: str
    parts: tuple[Part, ...]

    def joules(self, *names: str) -> float | None:
        """The sum of the parts of these names; None where none of them is available."""
        known = [part.joules for part in self.parts if part.name in names and part.joules is not None]
        return sum(known) if known else None

    @property
    def bounded(self) -> bool:
        """Whether the lower bound of the model's work is known."""
        return self.joules(BOUND) is not None


def of(record: Record) -> Breakdown | None:
    """The breakdown of a run's energy; None where its total is not available, or its stages contradict it."""
    measurement, calibration = record.measurement, record.environment.calibration
    total, known = energy_metrics.total_j(measurement), energy_metrics.methods(measurement)
    component = calibration.component if calibration else "gpu" if known["gpu"] else "cpu"
    whole = energy_metrics.component_j(measurement, component)
    contradicted = plausibility.stages_disagree(measurement, record.settings.prefetch > 0)
    if total is None or whole is None or contradicted:
        return None
    evidence = "estimated" if known[component] in ESTIMATED else MEASURED
    device = _device(record, component, whole, evidence)
    others = [known[each] for each in known if each != component and known[each]]
    parts = (*device, Part(OTHERS[component], total - whole, _weakest(others))) if others else device
    return Breakdown(total, component, parts)


def _weakest(methods: list[str | None]) -> str:
    return "estimated" if set(methods) & set(ESTIMATED) else MEASURED


def _device(record: Record, component: str, whole: float, evidence: str) -> tuple[Part, ...]:
    """The parts of the device's energy, which sum to all of it."""
    stages = _stages(record, component)
    own = [joules for name, joules in stages.items() if name not in APART]
    available = bool(own) and None not in stages.values()
    model = sum(joules or 0.0 for joules in own) if available else None
    apart = [Part(name, stages.get(name), evidence if stages.get(name) is not None else UNKNOWN) for name in APART]
    parts = (*_model(record, model, evidence), *apart)
    left = whole - sum(part.joules or 0.0 for part in parts)
    if not available:
        known = tuple(part for part in parts if part.joules is not None)
        return (*known, Part(REST, left, evidence, "not all of its stages were measured"))
    return (*parts, Part(BETWEEN, left, evidence, "" if left >= 0 else "stages overlap, or cost more alone"))


def _stages(record: Record, component: str) -> dict[str, float | None]:
    """Joules of the device for a request in each stage; None where its window is not available."""
    stages: dict[str, float | None] = {}
    for stage in record.measurement.stages:
        joules = readings.window_j(record.measurement, stage.window, component)
        stages[stage.name] = None if joules is None else joules / stage.window.requests
    return stages


def _model(record: Record, model_j: float | None, evidence: str) -> tuple[Part, ...]:
    """The lower bound and what is beyond it; the model as it was measured where no bound is known."""
    bound = lower_bound.of(record.measurement.work, record.environment.calibration, record.settings.precision)
    if bound is None:
        return (Part(MODEL, model_j, evidence if model_j is not None else UNKNOWN),)
    parts = (Part(BOUND, bound.total_j, "estimated"),)
    if model_j is None:
        return parts
    beyond = model_j - bound.total_j
    note = "" if beyond >= 0 else "below it: this work is not priced as the calibration's"
    return (*parts, Part(BEYOND, beyond, evidence, note))


def text(known: Breakdown) -> str:
    """The parts as shares of the whole in one line, each that was not measured with how it is known."""
    device = [_in_words(part, known.total_j) for part in known.parts if part.name != OTHERS[known.component]]
    others = [_in_words(part, known.total_j) for part in known.parts if part.name == OTHERS[known.component]]
    return "; ".join([f"{DEVICE[known.component]}: {', '.join(device)}", *others])


def _in_words(part: Part, total_j: float) -> str:
    if part.joules is None:
        return f"{part.name} {UNKNOWN}"
    why = "; ".join(each for each in ("" if part.evidence == MEASURED else part.evidence, part.note) if each)
    share = f"{part.joules / total_j:.0%}" if total_j else UNKNOWN
    return f"{part.name} {share}{f' ({why})' if why else ''}"
