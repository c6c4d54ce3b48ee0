"""COCO's mean average precision of boxes (Lin et al. 2014, arXiv 1405.0312), by pycocotools."""

import io
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from typing import Any

from joulemark.core.labels import Labels

# COCO's measure weighs boxes by area in pixels (small, medium, large); boxes here are shares of their image, laid on
# a sheet of this size.
SHEET = 640.0

Boxes = Sequence[Mapping[str, Any]]


class AveragePrecision:
    """`map` and `map50` of boxes detected in images, of all or of some by their places: each is matched once."""

    def __init__(self, evaluation: Any | None, images: int) -> None:
        import numpy

        self._evaluation = evaluation
        if evaluation is not None:
            matched, (categories, areas) = (
                evaluation.evalImgs,
                (len(evaluation.params.catIds), len(evaluation.params.areaRng)),
            )
            self._matched = numpy.empty(len(matched) + 1, dtype=object)
            self._matched[:-1] = matched  # the last one is None: no image
            self._place = numpy.arange(len(matched)).reshape(categories, areas, images)
            evaluation.params.areaRng = evaluation.params.areaRng[:1]  # of any size
            evaluation.params.maxDets = evaluation.params.maxDets[-1:]

    def __call__(self, places: Sequence[int]) -> dict[str, float | None]:
        """The figures of some images, at most as many as there are; one may come several times."""
        import numpy

        if self._evaluation is None:  # nothing was detected
            return {"map": 0.0, "map50": 0.0}
        chosen = numpy.full_like(self._place, -1)
        chosen[..., : len(places)] = self._place[..., list(places)]
        self._evaluation.evalImgs = list(self._matched[chosen.ravel()])
        with redirect_stdout(io.StringIO()):
            self._evaluation.accumulate()
        precision = self._evaluation.eval["precision"]  # by overlap, recall, category, area and most detections
        return {"map": _mean(precision), "map50": _mean(precision[0])}


def _mean(precision: Any) -> float | None:
    """The mean over what has references: -1 marks what has none."""
    known = precision[precision > -1]
    return float(known.mean()) if known.size else None


def average_precision(pairs: Sequence[tuple[Boxes, Boxes]], known: Labels) -> AveragePrecision | None:
    """The boxes detected in each image, matched with its own; None where no reference counts.

    A category is a label that a reference has; a detection of any other label is of no category and counts for nothing.
    """
    names = sorted({known.name(entry["label"]) for target, _ in pairs for entry in target})
    numbers = {name: number for number, name in enumerate(names, start=1)}
    truth = [
        {"image_id": image, "category_id": numbers[known.name(entry["label"])], **_area(entry["box"])}
        | {"iscrowd": int(entry.get("crowd", False))}
        for image, (target, _) in enumerate(pairs)
        for entry in target
    ]
    if all(entry["iscrowd"] for entry in truth):
        return None
    detections = [
        {"image_id": image, "category_id": numbers[name], **_area(entry["box"]), "score": entry["score"]}
        for image, (_, output) in enumerate(pairs)
        for entry in output
        if (name := known.name(entry["label"])) in numbers
    ]
    if not detections:
        return AveragePrecision(None, len(pairs))
    categories = [{"id": number, "name": name} for name, number in numbers.items()]
    images = [{"id": image} for image in range(len(pairs))]
    return AveragePrecision(_matched(images, categories, truth, detections), len(pairs))


def _area(box: Sequence[float]) -> dict[str, Any]:
    left, top, right, bottom = (value * SHEET for value in box)
    return {"bbox": [left, top, right - left, bottom - top], "area": (right - left) * (bottom - top)}


def _matched(images: Any, categories: Any, truth: Any, detections: Any) -> Any:
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
    return evaluation
