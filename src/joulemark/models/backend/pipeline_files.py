"""A diffusers pipeline from its files, each part of which is whole, finite and there."""

import json
from collections.abc import Iterator
from typing import Any

from joulemark.core.errors import UserError
from joulemark.core.model import Checkpoint
from joulemark.models.backend import weight_checks
from joulemark.models.backend.own_tokenizer import has_vocabulary


def read(checkpoint: Checkpoint, dtype: Any, precision: str) -> Any:
    """The pipeline. UserError where a part lacks tensors, holds others or NaN, or has no tokenizer or preprocessor.

    diffusers fills what is missing with random numbers, so each model of the pipeline is read by itself, with its
    library's account of what it found.
    """
    import diffusers
    from safetensors import SafetensorError

    assert checkpoint.path is not None
    safe = None if checkpoint.allow_pickle else True  # None: safetensors where a part has them
    parts: dict[str, Any] = {}
    for name, cls in _models(checkpoint):
        reshaped = {} if issubclass(cls, diffusers.ModelMixin) else {"ignore_mismatched_sizes": True}  # refused by name
        try:
            parts[name], loading_info = cls.from_pretrained(
                checkpoint.path / name,
                dtype=dtype,
                local_files_only=True,
                use_safetensors=safe,
                output_loading_info=True,
                **reshaped,
            )
        except (OSError, ValueError, RuntimeError, SafetensorError) as error:
            if isinstance(error, RuntimeError) and "memory" in str(error):
                raise
            raise weight_checks.unreadable(f"part '{name}'", error, checkpoint) from None
        weight_checks.check_part(name, loading_info, checkpoint)
        weight_checks.check_finite(parts[name], checkpoint, precision, f"{name}.")
    _check_tokenizers(checkpoint)
    try:
        return diffusers.DiffusionPipeline.from_pretrained(
            checkpoint.path, dtype=dtype, local_files_only=True, use_safetensors=safe, **parts
        )
    except (OSError, ValueError) as error:
        raise weight_checks.unreadable("pipeline", error, checkpoint) from None


def _models(checkpoint: Checkpoint) -> Iterator[tuple[str, Any]]:
    """The parts that are models of transformers or diffusers, and the class of each; others are left to diffusers."""
    import diffusers
    import transformers

    assert checkpoint.path is not None
    libraries = {"diffusers": diffusers, "transformers": transformers}
    for name, entry in _index(checkpoint).items():
        if not (checkpoint.path / name / "config.json").is_file():
            continue
        library = libraries.get(entry[0]) or getattr(diffusers.pipelines, entry[0], None)
        cls = getattr(library, entry[1], None)
        if isinstance(cls, type) and issubclass(cls, diffusers.ModelMixin | transformers.PreTrainedModel):
            yield name, cls


def _index(checkpoint: Checkpoint) -> dict[str, list[str]]:
    """The parts of the pipeline by name, each with its library and its class."""
    assert checkpoint.path is not None
    index = json.loads((checkpoint.path / "model_index.json").read_text(encoding="utf-8"))
    return {name: entry for name, entry in index.items() if isinstance(entry, list) and entry and entry[0]}


def _check_tokenizers(checkpoint: Checkpoint) -> None:
    assert checkpoint.path is not None
    for name in _index(checkpoint):
        if name.startswith("tokenizer") and not has_vocabulary(checkpoint.path / name, ("vocab.*",)):
            raise UserError(
                f"{weight_checks.place_of(checkpoint)}: its part '{name}' has no vocabulary; download it again, or "
                "choose another checkpoint"
            )
