"""A generator's two phases: prefill, which reads the input and gives the first token, and decode, which gives the rest.

    whole      model.generate(input)                       N tokens
    prefill    model.generate(input)                       1 token, and the cache that it leaves
    decode     model.generate(that token, that cache)      N - 1 tokens; the cache is then set back to where it was

So decode is measured in windows of its own, never as the difference of two passes. Models that see or hear wrap a
language model and hand it embeddings: what they hand over is caught at `GenerationMixin.generate`, which all of them
end up in, so that one mechanism serves every architecture.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from joulemark.core.model import Stage
from joulemark.models.backend.generation import ids
from joulemark.models.backend.stages import Predictor, staged


class Generating(Predictor, Protocol):
    """A predictor whose `infer` gives what it was given and the sequences of one `model.generate(**ask(prepared))`."""

    @property
    def model(self) -> Any:
        """The transformers model that generates."""

    def ask(self, prepared: Any, /) -> Mapping[str, Any]:
        """The keyword arguments of `generate` for a prepared batch, on the device."""


@dataclass(frozen=True)
class Begun:
    """A generation after its first token.

    `options` are the keyword arguments of `speaker.generate`; `sequences` has shape (requests, tokens so far); `fed` is
    the number of tokens in the cache.
    """

    prepared: Any
    speaker: Any
    options: Mapping[str, Any]
    config: Any
    sequences: Any
    cache: Any
    fed: int


class _CaughtError(Exception):
    def __init__(self, speaker: Any, options: Mapping[str, Any]) -> None:
        super().__init__()
        self.speaker, self.options = speaker, options


def generating(predictor: Generating, device: str, whole: bool = True) -> tuple[Stage, ...]:
    """The stages of a model that writes token after token.

    `whole` says that its own `generate` gives back what stood before the first new token; Whisper's does not.
    """

    def rest(begun: Begun) -> tuple[Any, Any]:
        sequences = decode(begun)
        return begun.prepared, sequences if whole else sequences[:, begun.sequences.shape[1] - 1 :]

    return staged(
        device,
        preprocessing=predictor.prepare,
        prefill=lambda prepared: prefill(predictor, prepared),
        decode=rest,
        postprocessing=predictor.read,
    )


def prefill(predictor: Generating, prepared: Any) -> Begun:
    """Everything up to and with the first token."""
    import torch
    from transformers import GenerationMixin

    with torch.inference_mode():
        speaker, options = _caught(predictor.model, predictor.ask(prepared))
        options, config = _with_config(speaker, options)
        if speaker.config.is_encoder_decoder:
            options = _encoded(speaker, options)
        first_config = _bounded(config, 1, min(1, config.min_new_tokens or 0))
        first_config.return_dict_in_generate = True
        if config.cache_implementation == "static":  # with the places that the rest of the answer will need
            first_config.max_cache_len = _read(speaker, options) + config.max_new_tokens - 1
        first = GenerationMixin.generate(speaker, **options, generation_config=first_config)
    cache = next(getattr(first, name, None) for name in ("past_key_values", "cache_params") if name in first)
    return Begun(prepared, speaker, options, config, first.sequences, cache, _length(cache))


def decode(begun: Begun) -> Any:
    """All tokens after the first: the sequences with every new token, of shape (requests, tokens)."""
    import torch
    from transformers import GenerationMixin

    budget = begun.config.max_new_tokens - 1
    ends = ids(begun.config.eos_token_id)
    if budget < 1 or all(token in ends for token in begun.sequences[:, -1].tolist()):
        return begun.sequences
    config = _bounded(begun.config, budget, max(0, (begun.config.min_new_tokens or 0) - 1))
    config.cache_implementation = None  # it is handed one
    options = {key: value for key, value in begun.options.items() if key not in ("inputs_embeds", "pixel_values")}
    if "stopping_criteria" in options:  # of a decoder-only model, which is given its last token alone
        options["stopping_criteria"] = [criterion.going_on() for criterion in options["stopping_criteria"]]
    try:
        with torch.inference_mode():
            out = GenerationMixin.generate(begun.speaker, **{**options, **_going_on(begun)}, generation_config=config)
    finally:
        if not begun.speaker._is_stateful:
            _set_back(begun.cache, begun.fed)
    return out if begun.speaker.config.is_encoder_decoder else torch.cat([begun.sequences[:, :-1], out], dim=1)


def _caught(model: Any, options: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Does what a model does before its language model speaks; the language model and its keyword arguments."""
    from transformers import GenerationMixin

    def catch(speaker: Any, inputs: Any = None, **given: Any) -> Any:
        main = {} if inputs is None else {speaker.main_input_name: inputs}
        raise _CaughtError(speaker, {**main, **given})

    real, GenerationMixin.generate = GenerationMixin.generate, catch
    try:
        model.generate(**options)
    except _CaughtError as caught:
        return caught.speaker, dict(caught.options)
    finally:
        GenerationMixin.generate = real
    raise RuntimeError("the model answered without generating")


