"""How the inputs become batches: in their own order, or the longest texts together; by their number, or by tokens.

sort=none          a bbbb cc | dd a bbbb            each batch is padded to its longest text
sort=length        bbbb bbbb cc | dd a a            less padding, the longest first: what does not fit fails at once
batch_tokens=8     bbbb bbbb | cc dd a a            within batch_size requests, at most so many tokens, padding included

This is done before anything is measured. A service that waits for requests could not do it for nothing: what sorting
itself costs, and the wait for enough requests to sort, are in no window.
"""

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, TypeVar

from joulemark.core.errors import UserError
from joulemark.core.indexed import Indexed
from joulemark.core.model import TokenCounts
from joulemark.core.spill import IN_MEMORY
from joulemark.core.task import Sample

T = TypeVar("T")

COUNTED = 256  # inputs whose tokens are counted at a time


def order(samples: Sequence[Sample], sort: str) -> Sequence[int]:
    """The places of the samples in the order in which they are batched; those of one length keep their own order.

    UserError where an input has no text whose characters could be counted.
    """
    if sort == "none":
        return range(len(samples))
    import numpy

    lengths = array("q", (characters(sample.input) for sample in samples))
    return array("q", numpy.argsort(-numpy.asarray(lengths, "q"), kind="stable").tobytes())


def sizes_of(count: int, size: int) -> "array[int]":
    """How many requests each batch has: so many at a time; the last may be smaller."""
    return array("q", (min(size, count - begin) for begin in range(0, count, size)))


@dataclass(frozen=True)
class Budget:
    """How many requests each batch has within a budget of tokens.

    Attributes:
        sizes: requests of each batch, in order
        over: requests that are longer than the budget alone, each a batch of its own
    """

    sizes: "array[int]"
    over: int


def within(counts: Iterable[tuple[int, int]], size: int, budget: int) -> Budget:
    """Batches of at most `size` requests and `budget` tokens, made in order: each ends where the next request would be
    one too many.

    `counts` are for each request, in that order, the tokens that are read, alone, and the most that are written. A
    batch is padded to its longest input, and waits for its longest answer: it has as many tokens as requests times the
    sum of both.
    """
    sizes, over = array("q"), 0
    requests = longest = answer = 0
    for read, written in counts:
        over += read + written > budget
        longest, answer = max(longest, read), max(answer, written)
        if requests and (requests == size or (requests + 1) * (longest + answer) > budget):
            sizes.append(requests)
            requests, longest, answer = 0, read, written
        requests += 1
    if requests:
        sizes.append(requests)
    return Budget(sizes, over)


def counted(samples: Sequence[Sample], places: Sequence[int], count: TokenCounts) -> Iterator[tuple[int, int]]:
    """The tokens of the inputs in the order of their places, counted some hundred inputs at a time."""
    for part in split(places, COUNTED):
        yield from count(_inputs(samples, part))


def split(values: Sequence[T], size: int) -> list[Sequence[T]]:
    """The values in their order, so many at a time; the last batch may be smaller."""
    return [values[begin : begin + size] for begin in range(0, len(values), size)]


class Batches(Indexed[Sequence[Any]]):
    """The inputs in the order of their places, as many in each batch as `sizes` says.

    Of a run that is wholly in memory the batches are made once. Of a longer one each is made when it is asked for,
    which takes a microsecond or two an input.
    """

    def __init__(self, samples: Sequence[Sample], places: Sequence[int], sizes: Sequence[int]) -> None:
        self.sizes = array("q", sizes)
        self._samples, self._places = samples, places
        self._begins = array("q", accumulate(sizes, initial=0))
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
        return _inputs(self._samples, self._places[self._begins[number] : self._begins[number + 1]])


def _inputs(samples: Sequence[Sample], places: Sequence[int]) -> list[Any]:
    if isinstance(places, range):
        return [sample.given for sample in samples[places.start : places.stop]]
    return [samples[place].given for place in places]


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
