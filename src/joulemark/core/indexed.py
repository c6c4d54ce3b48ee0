"""A sequence by one method: its item at a place. Negative places and slices follow."""

from collections.abc import Sequence
from typing import Generic, TypeVar, overload

T = TypeVar("T")


class Indexed(Sequence[T], Generic[T]):
    """Items that are looked up, not held in a list."""

    def item(self, place: int) -> T:
        """The item at a place from 0 up to the length."""
        raise NotImplementedError

    def items(self, places: range) -> list[T]:
        """Those at some places."""
        return [self.item(place) for place in places]

    @overload
    def __getitem__(self, place: int) -> T: ...
    @overload
    def __getitem__(self, place: slice) -> list[T]: ...
    def __getitem__(self, place: int | slice) -> T | list[T]:
        chosen = range(len(self))[place]
        return self.items(chosen) if isinstance(chosen, range) else self.item(chosen)
