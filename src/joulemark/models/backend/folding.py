"""Tokenizers with more pieces than their model has ids."""

from collections.abc import Collection
from typing import Any


def folding(pieces: int, size: int, special: Collection[int]) -> Any:
    """The class of the tokenizers of `pieces` ids whose texts get only those within `size`, and no special one anew.

    An id within `size` stays, so it is decoded as the piece that has it first. A piece cannot share an id in the
    tokenizer itself: transformers copies that by its ids, and all pieces of an id but one would be lost.
    """
    import torch
    from transformers import PreTrainedTokenizerFast

    free = [number for number in range(size) if number not in special]
    table = torch.tensor([*range(size), *(free[number % len(free)] for number in range(pieces - size))])

    class FoldingTokenizer(PreTrainedTokenizerFast):  # type: ignore[misc]
        folded_ids = table.numpy()

        def __call__(self, *texts: Any, **options: Any) -> Any:
            made = super().__call__(*texts, **options)
            made["input_ids"] = _folded(table, made["input_ids"])
            return made

    return FoldingTokenizer


def _folded(table: Any, ids: Any) -> Any:
    if not isinstance(ids, list):
        return table[ids]
    if any(isinstance(row, list) for row in ids):
        return [_folded(table, row) for row in ids]
    return [int(table[number]) for number in ids]
