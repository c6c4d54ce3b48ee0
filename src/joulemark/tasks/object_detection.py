"""Object detection: boxes with labels; COCO's mean average precision."""

import io
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from typing import Any, ClassVar

from joulemark.core.errors import BadRowError
from joulemark.core.task import Inputs, Prediction, Sample, Scores
from joulemark.data.dataset import Dataset, Row
from joulemark.data.images import encoded_image

# COCO's measure weighs boxes by area in pixels (small, medium, large); boxes here are shares of their image, laid on
# a sheet of this size.
SHEET = 640.0


@dataclass(frozen=True)
class ObjectDetection:
    """Finds the objects of each image.

    `size` is the width and height each image is brought to before the model's own preprocessing. Targets and answers
    are lists of `{"box": [left, top, right, bottom], "label": name}`, boxes as shares of the image; answers have a
    `score` as well.
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
        image = encoded_image(row.values["image"], self.size)
        objects = row.values.get("objects")
        if objects is None:
            return Sample(row.id, image)
        try:
            if isinstance(objects, Mapping):  # columns, as datasets gives a list of structs
                objects = [dict(zip(objects, values, strict=True)) for values in zip(*objects.values(), strict=True)]
            width, height = image.shape
            targets = [{"box": self._box(entry, width, height), "label": self._label(entry)} for entry in objects]
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
        return [left / width, top / height, (left + wide) / width, (top + high) / height]

    def score(self, samples: Sequence[Sample], predictions: Sequence[Prediction]) -> Scores:
        """Mean average precision over overlaps of 0.5 to 0.95, and at 0.5 (pycocotools).

        A model that knows none of the data's labels has no quality here: None.
        """
        none: Scores = Scores({"map": None, "map50": None}, [None] * len(samples))
        pairs = [(s.target, p.output) for s, p in zip(samples, predictions, strict=True) if s.target is not None]
        labels = sorted({entry["label"] for target, _ in pairs for entry in target})
        given = {entry["label"] for _, output in pairs for entry in output}
        if not labels or (given and not given & set(labels)):
            return none
        numbers = {label: number for number, label in enumerate(labels, start=1)}
        truth = [
            {"image_id": image, "category_id": numbers[entry["label"]], **_area(entry["box"]), "iscrowd": 0}
            for image, (target, _) in enumerate(pairs)
            for entry in target
        ]
        detections = [
            {"image_id": image, "category_id": numbers[entry["label"]], **_area(entry["box"]), "score": entry["score"]}
            for image, (_, output) in enumerate(pairs)
            for entry in output
            if entry["label"] in numbers
        ]
        images = [{"id": image} for image in range(len(pairs))]
        categories = [{"id": number, "name": label} for label, number in numbers.items()]
        values = _average_precision(images, categories, truth, detections) if detections else {"map": 0.0, "map50": 0.0}
        return Scores(values, [None] * len(samples))


def _area(box: Sequence[float]) -> dict[str, Any]:
    left, top, right, bottom = (value * SHEET for value in box)
    return {"bbox": [left, top, right - left, bottom - top], "area": (right - left) * (bottom - top)}


def _average_precision(images: Any, categories: Any, truth: Any, detections: Any) -> dict[str, float | None]:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    with redirect_stdout(io.StringIO()):  # it prints at every step, and the last line of the output is the record's
        known = COCO()
        known.dataset = {
            "images": images,
            "categories": categories,
            "annotations": [{"id": number, **entry} for number, entry in enumerate(truth, start=1)],
        }
        known.createIndex()
        evaluation = COCOeval(known, known.loadRes(detections), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return {"map": float(evaluation.stats[0]), "map50": float(evaluation.stats[1])}
