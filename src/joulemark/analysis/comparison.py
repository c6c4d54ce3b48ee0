"""Which of two settings costs less energy, and whether they may be compared at all: pure, from their records.

comparable?  what was asked, where and how it was measured must be the same; model, precision and batch may differ
quantity     gross or dynamic energy, by analysis/quantity.py
verdict      by analysis/verdict.py, from one value a process; processes that decide nothing are left out and named
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import fmean

from joulemark.analysis import flags, named_metrics, quality, verdict
from joulemark.analysis import quantity as quantities
from joulemark.analysis.comparability import card, differences
from joulemark.analysis.quality import QualityDifference
from joulemark.analysis.quantity import Quantity
from joulemark.analysis.verdict import Verdict
from joulemark.core.cell import Cell, cell
from joulemark.core.measurement import COMPONENTS
from joulemark.core.record import Record

METRICS = (
    "energy/total_wh_per_1k",
    *(f"energy/{component}_wh_per_1k" for component in COMPONENTS),
    "energy/dynamic_wh_per_1k",
    "energy/ci95_rel",
    "energy/dynamic_ci95_rel",
    "energy/estimated_share",
    "latency/p50_s",
    "throughput/requests_per_s",
    "quality/primary",
)


@dataclass(frozen=True)
class Comparison:
    """Two settings side by side.

    Attributes:
        verdict: the one that costs less, `A` or `B`; `tie`, `not established` or `unknown`
        note: why the verdict is what it is
        reasons: why the runs do not compare; then the verdict is `unknown` and nothing is computed
        quantity: `gross` or `dynamic`, what the verdict is of
        quantity_reason: why that one
        energy: the whole verdict with the ratio of B over A; None where they do not compare
        cells: the values of A and of B, Wh per 1,000 inferences, one a process that counts
        left_out: each process that decides nothing, with the reason
        quality: whether they answer equally well
        rows: the metrics of A and B by name, as (A, B), means over their processes
        answers: the process of A and that of B whose predictions are compared; None where they do not compare
    """

    verdict: str
    note: str
    reasons: tuple[str, ...]
    quantity: str
    quantity_reason: str
    energy: Verdict | None
    cells: tuple[Cell, Cell]
    left_out: tuple[str, ...]
    quality: QualityDifference
    rows: Mapping[str, tuple[float | None, float | None]] = field(default_factory=dict)
    answers: tuple[Record, Record] | None = None


def compare(
    a: Record | Sequence[Record],
    b: Record | Sequence[Record],
    quantity: str | None = None,
    across_engines: bool = False,
) -> Comparison:
    """The comparison of two settings, each by its runs; `quantity` None chooses by what the records say.

    Runs of two engines compare only `across_engines`.

    Raises:
        UserError: a quantity that there is not
    """
    sides = _processes(a), _processes(b)
    chosen = _quantity([*sides[0], *sides[1]], quantity)
    rows = dict(_rows(*sides))
    reasons = tuple(_reasons(_finished(sides[0]), _finished(sides[1]), across_engines))
    counted = tuple(_counted(name, side) for name, side in zip("AB", sides, strict=True))
    cells = _cell(counted[0][0], chosen), _cell(counted[1][0], chosen)
    left_out = (*counted[0][1], *counted[1][1])
    if reasons:
        note, no_quality = "they do not compare", QualityDifference(quality.UNKNOWN, "they do not compare")
        return Comparison(
            verdict.UNKNOWN, note, reasons, chosen.name, chosen.reason, None, cells, left_out, no_quality, rows
        )
    result = verdict.between(*cells)
    none_left = [name for name, cell in zip("AB", cells, strict=True) if not cell.values]
    note = f"every process of {' and '.join(none_left)} is" if none_left else f"{result.note}; {len(left_out)}"
    note = f"{note} left out" if left_out else result.note
    answers = _answered(sides[0]), _answered(sides[1])
    between = quality.difference(*answers)
    return Comparison(
        result.outcome, note, (), chosen.name, chosen.reason, result, cells, left_out, between, rows, answers
    )


@dataclass(frozen=True)
class _Process:
    """One run with its named metrics, which take a bootstrap to compute."""

    record: Record
    metrics: Mapping[str, float | None]


def _processes(records: Record | Sequence[Record]) -> list[_Process]:
    several = [records] if isinstance(records, Record) else records
    return [_Process(record, named_metrics.metrics(record)) for record in several]


def _answered(processes: Sequence[_Process]) -> Record:
    """The first process with a quality; the first where none has one."""
    known = (each.record for each in processes if each.record.scores.get(quality.PRIMARY) is not None)
    return next(known, processes[0].record)


def _quantity(processes: Sequence[_Process], typed: str | None) -> Quantity:
    """What is compared, by the processes that count; by all where none does."""
    counted = [each for each in processes if not undeciding(each.record)] or processes
    records = [each.record for each in counted]
    shared = any(record.origin.shared_host or quantities.shared(record.flags) for record in records)
    return quantities.choose([each.metrics[quantities.UTILIZATION] for each in counted], shared, typed)


def _rows(a: Sequence[_Process], b: Sequence[_Process]) -> Iterator[tuple[str, tuple[float | None, float | None]]]:
    for name in METRICS:
        yield name, (_mean(each.metrics.get(name) for each in a), _mean(each.metrics.get(name) for each in b))


def _mean(values: Iterator[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None


def undeciding(record: Record) -> str | None:
    """Why a process decides nothing; None for one that counts."""
    if record.status != "finished":
        return f"{record.status}: {record.error}"
    return flags.undeciding(record.flags)


def _counted(name: str, processes: Sequence[_Process]) -> tuple[list[_Process], list[str]]:
    """The processes of one side that count, and each other with its reason."""
    reasons = {index: undeciding(each.record) for index, each in enumerate(processes)}
    left_out = [f"{name}{index + 1 if len(processes) > 1 else ''}: {why}" for index, why in reasons.items() if why]
    return [each for index, each in enumerate(processes) if not reasons[index]], left_out


def _cell(processes: Sequence[_Process], quantity: Quantity) -> Cell:
    metric, relative = quantity.metric, quantity.relative
    known = [each.metrics for each in processes if each.metrics[metric] is not None]
    means = [float(values[metric] or 0.0) for values in known]
    halves = [
        None if values[relative] is None else mean * float(values[relative] or 0.0)
        for mean, values in zip(means, known, strict=True)
    ]
    return cell(means, halves, card(processes[0].record) if processes else None)


def _finished(processes: Sequence[_Process]) -> Sequence[Record]:
    records = [each.record for each in processes]
    return [record for record in records if record.status == "finished"] or records


def _reasons(a: Sequence[Record], b: Sequence[Record], across_engines: bool) -> Iterator[str]:
    """Each thing that must be the same and is not, between the sides and within each of them."""
    for name, side in (("A", a), ("B", b)):
        for record in side[1:]:
            yield from (f"{name} is not one setting: {reason}" for reason in _settings_differ(side[0], record))
            yield from (f"within {name}: {reason}" for reason in differences(side[0], record))
    yield from differences(a[0], b[0], across_engines)


def _settings_differ(first: Record, second: Record) -> Iterator[str]:
    """What sets two runs of one side apart."""
    choices = [
        {
            "model": run.model.name,
            "weights": run.model.weights,
            **asdict(run.settings),
            "OMP_NUM_THREADS": run.environment.omp_threads,
            "engine version": run.engine.version,
            **{f"engine.{name}": value for name, value in run.engine.options.items()},
        }
        for run in (first, second)
    ]
    for name in dict.fromkeys((*choices[0], *choices[1])):
        if choices[0].get(name) != choices[1].get(name):
            yield f"{name} {choices[0].get(name)} and {choices[1].get(name)}"
