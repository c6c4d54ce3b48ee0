"""The study's Tables 2, 3 and 5 from its raw data, and beside each what its working GPU alone took, as far as it shows.

    all eight GPUs        W8 = GPU energy / duration of the inferences           query_gpu_kwh_mean, query_s_mean
    an idle one           at most the least W8 of all / 8                        it works no less than an idle one
    the working one       at least W8 - 7 x idle, over the same time

No idle A100 was measured, and one sum was kept for all eight: so it is a least energy, under the assumption that seven
idle cards draw alike. RAM and CPU were constants: what they took was not measured and cannot be corrected.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from functools import cache
from math import sqrt
from pathlib import Path
from statistics import fmean

import yaml

from joulemark.analysis.external import study, study_names
from joulemark.analysis.external.result import ExternalResult
from joulemark.analysis.impact import training
from joulemark.core.coerce import typed
from joulemark.core.errors import UserError
from joulemark.core.formatting import UNKNOWN, rounded
from joulemark.core.markdown import Table
from joulemark.core.paths import CONF
from joulemark.core.units import J_PER_KWH

FILE = CONF / "reference" / "study_2023.yaml"
CARDS = 8
STATED_G_PER_KWH = 297.6  # by the paper; its rows hold 138.75


@dataclass(frozen=True)
class Task:
    """A row of Table 2 as printed."""

    task: str
    mean_kwh: str
    sd_kwh: str


@dataclass(frozen=True)
class Model:
    """A row of Table 3 as printed."""

    model: str
    g: str
    kwh: str


@dataclass(frozen=True)
class Reference:
    """What the paper printed, and who says so."""

    source: str
    year: int
    version: int
    boundary: str
    tasks: tuple[Task, ...]
    models: tuple[Model, ...]


@dataclass(frozen=True)
class Pooled:
    """Energy of 1,000 inferences over several means: kWh, its deviation over all their runs, the working GPU's least.

    `working_kwh` is None where a mean lacks its GPU's energy or its time;
    """

    kwh: float
    sd_kwh: float | None
    working_kwh: float | None
    runs: int
    models: int


@cache
def printed(file: Path = FILE) -> Reference:
    """The printed figures; UserError for a broken file."""
    values = yaml.safe_load(file.read_text(encoding="utf-8"))
    if not isinstance(values, dict):
        raise UserError(f"conf/reference/{file.name} holds no keys; see docs/ingest.md")
    return typed(Reference, values, f"conf/reference/{file.name}")


def tables(results: Sequence[ExternalResult]) -> list[Table]:
    """Tables 2, 3 and 5; none where the results hold nothing of the study's means."""
    means, idle_w = used(results), least_idle_w(results)
    if not means:
        return []
    built = [table2(means, idle_w), table3(means, idle_w), table5(means, idle_w)]
    return [table for table in built if table.rows]


def used(results: Sequence[ExternalResult]) -> list[ExternalResult]:
    """The means that the paper's tables are made of."""
    return [result for result in results if result.format == study.NAME and result.facts.get("kind") == "mean"
            and result.facts.get("used_in_paper") == "true" and result.total_j is not None]  # fmt: skip


def least_idle_w(results: Sequence[ExternalResult]) -> float | None:
    """What an idle GPU drew at most: an eighth of the least mean that all eight drew; None where no mean says."""
    watts = [result.gpu_j / result.duration_s for result in results
             if result.facts.get("kind") == "mean" and result.gpu_j and result.duration_s]  # fmt: skip
    return min(watts) / CARDS if watts else None


def working_j(result: ExternalResult, idle_w: float | None) -> float | None:
    """What the one working GPU took at least: all eight less seven idle ones."""
    if idle_w is None or result.gpu_j is None or result.duration_s is None:
        return None
    return result.gpu_j - (CARDS - 1) * idle_w * result.duration_s


def pooled(means: Sequence[ExternalResult], idle_w: float | None) -> Pooled:
    """Means of as many runs each, taken together; the deviation is that of all runs."""
    totals = [result.total_j for result in means if result.total_j is not None]
    working = [joules for result in means if (joules := working_j(result, idle_w)) is not None]
    counts = [result.repeats or 0 for result in means]
    runs = sum(counts)
    mean = sum(n * j for n, j in zip(counts, totals, strict=True)) / runs if runs else fmean(totals)
    spread = None
    if runs > 1 and all(result.sd_j is not None for result in means):
        within = sum((n - 1) * (result.sd_j or 0) ** 2 for n, result in zip(counts, means, strict=True))
        between = sum(n * (j - mean) ** 2 for n, j in zip(counts, totals, strict=True))
        spread = sqrt((within + between) / (runs - 1)) / J_PER_KWH
    least = fmean(working) / J_PER_KWH if len(working) == len(means) else None
    return Pooled(mean / J_PER_KWH, spread, least, runs, len({result.model for result in means}))


