"""How much a model reads: the positions that its architecture has, under whatever name its configuration gives them."""

from typing import Any

from joulemark.core.errors import UserError
from joulemark.core.task import PromptedTask

# What configurations call the most tokens of one text, the standard name first
NAMES = (
    "max_position_embeddings",
    "n_positions",
    "max_seq_len",
    "max_seq_length",
    "max_sequence_length",
    "seq_length",
    "context_length",
    "model_max_length",
    "n_ctx",
)
# Where the two sides of an encoder-decoder have a limit each (LED)
OF_INPUT = ("max_encoder_position_embeddings",)
OF_OUTPUT = ("max_decoder_position_embeddings", "max_target_positions")
# Positions by distance alone: what such a configuration calls n_positions is the length of its training (T5)
RELATIVE = "relative_attention_num_buckets"


def context_of(model: Any, requested: int | None, limit_of: str = "input") -> int | None:
    """How many tokens fit: the architecture's positions, or `requested` where that is fewer; None where none is set.

    `limit_of` is the side of an encoder-decoder: what it reads is `input`, what it writes `output`.
    """
    limit = positions(model, limit_of)
    return requested if limit is None else min(limit, requested or limit)


def positions(model: Any, limit_of: str = "input") -> int | None:
    """How many tokens the model has positions for; None where the architecture sets no limit (ALiBi, T5, XLNet)."""
    config = _text_config(model.config, limit_of)
    limit = _limit(config, limit_of)
    if limit is None:
        return None
    for name, module in model.named_modules():
        # RoBERTa and its kin count from the padding id on: 514 rows are 512 positions
        if name.endswith("position_embeddings") and getattr(module, "padding_idx", None) is not None:
            return limit - int(module.padding_idx) - 1
    return limit


def _text_config(config: Any, limit_of: str) -> Any:
    """The part of a configuration that is about text: a model of several keeps it one level down."""
    pair = (getattr(config, "encoder", None), getattr(config, "decoder", None))
    if limit_of == "input" and all(hasattr(part, "model_type") for part in pair) and hasattr(pair[0], "vocab_size"):
        return pair[0]
    nested = (getattr(config, name, None) for name in ("text_config", "decoder", "generator", "text_encoder"))
    return next((part for part in nested if hasattr(part, "model_type")), config)


def _limit(config: Any, limit_of: str) -> int | None:
    standard, *others = NAMES
    names = [*(OF_INPUT if limit_of == "input" else OF_OUTPUT), standard]
    names += [] if hasattr(config, RELATIVE) else others
    values = (getattr(config, name, None) for name in names)
    limit = next((value for value in values if isinstance(value, int) and not isinstance(value, bool)), None)
    return limit if limit is not None and limit > 0 else None  # XLNet says -1 where others say nothing


def room_for_input(context: int | None, task: PromptedTask) -> int | None:
    """The tokens a prompt may have so that the longest answer still fits; UserError when that leaves none."""
    if context is None:
        return None
    room = context - task.max_new_tokens
    if room < 1:
        raise UserError(f"task.max_new_tokens={task.max_new_tokens} leaves no room for input in a context of {context}")
    return room
