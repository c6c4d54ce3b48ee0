"""The table at the end of a suite: a row for each setting, and below it what a general-purpose model costs against
a specialist. Rows in, text out. What may be claimed of two settings is analysis/verdict.py's to say.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from joulemark.analysis import caveats, verdict
from joulemark.analysis.flags import of_text, undeciding
from joulemark.core import markdown as md
from joulemark.core import stats
from joulemark.core.answer import NOTHING, Answer, warned
from joulemark.core.apart import differing
from joulemark.core.cell import Cell
from joulemark.core.formatting import UNKNOWN, quantity

# How a row ended whose run was not made, or left no metrics
SKIPPED, FAILED = "measured before", "failed"

COLUMNS = ("task", "model", "quality", "Wh per 1,000", "±", "processes", "estimated", "p50 s", "")
SWEPT = (
    "quality",
    "Wh per 1,000",
    "±",
    "processes",
    "estimated",
    "p95 s",
    "status",
)  # after the model and what was varied
LEFT = ("task", "model", "quality", "", "status")
NAMED = 3  # runs that share a warning are named up to this many, then counted


@dataclass(frozen=True)
class Row:
    """One run of a suite, or the processes of one setting: what was requested, and what the tracking store holds.

    Attributes:
        task: its name
        model: its name
        inputs: all that must be equal for two rows to compare: the options of the run without those of the model
        status: how it ended
        metrics: by the names of the store; None where not available
        tags: those of the stored run
        error: why it failed
        varied: the options by which the runs of one model differ
        values: the energies of the processes of a row that stands for several, Wh per 1,000
    """

    task: str
    model: str
    inputs: str = ""
    status: str = ""
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    error: str = ""
    varied: Mapping[str, str] = field(default_factory=dict)
    values: tuple[float, ...] = ()

    @property
    def name(self) -> str:
        """The model, and what else sets this run apart."""
        return " ".join([self.model, *(f"{key}={value}" for key, value in self.varied.items())])

    @property
    def cell(self) -> Cell:
        """The energy as a verdict takes it, one value a process that decides something."""
        if len(self.values) > 1:
            return Cell(self.values)
        known = None if undeciding(flags(self)) else verdict.energy_estimate(self.metrics)
        return Cell(()) if known is None else Cell((known.mean,), known.half_width)

    @property
    def energy(self) -> float | None:
        """Gross Wh per 1,000 inferences; None where it is not available."""
        return self.metrics.get("energy/total_wh_per_1k")

    @property
    def spread(self) -> float | None:
        """Half the interval over the mean, between processes or of one process within it; None without one."""
        estimate = self.cell.estimate if len(self.values) > 1 else None
        return self.metrics.get("energy/ci95_rel") if estimate is None else estimate.relative

    @property
    def quality(self) -> float | None:
        """The task's primary metric; None where it is unknown."""
        return self.metrics.get("quality/primary")


def merged(rows: Sequence[Row]) -> list[Row]:
    """One row for each setting: the means of its finished processes; a run that failed keeps a row of its own."""
    settings: dict[tuple[object, ...], list[Row]] = defaultdict(list)
    for place, row in enumerate(rows):
        key = (row.task, row.model, row.inputs, tuple(row.varied.items()), place if row.energy is None else None)
        settings[key].append(row)
    return [_mean_row(several) if len(several) > 1 else several[0] for several in settings.values()]


def _mean_row(rows: Sequence[Row]) -> Row:
    counted = [row for row in rows if not undeciding(flags(row))] or rows[:1]
    names = dict.fromkeys(name for row in counted for name in row.metrics)
    metrics = {name: stats.mean_of_all([row.metrics.get(name) for row in counted]) for name in names}
    values = tuple(row.energy for row in counted if row.energy is not None)
    return replace(counted[0], metrics=metrics, values=values)


def show(rows: Sequence[Row]) -> None:
    """Prints the table of a suite and the lines below it."""
    _print(rows, COLUMNS)


def show_sweep(rows: Sequence[Row]) -> None:
    """Prints the table of a sweep and the lines below it."""
    _print(rows, swept(rows))


def swept(rows: Sequence[Row]) -> tuple[str, ...]:
    """The columns of a sweep's table: one for each option that was varied, the task where there are several."""
    varied = dict.fromkeys(key for row in rows for key in row.varied)
    several = len({task(row) for row in rows}) > 1
    return (*(["task"] if several else []), "model", *varied, *SWEPT)


def _print(rows: Sequence[Row], columns: Sequence[str]) -> None:
    rows = merged(rows)
    printed(columns, _lines(rows, columns), [*below(rows), *map(warned, warnings(rows))], LEFT)


def markdown(rows: Sequence[Row], columns: Sequence[str] = COLUMNS, answer: Answer = NOTHING) -> str:
    """The same table and lines as Markdown, below what they come to."""
    rows = merged(rows)
    answer = replace(answer, warnings=[*answer.warnings, *warnings(rows)])
    return marked(columns, _lines(rows, columns), below(rows), LEFT, answer)


def _lines(rows: Sequence[Row], columns: Sequence[str]) -> list[list[str]]:
    """The cells of each row; where others would read the same, with the options of its inputs that differ."""
    alike = [(task(row), row.name) for row in rows]
    apart = differing(alike, [{o.partition("=")[0]: o for o in row.inputs.split()} for row in rows])
    where = "task" if "task" in columns else "model"
    lines = []
    for row, more in zip(rows, apart, strict=True):
        cells = _cells(row)
        cells[where] = " ".join([cells[where], *more])
        lines.append([cells.get(name, "") for name in columns])
    return lines