def _with_config(speaker: Any, options: dict[str, Any]) -> tuple[dict[str, Any], Any]:
    """The options without those of the generation config, and that config with them in it."""
    config = copy.deepcopy(options.pop("generation_config", None) or speaker.generation_config)
    left = config.update(**options)
    return {key: value for key, value in left.items() if value is not None}, config


def _bounded(config: Any, most: int, least: int) -> Any:
    made = copy.deepcopy(config)
    made.max_new_tokens, made.min_new_tokens, made.max_length = most, least, None
    return made


def _encoded(speaker: Any, options: dict[str, Any]) -> dict[str, Any]:
    """The options with the encoder's output in place of what it read."""
    read = {
        key: options.pop(key)
        for key in ("input_ids", "inputs_embeds", "pixel_values", "input_features", "inputs")
        if options.get(key) is not None
    }
    if "encoder_outputs" in options:
        return options
    mask = {} if options.get("attention_mask") is None else {"attention_mask": options["attention_mask"]}
    return {**options, "encoder_outputs": speaker.get_encoder()(**read, **mask)}


def _going_on(begun: Begun) -> dict[str, Any]:
    """The options with which a generation goes on: its last token, the cache, and a mask over all there is.

    A decoder with an encoder is given all its tokens, or it would be given its start token again.
    """
    import torch

    last = begun.sequences[:, -1:]
    if begun.speaker._is_stateful:
        # A state cannot be set back: a copy of it goes on, which costs about a hundredth of a step
        name = "state" if isinstance(begun.cache, list) else "cache_params"
        return {"input_ids": last, "attention_mask": torch.ones_like(last), name: copy.deepcopy(begun.cache)}
    if begun.speaker.config.is_encoder_decoder:
        mask = torch.ones_like(begun.sequences)
        return {"decoder_input_ids": begun.sequences, "decoder_attention_mask": mask, "past_key_values": begun.cache}
    known = begun.options.get("attention_mask")
    mask = torch.ones_like(begun.sequences[:, :-1]) if known is None else known
    mask = torch.cat([mask, mask.new_ones((len(mask), 1))], dim=1)
    return {"input_ids": last, "attention_mask": mask, "past_key_values": begun.cache}


def _read(speaker: Any, options: Mapping[str, Any]) -> int:
    """How many tokens the language model reads before the first new one."""
    if speaker.config.is_encoder_decoder:
        return 1
    given = options["inputs_embeds"] if options.get("inputs_embeds") is not None else options["input_ids"]
    return int(given.shape[1])


def _set_back(cache: Any, fed: int) -> None:
    """Makes the cache hold its first `fed` tokens again.

    Of a static one only the count goes back: causal attention does not see places after it, and the next tokens are
    written over them.
    """
    import torch
    from transformers import StaticCache

    own = getattr(cache, "self_attention_cache", cache)
    if not isinstance(own, StaticCache):
        cache.crop(fed - _length(cache))
        return
    with torch.inference_mode():
        for layer in own.layers:
            layer.cumulative_length.fill_(fed)


def _length(cache: Any) -> int:
    """How many tokens the cache holds; 0 for a state, which holds none."""
    try:
        return int(cache.get_seq_length())
    except (AttributeError, ValueError):  # a list of states; a cache without attention layers
        return 0
