"""Images and sounds to tensors: the checkpoint's own preprocessor, or one made from its YAML for random weights."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
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


def pixels(processor: Any, threads: int) -> Callable[[Sequence[Any]], Any]:
    """Pictures to one tensor, (batch, channels, height, width); several threads give the very same values sooner.

    Reading and resizing leave Python's lock to others. For models whose pictures all become one size.
    """

    def one(picture: Any) -> Any:
        return processor(images=[picture.open()], return_tensors="pt")["pixel_values"]

    def alone(pictures: Sequence[Any]) -> Any:
        return processor(images=[picture.open() for picture in pictures], return_tensors="pt")["pixel_values"]

    if threads == 1:
        return alone
    pool = ThreadPoolExecutor(threads, thread_name_prefix="prepare")

    def together(pictures: Sequence[Any]) -> Any:
        import torch

        return torch.cat(list(pool.map(one, pictures)))

    return together


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
