"""Text in, tensors out: the checkpoint's own tokenizer, or a stand-in for random weights that needs no download."""

import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from src.core import Checkpoint

# Scripts written without spaces: about one token a character in multilingual vocabularies.
IDEOGRAPH = r"[\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]"
PIECE = re.compile(rf"{IDEOGRAPH}|(?P<word>(?:(?!{IDEOGRAPH})\w)+)|[^\w\s]+")
# A word is one piece of up to 8 characters and one more for every 3 that follow: with punctuation apart, 1.27 tokens
# a word over the 1,000 prompts of AIEnergyScore/text_generation, where byte-pair vocabularies give 1.28.
FIRST_CHARS, NEXT_CHARS = 8, 3


@dataclass(frozen=True)
class Encoded:
    """One batch: tensors of shape (requests, longest), and for each request its tokens and whether it was cut."""

    tensors: Mapping[str, Any]
    lengths: list[int]
    truncated: list[bool]


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

    def ids(self, text: str) -> list[int]:
        """The token ids of one text, at least one."""
        return [self._id(piece) for piece in _pieces(text)] or [self._id("")]

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


def _pieces(text: str) -> Iterable[str]:
    for match in PIECE.finditer(text):
        piece = match.group()
        if match.lastgroup != "word":
            yield piece
            continue
        yield piece[:FIRST_CHARS]
        for start in range(FIRST_CHARS, len(piece), NEXT_CHARS):
            yield piece[start : start + NEXT_CHARS]


def open_tokenizer(checkpoint: Checkpoint, padding_side: str = "right") -> Any:
    """The tokenizer of the checkpoint, padding on the given side; a stand-in for random weights.

    A tokenizer without a padding token (GPT-2) pads with its end-of-text token, which the attention mask hides.
    """
    if checkpoint.weights == "random":
        shape = checkpoint.shape
        special = {key: value for key, value in shape.items() if key.endswith("_token_id") and isinstance(value, int)}
        pad = special.get("pad_token_id", special.get("eos_token_id", 0))
        return StandInTokenizer(shape["vocab_size"], special.values(), pad, padding_side)
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(
        checkpoint.path, local_files_only=True, trust_remote_code=checkpoint.trust_remote_code
    )
    tokenizer.padding_side = padding_side
    tokenizer.truncation_side = "right"
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def encode(tokenizer: Any, texts: Sequence[str], room: int, prompt: str = "{text}") -> Encoded:
    """One padded batch of the prompt with each text in it; what does not fit in `room` tokens is cut from the text.

    The prompt's own words stay, also those after the text, so that a cut question is still a question.
    """
    prefix, _, suffix = prompt.partition("{text}")
    asked = [prefix + text + suffix for text in texts]
    batch = _batch(tokenizer, asked, room)
    truncated = [
        length == room and len(tokenizer(one)["input_ids"]) > room
        for one, length in zip(asked, _lengths(batch), strict=True)
    ]
    if suffix and any(truncated):
        left = room - len(tokenizer(prefix + suffix)["input_ids"])
        texts = [_cut(tokenizer, text, left) if cut else text for text, cut in zip(texts, truncated, strict=True)]
        batch = _batch(tokenizer, [prefix + text + suffix for text in texts], room)
    return Encoded(batch, _lengths(batch), truncated)


def _batch(tokenizer: Any, texts: Sequence[str], room: int) -> Mapping[str, Any]:
    """The padded batch; a text without a single token is read as the token that begins a text."""
    how = {"padding": True, "truncation": True, "max_length": room, "return_tensors": "pt"}
    batch: Mapping[str, Any] = tokenizer(list(texts), **how)
    lengths = _lengths(batch)
    if 0 in lengths:  # no model can read nothing, and a row that attends nowhere is undefined
        start = tokenizer.bos_token or tokenizer.eos_token or tokenizer.pad_token
        batch = tokenizer([text if length else start for text, length in zip(texts, lengths, strict=True)], **how)
    return batch


def _lengths(batch: Mapping[str, Any]) -> list[int]:
    lengths: list[int] = batch["attention_mask"].long().sum(dim=1).tolist()
    return lengths


def _cut(tokenizer: Any, text: str, room: int) -> str:
    ids = tokenizer(text, truncation=True, max_length=max(room, 1), add_special_tokens=False)["input_ids"]
    return str(tokenizer.decode(ids, skip_special_tokens=True))
