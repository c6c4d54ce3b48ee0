"""The nearest published figure of a run, and the run's place among those of its task.

    same model        -> that entry
    else same task    -> the entry whose parameters are nearest, said to be another model

Published and measured are of different cards and settings as a rule: each difference is named, and the boundary of the
list (the GPU alone) decides which of the run's energies is held against it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from math import log
from pathlib import Path
from typing import Any

import yaml

from joulemark.analysis import energy_metrics
from joulemark.core.coerce import typed
from joulemark.core.errors import UserError
from joulemark.core.paths import CONF
from joulemark.core.record import Record

FILE = CONF / "reference" / "ai_energy_score_2025.yaml"
FIFTHS = 5
MOST_STARS = 5
TOKENS = 10  # that the list lets a text generation answer with
DISTURBED = {"contaminated", "throttled"}  # flags of joules that are not the model's alone
SIZE_IN_NAME = re.compile(r"(?<![A-Za-z0-9.])(\d+(?:\.\d+)?)([bBmM])(?![A-Za-z0-9])")  # opt-6.7b, Llama-2-70b-hf


@dataclass(frozen=True)
class Entry:
    """One published figure: Wh per 1,000 inferences of a model on a task, and its stars where the list gives them."""

    model: str
    task: str
    wh_per_1k: float
    stars: int | None = None
    parameters: int | None = None

    @property
    def size(self) -> float | None:
        """How many parameters: as stated, else as the model's name says; None where neither does."""
        if self.parameters is not None:
            return float(self.parameters)
        match = SIZE_IN_NAME.search(self.model)
        return float(match[1]) * (1e9 if match[2] in "bB" else 1e6) if match else None


@dataclass(frozen=True)
class Reference:
    """A published list.

    Attributes:
        source: who publishes it
        year: year of publication
        boundary: what was counted
        entries: its entries
        coverage: how much of the whole list it holds
        version: version of the file
    """

    source: str
    year: int
    boundary: str
    entries: tuple[Entry, ...]
    coverage: str = ""
    version: int = 1


@dataclass(frozen=True)
class Place:
    """The place of a run in a published list.

    Attributes:
        reference: the list
        task: name of the task
        wh_per_1k: GPU energy of the run, Wh per 1,000 inferences
        entry: the entry of the run's model, or of the nearest size; None where there is none
        same: whether the entry is of the run's own model
        count: entries of the task
        below: how many of them take less than the run
        fifth: 1 for the best fifth, to 5; None among fewer than five entries
        stars: the only band that the list's own stars allow; None where they allow several
        differs: what of the run is not as the list measured
    """

    reference: Reference
    task: str
    wh_per_1k: float
    entry: Entry | None
    same: bool
    count: int
    below: int
    fifth: int | None
    stars: int | None
    differs: tuple[str, ...] = ()

    @property
    def ratio(self) -> float | None:
        """The run over the entry."""
        return None if self.entry is None else self.wh_per_1k / self.entry.wh_per_1k


@cache
def read(file: Path = FILE) -> Reference | None:
    """The list in the file, keys that are not known here left aside; None where there is no such file."""
    if not file.is_file():
        return None
    values = yaml.safe_load(file.read_text(encoding="utf-8"))
    where = f"conf/reference/{file.name}"
    if not isinstance(values, dict) or not isinstance(values.get("entries"), list):
        raise UserError(f"{where} holds no entries; see docs/impact.md")
    entries = [_only(Entry, entry) for entry in values["entries"]]
    return typed(Reference, {**_only(Reference, values), "entries": entries}, where)


def _only(cls: type, values: Any) -> Any:
    """The keys that a dataclass knows."""
    known = {field.name for field in fields(cls)}
    return {key: value for key, value in values.items() if key in known} if isinstance(values, Mapping) else values


