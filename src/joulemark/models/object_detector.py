"""Object detectors: DETR, YOLOS, Deformable DETR and their kin."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, ClassVar

from joulemark.core.labels import mapped
from joulemark.core.model import Capabilities, Checkpoint, Loaded, Settings
from joulemark.core.task import Prediction, Task
from joulemark.models.backend import batches, compilation, placement, preprocessing, stages, transfers, weights
from joulemark.models.backend.checkpoint import fetch

# Average precision wants unlikely boxes too; below this they only lengthen the list.
THRESHOLD = 0.01


@dataclass(frozen=True)
class ObjectDetector:
    """A model that finds the objects of an image; boxes come as shares of the image.

    `labels` maps the checkpoint's label names to the task's; a name it does not hold stays as it is.
    """

    loads: ClassVar[Mapping[str, Mapping[str, str]]] = {
        "AutoModelForObjectDetection": {}
    }  # what identifies its checkpoints

    checkpoint: Checkpoint
    role: str
    capabilities: Capabilities = field(default_factory=Capabilities)
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """The kind's name, a file of conf/model/kind."""
        return "object_detector"

    def load(self, task: Task, device: str, settings: Settings) -> Loaded:
        """The model on its device; images of one batch are padded to the largest and masked."""
        checkpoint = fetch(self.checkpoint)
        memory = placement.watch_memory(device)
        model = weights.open_weights("AutoModelForObjectDetection", checkpoint, device, settings)
        labels = mapped(model.config.id2label.values(), self.labels)
        names = {number: labels[str(name)] for number, name in model.config.id2label.items()}
        images = preprocessing.images(checkpoint, settings, str(model.device), one_size=False)
        batches.check_images(images.processor, checkpoint, settings)
        predict = _Detector(model, images.tensors, images.processor, names, labels)
        return Loaded(
            predict=predict,
            stages=stages.plain(predict, device),
            facts=weights.facts(model, checkpoint, settings),
            peak_memory_bytes=memory,
            steps=transfers.overlapping(predict, device),
            later_facts=lambda: {**images.facts(), **compilation.later_facts(model)},
        )


@dataclass(frozen=True)
class _Detector:
    model: Any
    prepare: Callable[[Sequence[Any]], Mapping[str, Any]]
    processor: Any
    names: Mapping[int, str]
    labels: Mapping[str, str]

    def __call__(self, inputs: Sequence[Any]) -> list[Prediction]:
        return stages.through(self, inputs)

    def infer(self, made: Any) -> tuple[Any, Any]:
        """What the model gives for a prepared batch; its tensors may still be on the device."""
        import torch

        device, count = self.model.device, len(made["pixel_values"])
        given = {"pixel_values": transfers.to_device(made["pixel_values"], device, self.model.dtype)}
        if "pixel_mask" in made and count > 1 and self.model.config.model_type != "yolos":
            given["pixel_mask"] = transfers.to_device(made["pixel_mask"], device)
        with torch.inference_mode():
            out = self.model(**given)
        return out.logits, out.pred_boxes

    def read(self, output: tuple[Any, Any]) -> list[Prediction]:
        """The predictions in what the model gave, as host values."""
        logits, boxes = output
        count = len(logits)
        detections = self.processor.post_process_object_detection(
            SimpleNamespace(logits=logits, pred_boxes=boxes), threshold=THRESHOLD, target_sizes=[(1.0, 1.0)] * count
        )
        return [Prediction(self._objects(detected), units=1, labels=self.labels) for detected in detections]

    def _objects(self, detected: Mapping[str, Any]) -> list[dict[str, Any]]:
        columns = (detected[key].float().cpu().tolist() for key in ("boxes", "labels", "scores"))
        return [
            {"box": box, "label": self.names.get(int(label), "N/A"), "score": score}
            for box, label, score in zip(*columns, strict=True)
        ]
