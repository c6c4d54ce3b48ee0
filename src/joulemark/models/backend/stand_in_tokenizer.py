"""A tokenizer for random weights that needs no download: as many tokens as a real one writes, and as much work."""

import re
import zlib
from collections.abc import Iterable, Sequence
from typing import Any

# Scripts written without spaces: about one token a character in multilingual vocabularies.
IDEOGRAPH = r"[\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]"
PIECE = re.compile(rf"{IDEOGRAPH}|(?P<word>(?:(?!{IDEOGRAPH})\w)+)|[^\w\s]+")
# A word is one piece of up to 8 characters and one more for every 3 that follow: with punctuation apart, 1.27 tokens
# a word over the 1,000 prompts of AIEnergyScore/text_generation, where byte-pair vocabularies give 1.28.
FIRST_CHARS, NEXT_CHARS = 8, 3
MASK = "\ue000"  # the stand-in's mask: a character for private use, which no text holds


class StandInTokenizer:
    """Gives texts token ids of a realistic count and spread, always the same ones, without any vocabulary.

    An id is the CRC-32 of the piece modulo the vocabulary; ids in `avoid` (the special ones) never come up.
    """

    def __init__(
        self, vocab_size: int, avoid: Iterable[int] = (), pad_token_id: int = 0, padding_side: str = "right"
    ) -> None:
        special = set(avoid) | {pad_token_id}
        if vocab_size <= len(special):
            raise ValueError(f"a vocabulary of {vocab_size} has no room beside {len(special)} special tokens")
        self.vocab_size = vocab_size
        self.avoid = frozenset(special)
        self.pad_token_id = pad_token_id
        self.padding_side = padding_side
        self.mask_token = MASK
        self.mask_token_id = self._id(MASK)

    def ids(self, text: str) -> list[int]:
        """The token ids of one text, at least one."""
        return [self._id(text[start:end]) for start, end in _pieces(text)] or [self._id("")]

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Where in the text each of its tokens stands."""
        return list(_pieces(text)) or [(0, 0)]

    def _id(self, piece: str) -> int:
        found = zlib.crc32(piece.encode()) % self.vocab_size
        while found in self.avoid:
            found = (found + 1) % self.vocab_size
        return found

    def __call__(
        self,
        texts: str | Sequence[str],
        *,
        padding: bool = False,
        truncation: bool = False,
        max_length: int | None = None,
        return_tensors: str | None = None,
        add_special_tokens: bool = True,
    ) -> dict[str, Any]:
        """As a transformers tokenizer: `input_ids` and `attention_mask`, as lists or, with "pt", int64 tensors."""
        rows = [self.ids(text)[: max_length if truncation else None] for text in self._listed(texts)]
        width = max(map(len, rows)) if padding else 0
        ids, mask = [], []
        for row in rows:
            fill = max(width - len(row), 0)
            padded, seen = [self.pad_token_id] * fill, [0] * fill
            ids.append(padded + row if self.padding_side == "left" else row + padded)
            mask.append(seen + [1] * len(row) if self.padding_side == "left" else [1] * len(row) + seen)
        if return_tensors == "pt":
            import torch

            return {"input_ids": torch.tensor(ids), "attention_mask": torch.tensor(mask)}
        if isinstance(texts, str):
            return {"input_ids": ids[0], "attention_mask": mask[0]}
        return {"input_ids": ids, "attention_mask": mask}

    @staticmethod
    def _listed(texts: str | Sequence[str]) -> Sequence[str]:
        return [texts] if isinstance(texts, str) else texts

    def decode(self, ids: Sequence[int], skip_special_tokens: bool = False) -> str:
        """A made-up word per id; it does not give back the text the ids came from."""
        return " ".join(f"t{one}" for one in ids if not (skip_special_tokens and one in self.avoid))


def _pieces(text: str) -> Iterable[tuple[int, int]]:
    for match in PIECE.finditer(text):
        start, end = match.span()
        if match.lastgroup != "word":
            yield start, end
            continue
        yield start, min(start + FIRST_CHARS, end)
        for at in range(start + FIRST_CHARS, end, NEXT_CHARS):
            yield at, min(at + NEXT_CHARS, end)
