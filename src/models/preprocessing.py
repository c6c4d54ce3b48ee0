"""Images and sounds to tensors: the checkpoint's own preprocessor, or one made from its YAML for random weights."""

from collections.abc import Mapping
from typing import Any

from src.core import Checkpoint, UserError


def open_images(checkpoint: Checkpoint) -> Any:
    """The image processor, always transformers' one on PIL: the same arithmetic with and without torchvision."""
    if checkpoint.weights == "random":
        return _made(checkpoint, "Pil")
    from transformers import AutoImageProcessor

    return AutoImageProcessor.from_pretrained(
        checkpoint.path, local_files_only=True, backend="pil", trust_remote_code=checkpoint.trust_remote_code
    )


def open_sounds(checkpoint: Checkpoint) -> Any:
    """The feature extractor of a speech model."""
    if checkpoint.weights == "random":
        return _made(checkpoint, "")
    from transformers import AutoFeatureExtractor

    return AutoFeatureExtractor.from_pretrained(
        checkpoint.path, local_files_only=True, trust_remote_code=checkpoint.trust_remote_code
    )


def _made(checkpoint: Checkpoint, suffix: str) -> Any:
    import transformers

    words: dict[str, Any] = {key: _plain(value) for key, value in checkpoint.processor.items()}
    if "type" not in words:
        raise UserError(f"model.weights=random: {checkpoint.id} gives no processor.type; type model.weights=hub")
    return getattr(transformers, words.pop("type") + suffix)(**words)


def _plain(value: Any) -> Any:
    return {key: _plain(inner) for key, inner in value.items()} if isinstance(value, Mapping) else value
