"""How the inputs become batches: in their own order, or the longest texts together.

sort=none      a bbbb cc | dd a bbbb            each batch is padded to its longest text
sort=length    bbbb bbbb cc | dd a a            less padding, the longest first: what does not fit fails at once

This is done before anything is measured. A service that waits for requests could not do it for nothing: what sorting
itself costs, and the wait for enough requests to sort, are in no window.
"""

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from joulemark.core.errors import UserError
from joulemark.core.indexed import Indexed
from joulemark.core.spill import IN_MEMORY
from joulemark.core.task import Sample

T = TypeVar("T")


def order(samples: Sequence[Sample], sort: str) -> Sequence[int]:
    """The places of the samples in the order in which they are batched; those of one length keep their own order.

    UserError where an input has no text whose characters could be counted.
    """
    if sort == "none":
        return range(len(samples))
    import numpy

    lengths = array("q", (characters(sample.input) for sample in samples))
    return array("q", numpy.argsort(-numpy.asarray(lengths, "q"), kind="stable").tobytes())


def split(values: Sequence[T], size: int) -> list[Sequence[T]]:
    """The values in their order, so many at a time; the last batch may be smaller."""
    return [values[begin : begin + size] for begin in range(0, len(values), size)]


class Batches(Indexed[Sequence[Any]]):
    """The inputs in the order of their places, so many at a time; the last batch may be smaller.

    Of a run that is wholly in memory the batches are made once. Of a longer one each is made when it is asked for,
    which takes a microsecond or two an input.
    """

    def __init__(self, samples: Sequence[Sample], places: Sequence[int], size: int) -> None:
        self.sizes = array("q", (min(size, len(places) - begin) for begin in range(0, len(places), size)))
        self._samples, self._places, self._size = samples, places, size
        in_memory = len(samples) <= IN_MEMORY
        self._made = [self._batch(number) for number in range(len(self.sizes))] if in_memory else None

    def __len__(self) -> int:
        return len(self.sizes)

    def item(self, place: int) -> Sequence[Any]:
        """One batch."""
        return self._made[place] if self._made is not None else self._batch(place)

    def __iter__(self) -> Iterator[Sequence[Any]]:
        return iter(self._made) if self._made is not None else map(self._batch, range(len(self)))

    def _batch(self, number: int) -> list[Any]:
        places = self._places[number * self._size : (number + 1) * self._size]
        if isinstance(places, range):
            return [sample.given for sample in self._samples[places.start : places.stop]]
        return [self._samples[place].given for place in places]


def characters(given: Any) -> int:
    """The characters of an input's text, of all its fields or words together.

    Characters, not tokens: the tokens are the model's, and every model is to get the same batches.
    """
    if isinstance(given, str):
        return len(given)
    if isinstance(given, Mapping):
        return sum(characters(value) for value in given.values())
    if isinstance(given, Iterable):
        return sum(characters(value) for value in given)
    raise UserError("sort=length: the inputs of this task are not texts; type sort=none")


def in_order_of_samples(values: Sequence[T], places: Sequence[int]) -> Sequence[T]:
    """The values, one for each sample in the order in which it was batched, in the order of the samples."""
    return values if isinstance(places, range) else Reordered(values, places)


class Reordered(Indexed[T]):
    """The values of samples in the samples' own order, where they came in the order of `places`."""

    def __init__(self, values: Sequence[T], places: Sequence[int]) -> None:
        self._values, self._at = values, array("q", bytes(8 * len(places)))
        for at, place in enumerate(places):
            self._at[place] = at

    def __len__(self) -> int:
        return len(self._at)

    def item(self, place: int) -> T:
        """The value of one sample."""
        return self._values[self._at[place]]