def of_record(record: Record, metrics: Mapping[str, float | None], reference: Reference | None = None) -> Place | None:
    """The place of a run; None without a list, without entries of its task, or where no sensor saw its GPU."""
    known, wh = reference or read(), metrics.get("energy/gpu_wh_per_1k")
    if known is None or wh is None:
        return None
    model = record.model
    return place(
        known,
        record.task.name,
        wh,
        model=str(model.checkpoint),
        parameters=model.parameters,
        differs=tuple(_differences(record)),
    )


def stated(record: Record, metrics: Mapping[str, float | None], reference: Reference | None = None) -> Place | None:
    """The place that a run's own page may state: None unless a counter read the GPU of a finished, undisturbed run.

    Of built-in weights none is stated: they are too small for a list of models that people use.
    """
    counted = energy_metrics.methods(record.measurement)["gpu"] == "counter"
    undisturbed = record.status == "finished" and not DISTURBED & set(record.flags)
    if not counted or not undisturbed or record.model.weights == "embedded":
        return None
    return of_record(record, metrics, reference)


def place(
    reference: Reference,
    task: str,
    wh_per_1k: float,
    model: str = "",
    parameters: float | None = None,
    differs: tuple[str, ...] = (),
) -> Place | None:
    """The place of so many Wh of the GPU per 1,000 inferences among the published entries of a task."""
    entries = [entry for entry in reference.entries if entry.task == task]
    if not entries:
        return None
    own = next((entry for entry in entries if entry.model == model), None)
    below = sum(entry.wh_per_1k < wh_per_1k for entry in entries)
    count = len(entries)
    fifth = min(FIFTHS, below * FIFTHS // count + 1) if count >= FIFTHS else None
    nearest = own or _nearest(entries, parameters)
    return Place(
        reference,
        task,
        wh_per_1k,
        nearest,
        own is not None,
        count,
        below,
        fifth,
        _band(wh_per_1k, entries),
        differs,
    )


def _nearest(entries: Sequence[Entry], parameters: float | None) -> Entry | None:
    """The entry whose size is nearest by ratio; None where the run's size or all of theirs are unknown."""
    sized = [(entry.size, entry) for entry in entries if entry.size]
    if not parameters or not sized:
        return None
    return min(sized, key=lambda pair: abs(log(pair[0] / parameters)))[1]


def _band(wh_per_1k: float, entries: Sequence[Entry]) -> int | None:
    """The stars that the list's own entries leave no choice but to give; None where they do.

    They are bands of the task's energy: where some entry has more stars than one that takes less, they are of something
    else besides (text generation has classes), and nothing is said.
    """
    rated = sorted((entry.wh_per_1k, entry.stars) for entry in entries if entry.stars is not None)
    stars = [star for _, star in rated]
    if not rated or stars != sorted(stars, reverse=True):
        return None
    under = [star for wh, star in rated if wh <= wh_per_1k]
    over = [star for wh, star in rated if wh >= wh_per_1k]
    least, most = over[0] if over else 1, under[-1] if under else MOST_STARS
    return least if least == most else None


def _differences(record: Record) -> list[str]:
    """What of the run is not as the AI Energy Score measures."""
    settings, gpu = record.settings, record.hardware.gpu_name
    precision = "fp16" if record.task.name == "text_generation" else "fp32"
    cards, tokens = len(record.hardware.uuids), record.task.max_new_tokens
    checks = (
        (cards <= 1, f"the sum of {cards} GPUs, not of one"),
        (gpu is not None and "H100" in gpu, f"on {gpu or record.hardware.device}, not an H100"),
        (settings.batch_size == 1, f"batch {settings.batch_size}, not 1"),
        (settings.precision == precision, f"{settings.precision}, not {precision}"),
        (record.task.name != "text_generation" or tokens == TOKENS, f"up to {tokens} new tokens, not {TOKENS}"),
        (record.model.weights == "hub", f"{record.model.weights} weights"),
        (record.task.dataset != "embedded", "the built-in data, not the list's"),
    )
    return [difference for holds, difference in checks if not holds]