def agrees(value: float | None, printed: str) -> str:
    """The value with as many decimals as were printed, and whether it is what was printed."""
    if value is None:
        return UNKNOWN
    step = Decimal(printed)
    rounded, cut = (Decimal(repr(value)).quantize(step, how) for how in (ROUND_HALF_UP, ROUND_DOWN))
    if rounded == step:
        return str(rounded)
    return f"{cut} (cut; rounded {rounded})" if cut == step else f"{rounded} (printed {printed})"


def table2(means: Sequence[ExternalResult], idle_w: float | None) -> Table:
    """Energy of 1,000 inferences by task, over the task-specific models."""
    rows = []
    for row in printed().tasks:
        own = [result for result in means if result.facts.get("study_task") == row.task
               and result.facts.get("paradigm") == study_names.SPECIAL]  # fmt: skip
        if not own:
            continue
        mean = pooled(own, idle_w)
        rows.append((row.task, f"{row.mean_kwh} ({row.sd_kwh})", agrees(mean.kwh, row.mean_kwh),
                     agrees(mean.sd_kwh, row.sd_kwh), str(mean.runs), *_working(mean)))  # fmt: skip
    columns = ("task", "printed kWh per 1,000 (sd)", "from the raw data", "its sd", "runs",
               "working GPU alone, at least", "share of the printed")  # fmt: skip
    return Table("Table 2: energy per 1,000 inferences by task", columns, tuple(rows), _note(idle_w))


def table3(means: Sequence[ExternalResult], idle_w: float | None) -> Table:
    """Emissions and energy of the multi-purpose models, over their three tasks alike."""
    rows = []
    for row in printed().models:
        own = [
            result
            for result in means
            if result.model == row.model and result.facts.get("paradigm") == study_names.GENERAL
        ]
        if not own:
            continue
        mean = pooled(own, idle_w)
        grams = mean.kwh * study.FACTOR_G_PER_KWH
        working = None if mean.working_kwh is None else mean.working_kwh * study.FACTOR_G_PER_KWH
        rows.append((row.model, row.g, agrees(grams, row.g), row.kwh, agrees(mean.kwh, row.kwh),
                     rounded(mean.kwh * STATED_G_PER_KWH, 3), *_working(mean), rounded(working, 2)))  # fmt: skip
    columns = ("model", "printed g per 1,000", "from the raw data", "printed kWh", "from the raw data",
               f"g at the stated {STATED_G_PER_KWH} g/kWh", "working GPU alone, kWh at least",
               "share of the printed", "its g")  # fmt: skip
    note = f"Grams are at the {study.FACTOR_G_PER_KWH} g/kWh of the rows. {_note(idle_w)}"
    return Table("Table 3: multi-purpose models, per 1,000 inferences", columns, tuple(rows), note)


def table5(means: Sequence[ExternalResult], idle_w: float | None) -> Table:
    """After how many calls the training of a BLOOMz is matched."""
    rows = []
    for row in training.published().entries:
        own = [
            result
            for result in means
            if result.model == row.model and result.facts.get("paradigm") == study_names.GENERAL
        ]
        if not own:
            continue
        mean = pooled(own, idle_w)
        again = training.matched_calls(row.kwh, row.inference_kwh)
        calls = training.matched_calls(row.kwh, mean.kwh / study.INFERENCES)
        working = training.matched_calls(row.kwh, mean.working_kwh / study.INFERENCES) if mean.working_kwh else None
        same = " (as printed)" if int(again) == row.calls else ""
        rows.append((row.model, f"{row.training_kwh:,.0f} + {row.fine_tuning_kwh:,.0f}", f"{row.calls:,}",
                     f"{int(again):,}{same}", f"{calls:,.0f}", rounded(working, 2)))  # fmt: skip
    columns = ("model", "training + fine-tuning, kWh", "printed calls", "from the printed kWh of a call",
               "from the raw data's", "working GPU alone, at most")  # fmt: skip
    note = (
        "Training is as published and was not corrected; its boundary is another, so the last column sets a whole "
        f"training against one GPU. {_note(idle_w)}"
    )
    return Table("Table 5: calls that match the training", columns, tuple(rows), note)


def _working(mean: Pooled) -> tuple[str, str]:
    if mean.working_kwh is None:
        return UNKNOWN, UNKNOWN
    return rounded(mean.working_kwh, 2), f"{mean.working_kwh / mean.kwh:.0%}"


def _note(idle_w: float | None) -> str:
    """What the corrected columns are made of, and what they cannot say."""
    if idle_w is None:
        return "The working GPU is unknown: no GPU energy with its duration."
    return (
        f"Working GPU: query_gpu_kwh_mean less seven idle cards over query_s_mean; none was measured idle, so one drew "
        f"at most {idle_w:.1f} W, an eighth of the least that all eight drew, if they draw alike. RAM and CPU were "
        "constants and cannot be corrected: they are left out of it."
    )
