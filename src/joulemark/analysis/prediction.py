"""What a request of a model that was not measured costs on a card, learnt from the models that were; never a result.

its work, counted ── this card's calibration ──▶ lower bound ── x median(measured / lower bound) ──▶ predicted
                                                                 over the models measured there

The median is over models, not runs: repeats of one model are one lesson. The error is learnt by leaving out each model
in turn and predicting it from the others, in logarithms, since a ratio errs by factors.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp, log, sqrt
from statistics import fmean, median

from joulemark.analysis import advice, energy_metrics, flags, lower_bound, requests
from joulemark.core import stats
from joulemark.core.calibration import Calibration
from joulemark.core.measurement import Work
from joulemark.core.model import Settings
from joulemark.core.record import ModelFacts, Record, TaskFacts
from joulemark.core.record_json import plain
from joulemark.core.serving import BATCH, TRANSFORMERS

FEWEST = 4  # models that were left out and predicted, below which their errors are no interval
BATCH_FACTOR = 2  # between the batch sizes of one class of settings
# Of a task, what decides how much work a request is; the seed, the rows and the prompt are the measured runs' own
ASKED = ("name", "unit", "dataset", "config", "split", "min_new_tokens", "max_new_tokens", "options")


@dataclass(frozen=True)
class Lesson:
    """One model that was measured on the card.

    Attributes:
        model: which one it is, whatever option chose it
        bound_j: lower bound of a request by the work that its run counted
        expected_j: the same by the work that was to be expected before its run, as that of the new model is; None
            where it is not known
        measured_j: gross joules of a request, above zero
    """

    model: str
    bound_j: float
    expected_j: float | None
    measured_j: float


@dataclass(frozen=True)
class Predicted:
    """Joules of a request that nobody measured.

    Attributes:
        joules: the lower bound of the new model times `ratio`
        low, high: the 95 % prediction interval; None where fewer than FEWEST models could be left out
        ratio: median of measured over lower bound
        models: how many models it is learnt from
        left_out: how many of them were left out and predicted
        error: half of the interval as a factor; None without one
    """

    joules: float
    low: float | None
    high: float | None
    ratio: float
    models: int
    left_out: int
    error: float | None


def predict(bound_j: float, lessons: Sequence[Lesson]) -> Predicted | None:
    """The energy of a request of a model whose lower bound is `bound_j`; None without lessons."""
    if not lessons:
        return None
    ratio, errors = _ratio(lessons), _errors(lessons)
    joules = bound_j * ratio
    error = _factor(errors)
    low, high = (None, None) if error is None else (joules / error, joules * error)
    return Predicted(joules, low, high, ratio, len(_by_model(lessons)), len(errors), error)


def _by_model(lessons: Sequence[Lesson]) -> dict[str, list[Lesson]]:
    models: dict[str, list[Lesson]] = {}
    for lesson in lessons:
        models.setdefault(lesson.model, []).append(lesson)
    return models


def _ratio(lessons: Sequence[Lesson]) -> float:
    """The median over models of measured over lower bound, each model's own the median of its runs."""
    return median(median(each.measured_j / each.bound_j for each in own) for own in _by_model(lessons).values())


def _errors(lessons: Sequence[Lesson]) -> list[float]:
    """For each model, the logarithm of what it took over what the other models had predicted for it."""
    errors = []
    for model, own in _by_model(lessons).items():
        others = [lesson for lesson in lessons if lesson.model != model]
        known = [log(each.measured_j / each.expected_j) for each in own if each.expected_j]
        if others and known:
            errors.append(median(known) - log(_ratio(others)))
    return errors


def _factor(errors: Sequence[float]) -> float | None:
    """The factor within which a new model lies at 95 %, of errors that are normal in logarithms; None of too few.

    Student's t on their root mean square about zero: what is predicted for a model that was left out errs by it.
    """
    if len(errors) < FEWEST:
        return None
    from scipy.special import stdtrit

    spread = sqrt(fmean([error**2 for error in errors]))
    return exp(float(stdtrit(len(errors) - 1, (1 + stats.LEVEL) / 2)) * spread)


def teaches(record: Record, like: Record) -> bool:
    """Whether a measured run is of the same task and class of settings as a run that is only described."""
    doubt = flags.undeciding(flag for flag in record.flags if flag != flags.NOT_CONVERGED)
    usable = record.status == "finished" and doubt is None and record.measurement.work is not None
    fixed = record.scenario.name == BATCH and record.engine.name == TRANSFORMERS
    return usable and fixed and same_task(record.task, like.task) and same_class(record.settings, like.settings)


def identity(model: ModelFacts) -> str:
    """Which model it is: its checkpoint, which two options may name; a name where there is none."""
    return model.checkpoint or model.name


def sensed(record: Record, calibration: Calibration) -> bool:
    """Whether a sensor measured the device that the calibration prices: an estimate teaches nothing of it."""
    known = energy_metrics.methods(record.measurement)[calibration.component]
    return known is not None and known not in energy_metrics.ESTIMATED


def same_task(a: TaskFacts, b: TaskFacts) -> bool:
    """Whether both ask for as much work of a model."""
    return all(plain(getattr(a, name)) == plain(getattr(b, name)) for name in ASKED)


def same_class(a: Settings, b: Settings) -> bool:
    """Whether two settings differ by their batch size alone, and that by a factor of two at most."""
    less, more = sorted((a.batch_size, b.batch_size))
    return replace(a, batch_size=1) == replace(b, batch_size=1) and more <= BATCH_FACTOR * less


def lengths(record: Record) -> tuple[float | None, float | None]:
    """Mean tokens of a request that the model read, with padding where it is known, and wrote; None where unknown."""
    rows = list(requests.each(record))
    read = [row.input_tokens for row in rows if row.input_tokens is not None]
    written = [row.output_tokens for row in rows if row.output_tokens is not None]
    padded = advice.padded_tokens(record)
    return padded[1] if padded else fmean(read) if read else None, fmean(written) if written else None


def lessons(
    records: Sequence[Record], calibration: Calibration, expected: Mapping[str, Work | None] | None
) -> dict[str, list[Lesson]]:
    """What measured runs teach, of the device's own energy (`gpu` or `cpu`) and of all components (`total`).

    All are priced by one calibration. `expected` is the work of each run, by the record's id, as it was to be expected
    before it; None where that of the new model was counted in a run of its own, as theirs was.
    """
    found: dict[str, list[Lesson]] = {calibration.component: [], "total": []}
    for record in records:
        measurement, precision = record.measurement, record.settings.precision
        bound = lower_bound.of(measurement.work, calibration, precision)
        guess = measurement.work if expected is None else expected.get(record.id)
        before = lower_bound.of(guess, calibration, precision)
        if bound is None or bound.total_j <= 0 or not sensed(record, calibration):
            continue
        measured = {
            calibration.component: energy_metrics.component_j(measurement, calibration.component),
            "total": energy_metrics.total_j(measurement),
        }
        for name, joules in measured.items():
            if joules:
                expected_j = before.total_j if before else None
                found[name].append(Lesson(identity(record.model), bound.total_j, expected_j, joules))
    return found
