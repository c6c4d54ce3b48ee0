"""How long the texts of a batch become: as its longest, or the next multiple of so many tokens within the room."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from joulemark.core.model import TokenCounts


def padded_length(length: int, multiple: int, room: int | None) -> int:
    """The length rounded up to a multiple, but never beyond the room."""
    rounded = -(-length // multiple) * multiple
    return rounded if room is None else max(length, min(rounded, room))


def widened(tensors: Mapping[str, Any], tokenizer: Any, multiple: int, room: int | None) -> Mapping[str, Any]:
    """The tensors of a batch, (requests, longest), padded on the tokenizer's side to a multiple of so many tokens.

    Not by the tokenizer itself, which rounds a text that fills the room up beyond the model's positions.
    """
    longest = tensors["input_ids"].shape[1]
    missing = padded_length(longest, multiple, room) - longest
    if not missing:
        return tensors
    from torch.nn.functional import pad

    fill = {"input_ids": tokenizer.pad_token_id, "token_type_ids": tokenizer.pad_token_type_id}
    sides = (missing, 0) if tokenizer.padding_side == "left" else (0, missing)
    return {name: pad(value, sides, value=fill.get(name, 0)) for name, value in tensors.items()}


def counter(
    prepare: Callable[[Sequence[Any]], Any],
    lengths: Callable[[Any], Sequence[int]],
    multiple: int,
    room: int | None,
    written: Callable[[Any], int] = lambda given: 0,
    rows: int = 1,
) -> TokenCounts:
    """Counts the tokens of inputs by preparing them as a batch is prepared.

    `lengths` is of each input in what `prepare` gave, each of which makes so many `rows` of that length in the forward
    pass; `written` the most tokens of an input's answer.
    """

    def count(inputs: Sequence[Any]) -> list[tuple[int, int]]:
        read = (rows * padded_length(length, multiple, room) for length in lengths(prepare(inputs)))
        return [(length, written(given)) for length, given in zip(read, inputs, strict=True)]

    return count
