"""Images and sounds to tensors: the checkpoint's own preprocessor, or one made from its YAML for random weights."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from joulemark.core.errors import UserError
from joulemark.core.model import Checkpoint, Settings
from joulemark.models.backend import weight_checks

FILES = ("preprocessor_config.json", "processor_config.json")


@dataclass(frozen=True)
class ImagePreparation:
    """What makes the tensors of a batch of images.

    Attributes:
        processor: the preprocessor, which also knows what its model's output means
        tensors: images to `pixel_values` (batch, channels, height, width), and `pixel_mask` where they are padded
        facts: what prepared the calls so far, JSON values; empty where transformers did in its usual way
    """

    processor: Any
    tensors: Callable[[Sequence[Any]], Mapping[str, Any]]
    facts: Callable[[], Mapping[str, Any]] = dict

    def pixels(self, images: Sequence[Any]) -> Any:
        """The `pixel_values` alone, of images that all become one size."""
        return self.tensors(images)["pixel_values"]


def images(checkpoint: Checkpoint, settings: Settings, device: str, one_size: bool = True) -> ImagePreparation:
    """What `preprocessing` and `preprocessing_workers` name; `one_size`: whether the model's images all become one.

    All of it happens within a call: no image is read ahead. UserError where the checkpoint or this machine has no such
    way, RuntimeError where the workers do not come up.
    """
    workers = settings.preprocessing_workers
    if settings.preprocessing != "transformers":
        from joulemark.models.backend.image_tensors import ImageTensors, load_library

        load_library(settings.preprocessing)
        processor = open_images(checkpoint, "torchvision")
        if getattr(processor, "backend", None) != "torchvision":
            raise UserError(
                f"preprocessing={settings.preprocessing}: {checkpoint.id} has a {type(processor).__name__}, which "
                "torchvision does not compute; type preprocessing=transformers"
            )
        made = ImageTensors.of(processor, workers, one_size, device, on_card=settings.preprocessing == "device")
        return ImagePreparation(processor, made, made.facts)
    processor = open_images(checkpoint)  # for several as well: what is wrong with it is said here in its own words
    if workers == 1:
        return ImagePreparation(processor, lambda batch: usual(processor, batch))
    from joulemark.models.backend.image_processes import pixels

    together = pixels(checkpoint, workers)
    return ImagePreparation(processor, lambda batch: {"pixel_values": together(batch)})


@dataclass(frozen=True)
class SoundPreparation:
    """What makes the tensors of a batch of clips.

    Attributes:
        extractor: transformers' feature extractor
        opened: clips to their waveforms
        features: waveforms and how many samples a second they have, to named tensors
        facts: what prepares, JSON values; empty where transformers does in its usual way
    """

    extractor: Any
    opened: Callable[[Sequence[Any]], Sequence[Any]]
    features: Callable[[Sequence[Any], int], Mapping[str, Any]]
    facts: Callable[[], Mapping[str, Any]] = dict


def sounds(checkpoint: Checkpoint, settings: Settings, device: str, **options: Any) -> SoundPreparation:
    """What `preprocessing` and `preprocessing_workers` name; `options` are those of the extractor's call.

    UserError where torch does not compute what this extractor does.
    """
    extractor = open_sounds(checkpoint)

    def usual_features(waves: Sequence[Any], rate_hz: int) -> Any:
        return extractor(waves, sampling_rate=rate_hz, return_tensors="pt", **options)

    if settings.preprocessing == "transformers":
        return SoundPreparation(extractor, lambda clips: [clip.open() for clip in clips], usual_features)
    from joulemark.models.backend import sound_features, worker_threads

    made = sound_features.of(
        extractor, usual_features, settings.preprocessing, device if settings.preprocessing == "device" else "cpu"
    )
    threads = worker_threads.started(settings.preprocessing_workers)
    return SoundPreparation(
        extractor, lambda clips: list(threads.map(lambda clip: clip.open(), clips)), made, made.facts
    )


def usual(processor: Any, batch: Sequence[Any]) -> Any:
    """The tensors of a batch as transformers makes them of PIL's images."""
    return processor(images=[image.open() for image in batch], return_tensors="pt")


def open_images(checkpoint: Checkpoint, backend: str = "pil") -> Any:
    """transformers' image processor: on PIL, whose pixels depend on no other library, or on torchvision."""
    if checkpoint.weights == "random":
        return _made(checkpoint, {"pil": "Pil", "torchvision": ""}[backend])
    from transformers import AutoImageProcessor

    return _own(AutoImageProcessor, checkpoint, backend=backend)


def open_sounds(checkpoint: Checkpoint) -> Any:
    """The feature extractor of a speech model."""
    if checkpoint.weights == "random":
        return _made(checkpoint, "")
    from transformers import AutoFeatureExtractor

    return _own(AutoFeatureExtractor, checkpoint)


def _own(auto: Any, checkpoint: Checkpoint, **options: Any) -> Any:
    """The preprocessor in the checkpoint's files; UserError where it has none."""
    trust = checkpoint.trust_remote_code
    try:
        return auto.from_pretrained(checkpoint.path, local_files_only=True, trust_remote_code=trust, **options)
    except (OSError, ValueError, KeyError) as error:
        assert checkpoint.path is not None
        if any((checkpoint.path / name).is_file() for name in FILES):
            raise weight_checks.unreadable("preprocessor", error, checkpoint) from None
        raise UserError(
            f"{weight_checks.place_of(checkpoint)} has no preprocessor ({FILES[0]}); save it there with "
            "save_pretrained(), or choose another checkpoint"
        ) from None


def _made(checkpoint: Checkpoint, suffix: str) -> Any:
    import transformers

    options: dict[str, Any] = {key: _plain(value) for key, value in checkpoint.processor.items()}
    if "type" not in options:
        raise UserError(f"model.weights=random: {checkpoint.id} gives no processor.type; type model.weights=hub")
    return getattr(transformers, options.pop("type") + suffix)(**options)


def _plain(value: Any) -> Any:
    return {key: _plain(inner) for key, inner in value.items()} if isinstance(value, Mapping) else value
