"""What a decoder-only and an encoder-decoder language model do alike: greedy answers within the task's budget."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any

from joulemark.core.errors import UserError
from joulemark.core.model import Settings, TokenCounts
from joulemark.core.task import Bounded, Prediction, PromptedTask
from joulemark.models.backend import chat_template, compilation, padding, stages
from joulemark.models.backend.answer_lengths import OwnLengths
from joulemark.models.backend.chat_template import ChatTemplate
from joulemark.models.backend.tokenization import Encoded, encode, encode_chats


@dataclass(frozen=True)
class Generator:
    """A language model on its device; called with a batch of inputs it returns one Prediction each.

    `room` is the most input tokens, None where nothing limits them; `prompt` has a field for each part of the input,
    and `chat` makes a prompt of messages, where inputs are these. Prompts are padded to a `multiple` of so many tokens.
    A decoder-only model repeats its input before the answer, an encoder-decoder its start token. `output_tokens` counts
    the new ones, special ones included, up to and with the first end-of-text, or as many as a `Bounded` input asks for;
    what follows is padding.
    """

    model: Any
    tokenizer: Any
    room: int | None
    prompt: str
    unit: str
    cache: str = "dynamic"
    chat: ChatTemplate | None = None
    multiple: int = 1

    def __call__(self, inputs: Sequence[Any]) -> list[Prediction]:
        return stages.through(self, inputs)

    def prepare(self, inputs: Sequence[Any]) -> Encoded:
        """The inputs of one batch as the model's tensors, on the host."""
        plain = [given.input if isinstance(given, Bounded) else given for given in inputs]
        lengths = [given.output_tokens for given in inputs if isinstance(given, Bounded)]
        if self.chat is None:
            batch = encode(self.tokenizer, plain, self.room, self.prompt, self.multiple)
        else:
            batch = encode_chats(self.tokenizer, plain, self.room, self.chat, self.multiple)
        return replace(batch, new_tokens=lengths) if lengths else batch

    def ask(self, batch: Encoded) -> dict[str, Any]:
        """The keyword arguments of `generate` for a prepared batch, on the device."""
        # at each call: transformers refuses one kind of cache by default and another given (generation_stages.py)
        static = {"cache_implementation": "static"} if self.cache == "static" else {}
        tensors = to_device(batch.tensors, self.model)
        if not batch.new_tokens:
            return {**tensors, **static}
        longest = max(batch.new_tokens)  # the end-of-text token is ruled out until then
        own = OwnLengths(batch.new_tokens, tensors["input_ids"].shape[1])
        return {**tensors, **static, "max_new_tokens": longest, "min_new_tokens": longest, "stopping_criteria": [own]}

    def infer(self, batch: Encoded) -> tuple[Encoded, Any]:
        """What the model gives for a prepared batch; its tensors may still be on the device."""
        import torch

        with torch.inference_mode():
            return batch, self.model.generate(**self.ask(batch))

    def read(self, output: tuple[Encoded, Any]) -> list[Prediction]:
        """The predictions in what the model gave, as host values."""
        batch, out = output
        start = 1 if self.model.config.is_encoder_decoder else batch.tensors["input_ids"].shape[1]
        rows = out[:, start:].tolist()
        counts: Sequence[int | None] = batch.new_tokens or [None] * len(rows)
        each = zip(rows, counts, batch.lengths, batch.truncated, strict=True)
        return [self.written(row[:count], length, truncated) for row, count, length, truncated in each]

    def written(self, row: Sequence[int], length: int, truncated: bool) -> Prediction:
        """The prediction in the new tokens that followed an input of so many tokens."""
        row = row[: new_tokens(row, ids(self.model.generation_config.eos_token_id))]
        if self.chat is None:
            text, reasoning = self.tokenizer.decode(row, skip_special_tokens=True).strip(), None
        else:
            text, reasoning = chat_template.read(self.tokenizer, row, self.chat)
        return Prediction(
            output=text,
            units=len(row) if self.unit == "token" else 1,
            input_tokens=length,
            output_tokens=len(row),
            truncated=truncated,
            reasoning_tokens=reasoning,
        )


def token_counter(generator: Generator, most: int) -> TokenCounts:
    """Counts the tokens of prompts and those that their answers may have: all of them stay in the key-value cache."""

    def written(given: Any) -> int:
        return given.output_tokens if isinstance(given, Bounded) else most

    return padding.counter(generator.prepare, attrgetter("lengths"), generator.multiple, generator.room, written)


def new_tokens(row: Sequence[int], ends: frozenset[int]) -> int:
    """How many tokens of a generated row are the answer: all up to and with the first end-of-text."""
    return next((place + 1 for place, token in enumerate(row) if token in ends), len(row))


def to_device(tensors: Mapping[str, Any], model: Any) -> dict[str, Any]:
    """The ids and the mask on the model's device; other columns of a tokenizer are of no use to a language model."""
    return {key: tensors[key].to(model.device) for key in ("input_ids", "attention_mask")}


def make_greedy(model: Any, tokenizer: Any, task: PromptedTask, forced: bool, settings: Settings, device: str) -> None:
    """Makes the model answer greedily within the task's token budget, whatever its checkpoint prefers.

    Only the ids of the special tokens stay of the checkpoint's generation config: its beams, penalties, forced tokens
    and lengths would make two models incomparable. `forced` makes every answer exactly as long as the budget: random
    weights end by chance, not by meaning. UserError where the model has not the cache that is asked for.
    """
    from transformers import GenerationConfig

    own, config = model.generation_config, model.config
    if settings.cache == "static":
        _check_static(model)

    def token(name: str) -> Any:
        value = getattr(own, name, None)
        return value if value is not None else getattr(config, name, None)

    model.generation_config = GenerationConfig(
        do_sample=False,
        num_beams=1,
        use_cache=True,
        **compilation.of_decoding(settings, device),
        max_new_tokens=task.max_new_tokens,
        # the end-of-text token is ruled out until then, at the same cost as in a real model's run
        min_new_tokens=task.max_new_tokens if forced else task.min_new_tokens,
        bos_token_id=token("bos_token_id"),
        eos_token_id=token("eos_token_id"),
        pad_token_id=tokenizer.pad_token_id,
        decoder_start_token_id=token("decoder_start_token_id"),
    )


def _check_static(model: Any) -> None:
    """UserError where the model has no static cache that could be set back (phases.py)."""
    from transformers import StaticCache

    kind = model.config.model_type
    if model._is_stateful or not model._supports_default_dynamic_cache():
        raise UserError(f"cache=static: a {kind} keeps a state, not keys and values; type cache=dynamic")
    cache = StaticCache(model.config.get_text_config(decoder=True), max_cache_len=1)
    if any(cache.is_sliding) or any(cache.is_linear):
        raise UserError(f"cache=static: this {kind} forgets by a window or keeps a state; type cache=dynamic")


def speaker(model: Any) -> Any:
    """The config of the part of a model that speaks."""
    config = model.config
    return getattr(config, "text_config", None) or getattr(config, "decoder", None) or config


def first(config: Any) -> int:
    """The token that begins a text, or ends one where nothing begins it (T5)."""
    token_id = next(token for token in (config.bos_token_id, config.eos_token_id) if token is not None)
    return int(token_id)


def ids(value: int | Sequence[int] | None) -> frozenset[int]:
    """The token or tokens a config names, as a set."""
    if value is None:
        return frozenset()
    return frozenset([value] if isinstance(value, int) else value)
