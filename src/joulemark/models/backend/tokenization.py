"""Text in, tensors out: the checkpoint's own tokenizer, or a stand-in for random weights that needs no download."""

import inspect
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from joulemark.core.chat import Message
from joulemark.core.errors import UserError
from joulemark.core.model import Checkpoint
from joulemark.models.backend import fast_tokenizer
from joulemark.models.backend.chat_template import ChatTemplate, chat_ids
from joulemark.models.backend.own_tokenizer import own_tokenizer
from joulemark.models.backend.padding import widened
from joulemark.models.backend.stand_in_tokenizer import open_stand_in
from joulemark.models.backend.transfers import to_device

UNLIMITED = fast_tokenizer.UNLIMITED


@dataclass(frozen=True)
class Encoded:
    """One batch: tensors of shape (requests, longest), and for each request its tokens and whether it was cut.

    `new_tokens` is how many tokens each answer is to have; empty where the model ends them.
    """

    tensors: Mapping[str, Any]
    lengths: list[int]
    truncated: list[bool]
    new_tokens: list[int] = field(default_factory=list)


def open_tokenizer(checkpoint: Checkpoint, padding_side: str = "right", **options: Any) -> Any:
    """The tokenizer of the checkpoint, padding on the given side; a stand-in for random weights.

    `options` go to the checkpoint's own. What it pads with where it has no token for that is own_tokenizer.py's.
    """
    if checkpoint.weights == "random":
        return open_stand_in(text_shape(checkpoint.shape), padding_side, bool(options.get("add_prefix_space")))
    tokenizer = own_tokenizer(checkpoint, **options)
    tokenizer.padding_side = padding_side
    tokenizer.truncation_side = "right"
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token or tokenizer.unk_token or tokenizer.convert_ids_to_tokens(0)
    return tokenizer


def text_shape(shape: Mapping[str, Any]) -> Mapping[str, Any]:
    """The part of a shape that has the vocabulary: a model that sees and speaks keeps it one level down."""
    nested = (shape[key] for key in ("text_config", "decoder", "text_encoder") if key in shape)
    return shape if "vocab_size" in shape else next(nested, shape)


def encode_words(
    tokenizer: Any, rows: Sequence[Sequence[str]], room: int | None, multiple: int = 1
) -> tuple[Encoded, list[list[int]]]:
    """One padded batch of texts given as words, and for each word that fits the place of its first token."""
    room = UNLIMITED if room is None else room
    made = tokenizer(
        [list(words) for words in rows],
        is_split_into_words=True,
        padding=True,
        truncation=True,
        max_length=room,
        return_tensors="pt",
    )
    firsts = [_first_places(made.word_ids(number)) for number in range(len(rows))]
    tensors = widened(dict(made), tokenizer, multiple, room)
    truncated = [len(places) < len(words) for places, words in zip(firsts, rows, strict=True)]
    return Encoded(tensors, _lengths(tensors), truncated), firsts


def _first_places(owners: Sequence[int | None]) -> list[int]:
    """The place of each word's first token; a word that the tokenizer drops has the place of the word before it."""
    first: dict[int, int] = {}
    for place, word in enumerate(owners):
        if word is not None:
            first.setdefault(word, place)
    last, places = 0, []
    for word in range(max(first, default=-1) + 1):
        last = first.get(word, last)
        places.append(last)
    return places


def encode_pairs(
    tokenizer: Any, pairs: Sequence[tuple[str, str]], room: int | None, multiple: int = 1
) -> tuple[Encoded, list[list[tuple[int, int] | None]]]:
    """One padded batch of (question, context), the context cut to fit; for each token where it stands in the context.

    A question longer than half the room is cut too: a long one must not stop the run. The place is (start, end) in
    characters, None for tokens that are not of the context.
    """
    room = UNLIMITED if room is None else room
    questions, contexts = (list(side) for side in zip(*pairs, strict=True))
    made = tokenizer(
        questions,
        contexts,
        padding=True,
        truncation="longest_first",
        max_length=room,
        return_tensors="pt",
        return_offsets_mapping=True,
    )
    if isinstance(made, fast_tokenizer.FastBatch):
        spans = [made.places(number) for number in range(len(pairs))]
    else:
        spans = [
            [
                (int(start), int(end)) if owner == 1 else None
                for owner, (start, end) in zip(made.sequence_ids(number), offsets, strict=True)
            ]
            for number, offsets in enumerate(made.pop("offset_mapping").tolist())
        ]
    lengths = _lengths(made)
    truncated = [
        length == room and len(tokenizer(*pair)["input_ids"]) > room
        for length, pair in zip(lengths, pairs, strict=True)
    ]
    return Encoded(widened(dict(made), tokenizer, multiple, room), lengths, truncated), spans


