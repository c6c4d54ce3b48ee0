"""Training against inference: after how many calls the energy that training took, as published, is matched.

    calls = (training + fine-tuning) / energy of one inference

The study's Table 5 is this for BLOOMz, with the energy of eight GPUs, seven of them idle, in each call; here the
inference is what a run measured, and stands beside the printed number.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from joulemark.analysis.impact.amount import Amount, interval
from joulemark.analysis.impact.usage import DAYS, Use
from joulemark.core.coerce import typed
from joulemark.core.errors import UserError
from joulemark.core.formatting import rounded
from joulemark.core.markdown import Table
from joulemark.core.paths import CONF
from joulemark.core.units import PER

FILE = CONF / "reference" / "training.yaml"


@dataclass(frozen=True)
class Training:
    """What training a model took, as published.

    Attributes:
        model: id of the checkpoint
        training_kwh: energy of training, kWh
        fine_tuning_kwh: energy of fine-tuning, kWh
        inference_kwh: energy of a call as printed in the source, kWh
        calls: calls that match training, as printed in the source
    """

    model: str
    training_kwh: float
    fine_tuning_kwh: float
    inference_kwh: float
    calls: int

    @property
    def kwh(self) -> float:
        """Training and fine-tuning together."""
        return self.training_kwh + self.fine_tuning_kwh


@dataclass(frozen=True)
class Reference:
    """The published figures.

    Attributes:
        source: who publishes them
        year: year of publication
        version: version of the file
        boundary: what was counted
        entries: one for each model
    """

    source: str
    year: int
    version: int
    boundary: str
    entries: tuple[Training, ...]


@dataclass(frozen=True)
class Parity:
    """After how many calls of a measured run the published training is matched.

    Attributes:
        training: the published training
        reference: where it was published
        per_1k: gross energy of the run, Wh per 1,000 inferences
        calls: calls that take as much as training did
        run: name of the run; None where its model names it
    """

    training: Training
    reference: Reference
    per_1k: Amount
    calls: Amount
    run: str | None = None


def matched_calls(kwh: float, inference_kwh: float) -> float:
    """How many inferences take as much energy as training did."""
    return kwh / inference_kwh


@cache
def published(file: Path = FILE) -> Reference:
    """The published figures of the file; UserError for one that is broken."""
    values = yaml.safe_load(file.read_text(encoding="utf-8"))
    if not isinstance(values, dict):
        raise UserError(f"conf/reference/{file.name} holds no keys; see docs/impact.md")
    return typed(Reference, values, f"conf/reference/{file.name}")


def of_model(model: str, reference: Reference | None = None) -> Training | None:
    """The published training of a checkpoint by its id; None where there is none."""
    known = reference or published()
    return next((entry for entry in known.entries if entry.model == model), None)


def parity(model: str, per_1k: Amount, reference: Reference | None = None, run: str | None = None) -> Parity | None:
    """The calls that match the training of a checkpoint; None where its training is not published or takes nothing.

    `per_1k` is the run's gross energy, Wh per 1,000 inferences.
    """
    known = reference or published()
    training = of_model(model, known)
    calls = None if training is None else per_1k.into(training.kwh * 1000 * PER)  # Wh over the Wh of one
    return None if training is None or calls is None else Parity(training, known, per_1k, calls, run)


def sentences(parity: Parity, use: Use | None = None) -> tuple[str, ...]:
    """The parity as sentences, with the printed one, and how long a use takes to reach it."""
    training, calls = parity.training, parity.calls
    ends = "" if calls.low is None else f" ({rounded(calls.low, 3)} to {rounded(calls.high, 3)})"
    lines = [
        f"Training {training.model} took {training.training_kwh:,.0f} kWh and fine-tuning "
        f"{training.fine_tuning_kwh:,.0f} kWh, as published: as much as {rounded(calls.mean, 3)} inferences of this "
        f"run{ends}.",
        f"The published count is {training.calls:,} calls at {_printed(training.inference_kwh)} kWh each "
        f"({parity.reference.boundary}).",
    ]
    if use is not None:
        years = calls.mean / use.calls("year")
        lines.append(f"With {rounded(use.count, 4)} inferences a {use.per} that is {_years(years)}.")
    return tuple(lines)


def _printed(kwh: float) -> str:
    """A small number in full, as the source prints it."""
    return f"{kwh:.9f}".rstrip("0")


def _years(years: float) -> str:
    if years < 1:
        return f"{rounded(years * DAYS['year'])} days"
    return f"{rounded(years)} years"


def table(parities: Sequence[Parity]) -> Table:
    """Each run's model: training, an inference as printed and as measured, and the calls that match in both."""
    rows = tuple(
        (
            parity.run or parity.training.model,
            f"{parity.training.training_kwh:,.0f} + {parity.training.fine_tuning_kwh:,.0f} kWh",
            f"{_printed(parity.training.inference_kwh)} kWh",
            f"{parity.training.calls:,}",
            interval(parity.per_1k.times(1 / PER)),
            rounded(parity.calls.mean, 3),
        )
        for parity in parities
    )
    heads = ("run", "training and fine-tuning", "a call, as printed", "calls that match, as printed")
    references = dict.fromkeys(f"{parity.reference.source}: {parity.reference.boundary}." for parity in parities)
    note = " ".join(
        [*references, "As measured: gross component energy of the run, on its own card."] if parities else []
    )
    return Table("Training against inference", (*heads, "a call, as measured", "calls that match"), rows, note)
