"""Object detection: boxes with labels; COCO's mean average precision."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, ClassVar

from joulemark.core.errors import BadRowError
from joulemark.core.labels import Labels, without_counterpart
from joulemark.core.task import (
    NO_REFERENCES,
    NOT_FINITE,
    Inputs,
    Prediction,
    Sample,
    Scores,
    Statistics,
    without_quality,
)
from joulemark.data.dataset import Dataset, Row, blank
from joulemark.data.images import encoded_image
from joulemark.tasks.metrics.average_precision import average_precision
from joulemark.tasks.metrics.libraries import library

METRICS = ("map", "map50")


@dataclass(frozen=True)
class ObjectDetection:
    """Finds the objects of each image.

    `size` is the width and height each image is brought to before the model's own preprocessing. Targets and answers
    are lists of `{"box": [left, top, right, bottom], "label": name}`, boxes as shares of the image; answers have a
    `score` as well, targets `crowd` where one box is around many, which counts for nothing.
    """

    accepts: ClassVar[str] = "image"
    gives: ClassVar[str] = "boxes"

    dataset: Dataset
    size: tuple[int, int] | None
    name: str = "object_detection"
    unit: str = "image"
    metric: str = "map"
    packages: ClassVar = ("pycocotools",)  # checked before a run begins

    def samples(self, count: int, seed: int) -> Inputs:
        """The first `count` images, each with its objects (None where the source has none marked)."""
        return self.dataset.inputs(count, self._sample)

    def _sample(self, row: Row) -> Sample:
        image = encoded_image(row.values["image"], self.size, row.media, row.folder)
        objects = row.values.get("objects")
        if objects is None or blank(objects):
            return Sample(row.id, image)
        try:
            if isinstance(objects, Mapping):  # columns, as datasets gives a list of structs
                objects = [dict(zip(objects, values, strict=True)) for values in zip(*objects.values(), strict=True)]
            width, height = image.shape
            targets = [
                {"box": self._box(entry, width, height), "label": self._label(entry), **_crowd(entry)}
                for entry in objects
            ]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadRowError(f"its objects are no boxes with labels ({type(error).__name__}: {error})") from None
        return Sample(row.id, image, targets)

    def _label(self, entry: Mapping[str, Any]) -> str:
        label = next((entry[key] for key in ("category", "label", "names") if key in entry), None)
        label = next(iter(label), None) if isinstance(label, list) else label
        if label is None:
            raise BadRowError("an object has no label")
        return self.dataset.named(label)

    def _box(self, entry: Mapping[str, Any], width: int, height: int) -> list[float]:
        if "bbox" in entry:  # in pixels
            left, top, wide, high = map(float, entry["bbox"])
            if self.dataset.box == "corners":
                wide, high = wide - left, high - top
        else:  # Visual Genome
            left, top, wide, high = (float(entry[key]) for key in ("x", "y", "w", "h"))
        if not isfinite(left + top + wide + high) or wide < 0 or high < 0:
            raise BadRowError(f"the box {[left, top, wide, high]} (left, top, width, height) is none")
        return [left / width, top / height, (left + wide) / width, (top + high) / height]

    def score(self, samples: Sequence[Sample], predictions: Sequence[Prediction]) -> Scores:
        """Mean average precision over overlaps of 0.5 to 0.95, and at 0.5 (pycocotools).

        Labels are compared whole, case and separators aside; crowds count for nothing, as in COCO. A model that cannot
        give some label of the references has no quality here.
        """
        pairs = [(s.target, p.output) for s, p in zip(samples, predictions, strict=True) if s.target is not None]
        targets = [entry["label"] for target, _ in pairs for entry in target]
        if not targets:
            return without_quality(
                METRICS, len(samples), NO_REFERENCES if not pairs else "the references hold no object"
            )
        known = Labels.of(self.dataset.labels, targets)
        labels = next((p.labels for p in predictions if p.labels), {})
        found = {entry["label"]: entry["label"] for _, output in pairs for entry in output}
        why = without_counterpart(labels or found, known, targets, seen=not labels)
        if why is not None:
            return without_quality(METRICS, len(samples), why)
        if not all(isfinite(v) for _, output in pairs for entry in output for v in (*entry["box"], entry["score"])):
            return without_quality(METRICS, len(samples), f"boxes: {NOT_FINITE}")
        result = average_precision(pairs, known)
        if result is None:
            return without_quality(METRICS, len(samples), "the references hold no object but crowds")
        rule = library("pycocotools", "crowds ignored")
        return Scores(
            result[0],
            [None] * len(samples),
            computed_by=dict.fromkeys(METRICS, rule),
            statistics=Statistics("boxes", result[1], [sample.target is not None for sample in samples]),
        )


def _crowd(entry: Mapping[str, Any]) -> dict[str, bool]:
    """`crowd`, where COCO's annotation marks one."""
    return {"crowd": True} if int(entry.get("iscrowd") or entry.get("is_crowd") or 0) else {}
