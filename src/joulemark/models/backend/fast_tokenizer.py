"""Tokens by the Rust library beneath transformers' tokenizers, without what transformers does around it.

usual   texts ─ encode_batch: ids, offsets, words, masks ─ a dictionary of lists for each text ─ tensors
fast    texts ─ encode_batch_fast: ids alone ─────────────── one array ───────────────────────── tensors

The ids, masks and cuts are the same: it is tried at load. Several threads may call it at a time, since it has copies of
the Rust tokenizer whose truncation never changes.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import chain
from typing import Any

from joulemark.core.errors import UserError
from joulemark.core.model import Checkpoint, Settings
from joulemark.models.backend import transfers

# What is tried at load: nothing, spaces, case, scripts, a long word, more than a room as a rule holds
PROBES = ("", " ", "A good film.", "  two\nlines\t", "Ünïcödé 你好 🙂", "x" * 300, "long " * 600, "don't [MASK] </s>")
UNLIMITED = 2**31 - 1  # tokens; more than any text has


def chosen(tokenizer: Any, settings: Settings, checkpoint: Checkpoint, room: int | None, device: str) -> Any:
    """What `preprocessing` names for texts: the tokenizer as it is, or the same by the Rust library directly.

    Its padding is to be settled before. UserError where the checkpoint's tokenizer has no Rust one beneath it, or gives
    anything else than that does.
    """
    if settings.preprocessing != "fast":
        return tokenizer
    if not getattr(tokenizer, "is_fast", False):
        raise _refusal(checkpoint, f"a {type(tokenizer).__name__}, which is written in Python")
    try:
        made = FastTokenizer(tokenizer, UNLIMITED if room is None else room, pin=device.startswith("cuda"))
    except Exception as error:  # the library's boundary: parts in Python cannot be copied
        raise _refusal(checkpoint, f"a {type(tokenizer).__name__} that cannot be copied ({error})") from None
    if not _alike(tokenizer, made):
        raise _refusal(checkpoint, f"a {type(tokenizer).__name__}, which does more than the Rust one beneath it")
    return made


def threads(settings: Settings) -> int:
    """In how many threads texts may be prepared at a time: transformers' own tokenizer changes as it is called."""
    return settings.preprocessing_workers if settings.preprocessing == "fast" else 1


def facts(tokenizer: Any) -> dict[str, Any]:
    """Which library prepares the texts, with its version, for the record."""
    if isinstance(tokenizer, FastTokenizer):
        import tokenizers

        return {"preprocessing": {"library": "tokenizers", "version": tokenizers.__version__}}
    import transformers

    return {"preprocessing": {"library": "transformers", "version": transformers.__version__}}


def _refusal(checkpoint: Checkpoint, tokenizer: str) -> UserError:
    return UserError(f"preprocessing=fast: {checkpoint.id} has {tokenizer}; type preprocessing=transformers")


class FastBatch(dict[str, Any]):
    """The columns of a batch, and what the Rust library tells of each row beside its ids."""

    def __init__(self, columns: Mapping[str, Any], encodings: Sequence[Any], left: bool) -> None:
        super().__init__(columns)
        self._encodings, self._left = encodings, left

    def word_ids(self, row: int) -> list[int | None]:
        """For each token of a row the word it is of; None where it is of none."""
        return self._padded(self._encodings[row].word_ids)

    def places(self, row: int) -> list[tuple[int, int] | None]:
        """For each token of a row its start and end in the second text; None where it is not of it."""
        encoding = self._encodings[row]
        places = zip(encoding.sequence_ids, encoding.offsets, strict=True)
        return self._padded([place if owner == 1 else None for owner, place in places])

    def _padded(self, values: list[Any]) -> list[Any]:
        missing = [None] * (self["input_ids"].shape[1] - len(values))
        return missing + values if self._left else values + missing


