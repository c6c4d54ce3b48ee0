"""Tiny shapes of every architecture under test, a task to ask them, and checkpoints saved to a folder."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from joulemark.core.model import Checkpoint

VOCAB = 200
WORDS = "a good film with bad music and the best end of all year long story he she it was never so dull or bright"

SHAPES: dict[str, dict[str, Any]] = {
    "bloom": {
        "vocab_size": VOCAB,
        "hidden_size": 32,
        "n_layer": 2,
        "n_head": 4,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "pad_token_id": 3,
    },
    "gpt2": {
        "vocab_size": VOCAB,
        "n_positions": 64,
        "n_embd": 32,
        "n_layer": 2,
        "n_head": 4,
        "bos_token_id": 2,
        "eos_token_id": 2,
    },
    "t5": {
        "vocab_size": VOCAB,
        "d_model": 32,
        "d_kv": 8,
        "d_ff": 64,
        "num_layers": 2,
        "num_heads": 4,
        "feed_forward_proj": "gated-gelu",
        "tie_word_embeddings": False,
        "pad_token_id": 3,
        "eos_token_id": 2,
        "decoder_start_token_id": 3,
    },
    "bart": {
        "vocab_size": VOCAB,
        "max_position_embeddings": 64,
        "d_model": 32,
        "encoder_layers": 2,
        "decoder_layers": 2,
        "encoder_attention_heads": 4,
        "decoder_attention_heads": 4,
        "encoder_ffn_dim": 64,
        "decoder_ffn_dim": 64,
        "pad_token_id": 3,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "decoder_start_token_id": 2,
    },
    "mamba": {
        "vocab_size": VOCAB,
        "hidden_size": 32,
        "state_size": 4,
        "num_hidden_layers": 2,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "pad_token_id": 3,
    },
    "rwkv": {
        "vocab_size": VOCAB,
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "context_length": 64,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "pad_token_id": 3,
    },
    "olmoe": {
        "vocab_size": VOCAB,
        "hidden_size": 32,
        "intermediate_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 4,
        "num_experts": 4,
        "num_experts_per_tok": 2,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "pad_token_id": 3,
    },
    "distilbert": {
        "vocab_size": VOCAB,
        "max_position_embeddings": 64,
        "dim": 32,
        "hidden_dim": 64,
        "n_layers": 2,
        "n_heads": 4,
        "pad_token_id": 3,
        "id2label": {0: "NEGATIVE", 1: "POSITIVE"},
    },
    "roberta": {
        "vocab_size": VOCAB,
        "max_position_embeddings": 68,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "pad_token_id": 3,
    },
}


@dataclass(frozen=True)
class Ask:
    """A task as far as a model sees it."""

    accepts: ClassVar[str] = "text"
    gives: ClassVar[str] = "text"

    prompt: str = "the story : {text}"
    unit: str = "token"
    min_new_tokens: int = 1
    max_new_tokens: int = 6
    name: str = "ask"
    metric: str = "none"


def random(architecture: str) -> Checkpoint:
    """A checkpoint of random weights at the tiny shape of an architecture."""
    return Checkpoint(architecture, weights="random", shape={"model_type": architecture, **SHAPES[architecture]})


def saved(folder: Path, architecture: str, auto: str, generation: Mapping[str, Any] | None = None) -> Checkpoint:
    """A checkpoint in a folder, as from_pretrained expects it, with weights large enough to make answers differ."""
    write(folder, auto, {"model_type": architecture, **SHAPES[architecture]}, pad=architecture != "gpt2")
    if generation is not None:
        (folder / "generation_config.json").write_text(json.dumps(dict(generation)))
    return Checkpoint(f"tiny/{architecture}", weights=str(folder))


def write(folder: Path, auto: str, shape: Mapping[str, Any], pad: bool = True) -> Checkpoint:
    """A checkpoint of this shape in a folder, with a tokenizer and weights large enough to make answers differ."""
    import torch
    import transformers

    torch.manual_seed(1)
    options = dict(shape)
    config = transformers.AutoConfig.for_model(options.pop("model_type"), **options)
    model = getattr(transformers, auto).from_config(config)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.normal_(0, 0.4)
    model.save_pretrained(folder)
    tokenizer(pad).save_pretrained(folder)
    return Checkpoint("tiny", weights=str(folder))


def tokenizer(pad: bool = True) -> Any:
    """A word-level tokenizer over a few dozen words, with or without a padding token."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = {
        word: number for number, word in enumerate(["<unk>", "<s>", "</s>", "<pad>", ":", *sorted(set(WORDS.split()))])
    }
    words |= {f"w{number}": number for number in range(len(words), VOCAB)}
    made = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    special = {"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>", **({"pad_token": "<pad>"} if pad else {})}
    return PreTrainedTokenizerFast(tokenizer_object=made, **special)
