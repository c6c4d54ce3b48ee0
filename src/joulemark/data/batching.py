"""How the inputs become batches: in their own order, or the longest texts together.

sort=none      a bbbb cc | dd a bbbb            each batch is padded to its longest text
sort=length    bbbb bbbb cc | dd a a            less padding, the longest first: what does not fit fails at once

This is done before anything is measured. A service that waits for requests could not do it for nothing: what sorting
itself costs, and the wait for enough requests to sort, are in no window.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from joulemark.core.errors import UserError
from joulemark.core.task import Sample

T = TypeVar("T")


def order(samples: Sequence[Sample], sort: str) -> list[int]:
    """The places of the samples in the order in which they are batched; those of one length keep their own order.

    UserError where an input has no text whose characters could be counted.
    """
    places = list(range(len(samples)))
    if sort == "none":
        return places
    lengths = [characters(sample.input) for sample in samples]
    return sorted(places, key=lambda place: -lengths[place])


def split(values: Sequence[T], size: int) -> list[Sequence[T]]:
    """The values in their order, so many at a time; the last batch may be smaller."""
    return [values[begin : begin + size] for begin in range(0, len(values), size)]


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


def in_order_of_samples(values: Sequence[T], places: Sequence[int]) -> list[T]:
    """The values, one for each sample in the order in which it was batched, in the order of the samples."""
    by_place = dict(zip(places, values, strict=True))
    return [by_place[place] for place in range(len(places))]
