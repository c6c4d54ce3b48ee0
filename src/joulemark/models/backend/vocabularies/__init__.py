"""Vocabularies of real tokenizers, shipped small: merges of byte pairs, word pieces, or pieces with their scores.

README.md beside this file says whose they are and which package each was taken from. One file holds the regular
pieces alone; which id each has, and the special tokens, are the business of whoever builds a tokenizer of them.
"""

import lzma
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, count
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
NEOX_WORDS = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
QWEN_WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
CLIP_WORDS = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
# How a text is split into words before bytes are paired; the library knows GPT-2's way
BYTE_PAIRS = {"gpt2": "", "gpt_neox": NEOX_WORDS, "qwen": QWEN_WORDS, "clip": CLIP_WORDS}
WORD_PIECES = ("bert_uncased", "bert_cased")
NEOX_SPACES = range(24, 1, -1)  # its runs of spaces are tokens of their own


def lines(name: str) -> list[str]:
    """The lines of a shipped vocabulary, most frequent first."""
    return lzma.decompress((FOLDER / f"{name}.txt.xz").read_bytes()).decode().split("\n")


def build(name: str, size: int, special: Mapping[int, str], unknown: str, prefix_space: bool = False) -> Any:
    """A tokenizer of the vocabulary within `size` ids, of which `special` has its own: no text gets one of those.

    A vocabulary that has more pieces than there are ids is cut to its most frequent ones; word pieces, which cannot be
    cut without losing words, have ids beyond `size` then, which the caller folds.
    """
    if name in WORD_PIECES:
        return _word_pieces(name, size, special, unknown)
    if name in BYTE_PAIRS:
        return _byte_pairs(name, size, special, prefix_space)
    return _unigram(name, size, special, unknown)


def _free(size: int, special: Mapping[int, str]) -> list[int]:
    free = [number for number in range(size) if number not in special]
    if not free:
        raise ValueError(f"a vocabulary of {size} has no room beside {len(special)} special tokens")
    return free


def _specials(special: Mapping[int, str]) -> dict[str, int]:
    return {token: number for number, token in special.items()}


def _word_pieces(name: str, size: int, special: Mapping[int, str], unknown: str) -> Any:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    ids = dict(zip(lines(name), chain(_free(size, special), count(size)), strict=False))
    made = Tokenizer(models.WordPiece({**ids, **_specials(special)}, unk_token=unknown))
    made.normalizer = normalizers.BertNormalizer(lowercase=name == "bert_uncased")
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return made


def _byte_pairs(name: str, size: int, special: Mapping[int, str], prefix_space: bool) -> Any:
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

    pairs = [(left, right) for left, right in map(str.split, lines(name))]
    suffix = {"end_of_word_suffix": "</w>"} if name == "clip" else {}
    ids, kept = _merged(pairs, suffix.get("end_of_word_suffix", ""), _free(size, special))
    made = Tokenizer(models.BPE({**ids, **_specials(special)}, kept, **suffix))
    made.decoder = decoders.ByteLevel()
    if name == "gpt2":
        made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix_space)
        return made
    whole = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    split = pre_tokenizers.Split(Regex(BYTE_PAIRS[name]), "removed" if suffix else "isolated", invert=bool(suffix))
    made.pre_tokenizer = pre_tokenizers.Sequence([split, whole])
    folded = [normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()] if suffix else []
    made.normalizer = normalizers.Sequence([normalizers.NFC(), *folded])
    if name == "gpt_neox" and size >= len(ids) + len(special) + len(NEOX_SPACES):
        made.add_tokens([AddedToken(" " * length, normalized=True) for length in NEOX_SPACES])
    return made


def _merged(
    pairs: Sequence[tuple[str, str]], end: str, free: Sequence[int]
) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """The ids of the bytes and of as many merges as there is room for, and those merges."""
    from tokenizers import pre_tokenizers

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    first = [*alphabet, *(letter + end for letter in alphabet if end)]
    kept = list(pairs[: len(free) - len(first)])
    pieces: Iterator[str] = chain(first, ("".join(pair) for pair in kept))
    return dict(zip(dict.fromkeys(pieces), free, strict=False)), kept


def _unigram(name: str, size: int, special: Mapping[int, str], unknown: str) -> Any:
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

    rows = (line.rsplit("\t", 1) for line in lines(name))
    regular = ((piece, float(score)) for piece, score in rows)
    pieces: list[tuple[str, float]] = []
    for number in range(size):
        entry = (special[number], 0.0) if number in special else next(regular, None)
        if entry is None:
            break
        pieces.append(entry)
    made = Tokenizer(models.Unigram(pieces, unk_id=_specials(special)[unknown]))
    made.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(r"\s+"), " ")])
    made.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    made.decoder = decoders.Metaspace()
    return made
