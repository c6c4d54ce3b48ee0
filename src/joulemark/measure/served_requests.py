"""The requests of served traffic once they have ended: what is scored, and a row for each of them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from joulemark.analysis.serving.attribution import Shares
from joulemark.core.indexed import Indexed
from joulemark.core.record import Request
from joulemark.core.task import Prediction, Sample
from joulemark.measure.scoring import Grade, reference, row
from joulemark.measure.traffic import Answers

T = TypeVar("T")


class Answered:
    """The requests that were answered, in the order of their numbers: what is scored.

    Attributes:
        samples: the input of each; one that came twice is there twice
        predictions: the answer of each
    """

    def __init__(self, samples: Sequence[Sample], answers: Answers) -> None:
        self.places = [number for number, place in enumerate(answers.places) if place >= 0]
        self.samples: Sequence[Sample] = _Looked(self.places, lambda number: samples[answers.timings[number].sample])
        self.predictions: Sequence[Prediction] = _Looked(
            self.places, lambda number: answers.predictions[answers.places[number]]
        )


class _Looked(Indexed[T]):
    """The items at some places, looked up when they are asked for."""

    def __init__(self, places: Sequence[int], item_at: Callable[[int], T]) -> None:
        self._places, self._item_at = places, item_at

    def __len__(self) -> int:
        return len(self._places)

    def item(self, place: int) -> T:
        """The item at one of the places."""
        return self._item_at(self._places[place])


def rows(
    samples: Sequence[Sample],
    answers: Answers,
    shares: Shares,
    grades: Iterable[Grade],
) -> Iterator[Request]:
    """A row for each request of the traffic, whether it was answered or not."""
    each = iter(grades)
    for timing in answers.timings:
        sample, place = samples[timing.sample], answers.places[timing.number]
        if place >= 0:
            request = row(sample, answers.predictions[place], next(each), timing.latency_s or 0.0)
        else:
            request = Request(
                id=sample.id, output=timing.reason or "", reference=reference(sample), score=None, units=0,
                latency_s=timing.finished_s - timing.due_s if timing.finished_s is not None else 0.0,
            )  # fmt: skip
        yield replace(
            request,
            due_s=timing.due_s,
            sent_s=timing.sent_s,
            first_token_s=timing.first_s,
            finished_s=timing.finished_s,
            outcome=timing.outcome,
            energy_j=shares.joules[timing.number] if shares.joules else None,
            prefill_j=shares.prefill_j[timing.number] if shares.prefill_j else None,
        )