def printed(heads: Sequence[str], lines: Sequence[Sequence[str]], notes: Sequence[str], left: Sequence[str]) -> None:
    """Prints lines of cells under their heads, those of `left` to the left, and the notes below."""
    from rich.table import Table

    from joulemark.core import console

    table = Table(box=None, pad_edge=False)
    for name in heads:
        table.add_column(name, justify="left" if name in left else "right", overflow="fold")
    for line in lines:
        table.add_row(*line)
    console.show(table, *notes)


def marked(
    heads: Sequence[str],
    lines: Sequence[Sequence[str]],
    notes: Sequence[str],
    left: Sequence[str],
    answer: Answer = NOTHING,
) -> str:
    """The same as Markdown, the answer first: of a long description MLflow shows the first lines only."""
    text = md.rows(heads, lines, right=[name for name in heads if name not in left])
    first, further = [f"**{md.escaped(line)}**" for line in answer.answer[:1]], [*answer.answer[1:], *answer.sure]
    parts = (
        first,
        [f"- {md.escaped(line)}" for line in (*further, *answer.then)],
        [f"> {md.escaped(line)}" for line in answer.warnings],
        text,
        [f"- {md.escaped(note)}" for note in notes],
    )
    return "\n".join(line for part in parts if part for line in (*part, ""))


def task(row: Row) -> str:
    """The task of a row, and its dataset where that is not the one that ships."""
    dataset = row.tags.get("dataset", "embedded")
    return row.task if dataset == "embedded" else f"{row.task} {dataset}"


def _cells(row: Row) -> dict[str, str]:
    """What the row shows, by column."""
    estimated = row.metrics.get("energy/estimated_share")
    return {
        "task": task(row),
        "model": row.model,
        **row.varied,
        "quality": quantity(row.quality, row.tags.get("metric"), count=3),
        "Wh per 1,000": quantity(row.energy, count=3),
        "±": UNKNOWN if row.spread is None else f"{row.spread:.0%}",
        "processes": str(len(row.values) or int(row.energy is not None)),
        "estimated": UNKNOWN if estimated is None else f"{estimated:.0%}",
        "p50 s": quantity(row.metrics.get("latency/p50_s"), count=3),
        "p95 s": quantity(row.metrics.get("latency/p95_s"), count=3),
        "": row.status,
        "status": row.status,
    }


def below(rows: Sequence[Row]) -> list[str]:
    """Units, general-purpose models against the best specialist on the same inputs, failures."""
    measured = [row for row in rows if row.energy is not None]
    lines = [_caption(measured)] if measured else []
    for row in measured:
        best = specialist(row, measured)
        if best is not None:
            lines.append(_against_specialist(row, best))
    return lines + [f"{row.task}, {row.name} {row.status}: {row.error}" for row in rows if row.error]


def warnings(rows: Sequence[Row]) -> list[str]:
    """Each flag with what it means and the runs that have it."""
    measured = [row for row in rows if row.energy is not None]
    flagged = {flag: [row for row in measured if flag in flags(row)] for row in measured for flag in flags(row)}
    return [
        f"{flag}: {caveats.EXPLAINED.get(flag, flag)} ({_who(those, len(measured))})"
        for flag, those in sorted(flagged.items())
    ]


def _caption(rows: Sequence[Row]) -> str:
    devices = sorted({row.tags["device"] for row in rows if "device" in row.tags})
    return (
        f"{', '.join(devices) or 'unknown device'}. Wh: gross component energy of 1,000 inferences, not electricity at "
        "the wall; estimated: the share of it that no sensor measured; ±: half of the 95 % interval between processes, "
        "of one process within the run."
    )


def specialist(row: Row, rows: Sequence[Row]) -> Row | None:
    """Of a general-purpose model the specialist of the highest quality on the same inputs, of equals the cheapest."""
    if row.tags.get("role") != "general_purpose":
        return None
    key = (row.inputs, row.tags.get("dataset"))
    specialists = [
        entry
        for entry in rows
        if entry.tags.get("role") == "specialist" and (entry.inputs, entry.tags.get("dataset")) == key
    ]
    return min(specialists, key=lambda entry: (-(entry.quality or 0.0), entry.energy or 0.0), default=None)


def _against_specialist(row: Row, best: Row) -> str:
    """One sentence: what the general-purpose model costs in multiples of the specialist, and the quality of both."""
    assert row.energy is not None
    assert best.energy is not None
    known = row.quality is not None and best.quality is not None
    quality = (
        f"quality {quantity(row.quality, count=3)} against {quantity(best.quality, count=3)}"
        if known
        else "no quality to compare"
    )
    result = verdict.between(best.cell, row.cell)
    if result.established:
        energy = f"{row.name} costs {result.multiple} the energy of {best.name}"
    elif result.outcome == verdict.TIE:
        energy = f"{row.name} and {best.name} tie on energy, {result.note}"
    else:
        ratio = "" if result.ratio is None else f"{result.multiple} the energy, "
        energy = f"{row.name} against {best.name}: {ratio}not established ({result.note})"
    return f"{task(row)}: {energy}, {quality}"


def flags(row: Row) -> tuple[str, ...]:
    """The flags of a row."""
    return of_text(row.tags.get("flags"))


def _who(rows: Sequence[Row], total: int) -> str:
    if len(rows) == total:
        return "every run" if total > 1 else rows[0].name
    if len(rows) > NAMED:
        return f"{len(rows)} of {total} runs"
    return ", ".join(f"{row.name} on {row.task}" for row in rows)
