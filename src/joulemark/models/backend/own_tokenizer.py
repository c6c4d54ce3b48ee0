"""The tokenizer in a checkpoint's files, and what it must agree on with the model: the vocabulary and the padding."""

from pathlib import Path
from typing import Any

from joulemark.core.errors import UserError
from joulemark.core.model import Checkpoint
from joulemark.models.backend import weight_checks

# Vocabularies whose file has no name of its own in transformers
VOCABULARIES = ("tokenizer.json", "*.model", "*.tiktoken", "*.spm")


def own_tokenizer(checkpoint: Checkpoint, **options: Any) -> Any:
    """The checkpoint's tokenizer. UserError where it has none: transformers would make one that knows no word."""
    from transformers import AutoTokenizer

    assert checkpoint.path is not None
    try:
        tokenizer = AutoTokenizer.from_pretrained(
            checkpoint.path, local_files_only=True, trust_remote_code=checkpoint.trust_remote_code, **options
        )
    except Exception as error:  # the library's boundary: a damaged file raises bare Exceptions
        if not has_vocabulary(checkpoint.path, ("vocab.*",)):
            raise _absent(checkpoint) from None
        raise weight_checks.unreadable("tokenizer", error, checkpoint) from None
    names = tuple(type(tokenizer).vocab_files_names.values())  # none of one that reads bytes (ByT5)
    if names and not checkpoint.trust_remote_code and not has_vocabulary(checkpoint.path, names):
        raise _absent(checkpoint)
    return tokenizer


def has_vocabulary(folder: Path, names: tuple[str, ...]) -> bool:
    """Whether a folder holds a vocabulary, under one of these names or of those of every tokenizer."""
    return any(any(folder.glob(name)) for name in (*names, *VOCABULARIES))


def _absent(checkpoint: Checkpoint) -> UserError:
    return UserError(
        f"{weight_checks.place_of(checkpoint)} has no tokenizer (tokenizer.json, vocab.txt or the like); save it there "
        "with save_pretrained(), or choose another checkpoint"
    )


def check_vocabulary(model: Any, tokenizer: Any, checkpoint: Checkpoint) -> None:
    """UserError where the tokenizer has more tokens than the model: it is another model's.

    A token that was added to it alone, to pad with, gives way to one that the model has.
    """
    rows = _rows(model)
    if rows is None or checkpoint.weights == "random":  # the stand-in is made for the model
        return
    if tokenizer.vocab_size > rows:
        raise UserError(
            f"{weight_checks.place_of(checkpoint)}: its tokenizer has {tokenizer.vocab_size:,} tokens and its model "
            f"{rows:,}: they do not belong together; choose another checkpoint"
        )
    if tokenizer.pad_token_id >= rows:
        end = tokenizer.eos_token_id
        tokenizer.pad_token = tokenizer.convert_ids_to_tokens(0 if end is None or end >= rows else end)


def name_padding(model: Any, tokenizer: Any, checkpoint: Checkpoint) -> None:
    """Makes model and tokenizer agree on the token that fills up a batch: the model's own, else one that ends no text.

    A decoder that classifies reads at the last token that is no padding, so a tokenizer that ends each text with its
    end-of-text token must not pad with that too.
    """
    config, rows = model.config.get_text_config(), _rows(model)
    own, pad = getattr(config, "pad_token_id", None), tokenizer.pad_token_id
    if own != pad and rows is not None and checkpoint.weights != "random":
        last = tokenizer("a")["input_ids"][-1:]
        candidates = [pad, *reversed(tokenizer.all_special_ids), tokenizer.vocab_size - 1]
        known = own is not None and 0 <= own < min(rows, len(tokenizer))
        pad = own if known else next(token for token in candidates if [token] != last and token < rows)
        tokenizer.pad_token = tokenizer.convert_ids_to_tokens(pad)
    model.config.pad_token_id = config.pad_token_id = pad


def _rows(model: Any) -> int | None:
    """How many tokens a model knows; None where it looks none up in a table (CANINE hashes characters)."""
    try:
        rows: int | None = getattr(model.get_input_embeddings(), "num_embeddings", None)
    except NotImplementedError:
        return None
    return rows


def padding_side(model: Any) -> str:
    """Where a batch is filled up: on the left of what reads a text's meaning at its last place (XLNet)."""
    return "left" if getattr(model.config, "summary_type", None) == "last" else "right"