class FastTokenizer:
    """A tokenizer of transformers without its Python; what it does not do itself is asked of the original.

    Lists of texts, of pairs and of words become padded tensors, cut to `room`; one text becomes its list of ids, whole.
    """

    def __init__(self, tokenizer: Any, room: int, pin: bool = False) -> None:
        self._original, self.room, self._pin = tokenizer, room, pin
        self._text, self._split_special = tokenizer.backend_tokenizer.to_str(), tokenizer.split_special_tokens
        self._cut = self._copy()
        self._cut.enable_truncation(room, strategy="longest_first", direction=tokenizer.truncation_side)
        self._columns = frozenset(tokenizer.model_input_names)
        self._left = tokenizer.padding_side == "left"
        self._fold = getattr(tokenizer, "folded_ids", None)

    def __getattr__(self, name: str) -> Any:
        """Tokens by their roles, decoding and the like: what does not change the original."""
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._original, name)

    def __call__(
        self,
        texts: str | Sequence[Any],
        pairs: str | Sequence[str] | None = None,
        *,
        max_length: int | None = None,
        truncation: bool | str = False,
        is_split_into_words: bool = False,
        add_special_tokens: bool = True,
        **_: Any,
    ) -> Mapping[str, Any]:
        """The columns of a batch as tensors (requests, longest), or the ids of one text as a list."""
        if isinstance(texts, str):
            ids = self._whole.encode(texts, pairs, add_special_tokens=add_special_tokens).ids
            return {"input_ids": self._folded(ids[:max_length] if truncation else ids)}
        assert max_length == self.room, "the room of a batch is that of the load"
        if is_split_into_words:
            encodings = self._cut.encode_batch([list(words) for words in texts], is_pretokenized=True)
        elif pairs is not None:
            encodings = self._cut.encode_batch(list(zip(texts, pairs, strict=True)))
        else:
            encodings = self._cut.encode_batch_fast(list(texts))
        return FastBatch(self._tensors(encodings), encodings, self._left)

    @cached_property
    def _whole(self) -> Any:
        """A copy that cuts nothing. Made when a text is cut for the first time: a large vocabulary takes a second."""
        return self._copy()

    def _copy(self) -> Any:
        from tokenizers import Tokenizer

        made = Tokenizer.from_str(self._text)
        made.no_padding()
        made.no_truncation()
        made.encode_special_tokens = self._split_special
        return made

    def _folded(self, ids: list[int]) -> list[int]:
        return ids if self._fold is None else [int(self._fold[number]) for number in ids]

    def _tensors(self, encodings: Sequence[Any]) -> dict[str, Any]:
        """The columns that the original gives: ids, the attention mask, types."""
        import numpy

        rows = [encoding.ids for encoding in encodings]
        lengths = numpy.fromiter(map(len, rows), numpy.int64, len(rows))
        longest = int(lengths.max())
        places = numpy.arange(longest)
        filled = places >= longest - lengths[:, None] if self._left else places < lengths[:, None]

        def column(values: Sequence[Sequence[int]], padding: int) -> Any:
            made = numpy.full(filled.shape, padding, numpy.int64)
            made[filled] = numpy.fromiter(chain.from_iterable(values), numpy.int64, int(lengths.sum()))
            return made

        ids = column(rows, self._original.pad_token_id)
        made = {"input_ids": ids if self._fold is None else self._fold[ids]}
        if "token_type_ids" in self._columns:
            types = [encoding.type_ids for encoding in encodings]
            made["token_type_ids"] = column(types, self._original.pad_token_type_id)
        if "attention_mask" in self._columns:
            made["attention_mask"] = filled.astype(numpy.int64)
        return {name: self._tensor(values) for name, values in made.items()}

    def _tensor(self, values: Any) -> Any:
        import torch

        tensor = torch.from_numpy(values)
        return transfers.pinned(tensor) if self._pin else tensor


def _alike(tokenizer: Any, fast: FastTokenizer) -> bool:
    """Whether both give the same of the probes: as texts, as pairs and as words."""
    import torch

    words = [probe.split() or ["a"] for probe in PROBES]
    how: dict[str, Any] = {"padding": True, "truncation": True, "max_length": fast.room, "return_tensors": "pt"}
    each: list[tuple[Any, Any, dict[str, Any]]] = [
        (list(PROBES), None, how),
        (list(PROBES), list(reversed(PROBES)), how),
        (words, None, {**how, "is_split_into_words": True}),
    ]
    for texts, pairs, options in each:
        expected, given = tokenizer(texts, pairs, **options), fast(texts, pairs, **options)
        if expected.keys() != given.keys() or any(not torch.equal(expected[name], given[name]) for name in given):
            return False
    return True