def accepted_by(model: Any) -> frozenset[str]:
    """The names of the tensors that a model takes: DistilBERT knows no token_type_ids, BERT does."""
    return frozenset(inspect.signature(model.forward).parameters)


def taken(model: Any, tensors: Mapping[str, Any], accepted: frozenset[str]) -> dict[str, Any]:
    """Of a batch's tensors those that the model takes, on its device."""
    return {key: to_device(value, model.device) for key, value in tensors.items() if key in accepted}


def encode(
    tokenizer: Any, inputs: Sequence[Any], room: int | None, prompt: str = "{text}", multiple: int = 1
) -> Encoded:
    """One padded batch of the prompt with each input in it; what does not fit in `room` tokens is cut from the input.

    The prompt's own words stay, also those after the input, so that a cut question is still a question. Of an input
    with several fields it is the context that is cut. UserError where the prompt leaves no room for any input.
    """
    room = UNLIMITED if room is None else room
    parts = [_around(prompt, request) for request in inputs]
    batch = _batch(tokenizer, ["".join(part) for part in parts], room)
    truncated = [
        length == room and len(tokenizer("".join(part))["input_ids"]) > room
        for part, length in zip(parts, _lengths(batch), strict=True)
    ]
    if any(truncated):
        _check_prompt(tokenizer, prompt, room)
    if any(cut and part[2] for cut, part in zip(truncated, parts, strict=True)):
        parts = [_shortened(tokenizer, part, room) if cut else part for cut, part in zip(truncated, parts, strict=True)]
        batch = _batch(tokenizer, ["".join(part) for part in parts], room)
    return Encoded(widened(batch, tokenizer, multiple, room), _lengths(batch), truncated)


def encode_chats(
    tokenizer: Any, chats: Sequence[Sequence[Message]], room: int | None, template: ChatTemplate, multiple: int = 1
) -> Encoded:
    """One padded batch of chats, each up to where its answer begins."""
    made = [chat_ids(tokenizer, messages, room, template) for messages in chats]
    lengths = [len(ids) for ids, _ in made]
    batch = tokenizer.pad({"input_ids": [ids for ids, _ in made]}, padding=True, return_tensors="pt")
    return Encoded(widened(batch, tokenizer, multiple, room), lengths, [truncated for _, truncated in made])


def _check_prompt(tokenizer: Any, prompt: str, room: int) -> None:
    own = len(tokenizer(re.sub(r"\{\w+\}", "", prompt))["input_ids"])
    if own >= room:
        raise UserError(
            f"task.prompt is {own} tokens long, and {room} fit: nothing would be left of any input; shorten task.prompt"
        )


def filled(prompt: str, request: Any) -> str:
    """The prompt with the input in it, whole."""
    return "".join(_around(prompt, request))


def _around(prompt: str, request: Any) -> tuple[str, str, str]:
    """The prompt with the input in it, in three parts of which the middle one may be cut."""
    fields = request if isinstance(request, Mapping) else {"text": request}
    long = "context" if "context" in fields else "text"
    before, _, after = prompt.partition("{" + long + "}")
    for name, value in fields.items():
        if name != long:
            before, after = (part.replace("{" + name + "}", value) for part in (before, after))
    return before, fields[long], after


def _shortened(tokenizer: Any, part: tuple[str, str, str], room: int) -> tuple[str, str, str]:
    before, text, after = part
    return before, _cut(tokenizer, text, room - len(tokenizer(before + after)["input_ids"])), after


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
