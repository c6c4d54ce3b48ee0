"""The prediction of a run that is only described, from the runs of a store; it is labelled so and no report has it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from joulemark.analysis import energy_metrics, lower_bound, prediction
from joulemark.analysis.prediction import FEWEST, Predicted
from joulemark.core.calibration import Calibration
from joulemark.core.errors import UserError
from joulemark.core.formatting import quantity
from joulemark.core.measurement import Work
from joulemark.core.model import Model
from joulemark.core.paths import program
from joulemark.core.record import Record
from joulemark.core.serving import BATCH, TRANSFORMERS
from joulemark.measure import expected_work
from joulemark.models.backend.shape_work import Lengths
from joulemark.store import measured

BEYOND = 3.0  # times the largest lower bound that taught, or below the least, from where a prediction reaches too far
COUNTED, OF_SHAPE = "counted in a run of this model", "counted on its shape, without its weights"


@dataclass(frozen=True)
class Prediction:
    """What is predicted of one run.

    Attributes:
        like: the record that the run would have, without a measurement
        work: FLOPs and bytes of a request
        source: how the work is known
        bound_j: its lower bound on this card, J
        energies: joules of a request by `gpu` or `cpu`, and `total`
        reach: the least and the largest lower bound of the measured models, J
        learnt: the measured runs
        measured: those of this very model on this card, which predict nothing and are better
    """

    like: Record
    work: Work
    source: str
    bound_j: float
    energies: Mapping[str, Predicted]
    reach: tuple[float, float]
    learnt: Sequence[Record]
    measured: Sequence[Record]

    @property
    def notes(self) -> list[str]:
        """What to know before using the prediction."""
        lines = [f"no report, comparison or sweep ranks a prediction; measure it: {self.like.origin.command}"]
        left_out = min(energy.left_out for energy in self.energies.values())
        if left_out < FEWEST:
            lines.append(
                f"no interval: {left_out} measured models could be left out and predicted, an error takes {FEWEST}"
            )
        least, most = self.reach
        if not least / BEYOND <= self.bound_j <= most * BEYOND:
            bounds = f"{quantity(least, 'J')} to {quantity(most, 'J')}"
            lines.append(
                f"its lower bound is far from those of the measured models ({bounds}), which say nothing of such a "
                "distance: the interval does not hold it"
            )
        shares = [energy_metrics.estimated_share(record.measurement) for record in self.learnt]
        if estimated := max((share for share in shares if share is not None), default=0.0):
            lines.append(f"all components: up to {estimated:.0%} of what it is learnt from was estimated, not measured")
        if self.measured:
            ids = ", ".join(record.id[:8] for record in self.measured[:3])
            lines.append(f"this model was measured on this card with such settings (record {ids}): that is better")
        return lines


def predicted(model: Model, like: Record, uri: str) -> Prediction:
    """The prediction of a run that is only described, from the runs of a store.

    Raises:
        UserError: no calibration of this card in this precision, nothing measured to learn from, or unknown work
    """
    calibration = _calibration(like)
    known = [record for record in measured.of_card(uri, like) if prediction.sensed(record, calibration)]
    this = prediction.identity(like.model)
    own = [record for record in known if prediction.identity(record.model) == this]
    learnt = [record for record in known if prediction.identity(record.model) != this]
    work, source, expected = _work(model, like, learnt, measured.work_of(uri, like)) if learnt else (None, "", None)
    bound = lower_bound.of(work, calibration, like.settings.precision)
    lessons = prediction.lessons(learnt, calibration, expected)
    energies = {
        name: found
        for name, taught in lessons.items()
        if bound is not None and (found := prediction.predict(bound.total_j, taught)) is not None
    }
    if work is None or bound is None or not energies:
        raise UserError(
            f"task={like.task.name}: no other model was measured on this card with these settings and a batch of half "
            f"to twice the size, its work counted; type {program('run')} with one"
        )
    bounds = [lesson.bound_j for taught in lessons.values() for lesson in taught]
    return Prediction(like, work, source, bound.total_j, energies, (min(bounds), max(bounds)), learnt, own)


def _calibration(like: Record) -> Calibration:
    """The prices of this card; UserError where there are none for this run."""
    calibration, precision = like.environment.calibration, like.settings.precision
    if like.scenario.name != BATCH or like.engine.name != TRANSFORMERS:
        raise UserError("scenario and engine: only fixed batches are predicted; leave them out")
    if calibration is None:
        raise UserError(f"{like.device_name} has no calibration, which prices its work; type {program('calibrate')}")
    if precision not in calibration.products:
        known = ", ".join(calibration.products)
        raise UserError(f"precision={precision} is not calibrated on this device; choose from: {known}")
    return calibration


def _work(
    model: Model, like: Record, learnt: Sequence[Record], counted: Work | None
) -> tuple[Work, str, Mapping[str, Work | None] | None]:
    """The work of a request, how it is known, and what would have been expected so of each measured run.

    UserError where it is not known.
    """
    if counted is not None:
        return counted, COUNTED, None
    lengths = _typical([prediction.lengths(record) for record in learnt], like.task.max_new_tokens)
    work = expected_work.of_model(model, like.settings, lengths)
    if work is None:
        raise UserError(
            f"model={like.model.name}: its work cannot be counted without its weights; type {program('run')} with it "
            "once, on any device"
        )
    return work, OF_SHAPE, expected_work.of_records(learnt, lengths)


def _typical(known: Sequence[tuple[float | None, float | None]], most: int | None) -> Lengths:
    """The median lengths of the measured runs' requests: in their own tokens, since this model's are not counted.

    Where none of them wrote tokens an answer has as many as the task allows, `most`.
    """
    read, written = ([one for one in values if one is not None] for values in zip(*known, strict=True))
    return Lengths(median(read) if read else None, median(written) if written else most)
