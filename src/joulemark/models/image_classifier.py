"""Image classifiers: ViT, ConvNeXt, ResNet, BEiT, MobileNet and their kin."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from joulemark.core.labels import mapped
from joulemark.core.model import Capabilities, Checkpoint, Loaded, Settings
from joulemark.core.task import Prediction, Task
from joulemark.models.backend import batches, compilation, placement, preprocessing, stages, transfers, weights
from joulemark.models.backend.checkpoint import fetch

TOP = 5


@dataclass(frozen=True)
class ImageClassifier:
    """A model that names what an image shows.

    `labels` maps the checkpoint's label names to the task's; a name it does not hold stays as it is.
    """

    loads: ClassVar[Mapping[str, Mapping[str, str]]] = {
        "AutoModelForImageClassification": {}
    }  # what identifies its checkpoints

    checkpoint: Checkpoint
    role: str
    capabilities: Capabilities = field(default_factory=Capabilities)
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """The kind's name, a file of conf/model/kind."""
        return "image_classifier"

    def load(self, task: Task, device: str, settings: Settings) -> Loaded:
        """The model on its device; it answers with its five most likely labels."""
        checkpoint = fetch(self.checkpoint)
        memory = placement.watch_memory(device)
        model = weights.open_weights("AutoModelForImageClassification", checkpoint, device, settings)
        labels = mapped(model.config.id2label.values(), self.labels)
        names = {number: labels[str(name)] for number, name in model.config.id2label.items()}
        images = preprocessing.images(checkpoint, settings, str(model.device))
        batches.check_images(images.processor, checkpoint, settings)
        predict = _Namer(model, images.pixels, names, labels)
        return Loaded(
            predict=predict,
            stages=stages.plain(predict, device),
            facts=weights.facts(model, checkpoint, settings),
            peak_memory_bytes=memory,
            steps=transfers.overlapping(predict, device),
            later_facts=lambda: {**images.facts(), **compilation.later_facts(model)},
        )


@dataclass(frozen=True)
class _Namer:
    model: Any
    prepare: Callable[[Sequence[Any]], Any]
    names: Mapping[int, str]
    labels: Mapping[str, str]

    def __call__(self, inputs: Sequence[Any]) -> list[Prediction]:
        return stages.through(self, inputs)

    def infer(self, pixels: Any) -> Any:
        """What the model gives for a prepared batch; its tensors may still be on the device."""
        import torch

        with torch.inference_mode():
            logits = self.model(transfers.to_device(pixels, self.model.device, self.model.dtype)).logits
            return logits.topk(min(TOP, logits.shape[-1]), dim=-1).indices

    def read(self, chosen: Any) -> list[Prediction]:
        """The predictions in what the model gave, as host values."""
        return [
            Prediction([self.names[number] for number in row], units=1, labels=self.labels) for row in chosen.tolist()
        ]
