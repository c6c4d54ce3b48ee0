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


def average_precision(pairs: Sequence[tuple[Boxes, Boxes]], known: Labels) -> dict[str, float | None] | None:
    """`map` and `map50` of the boxes detected in each image against its own; None where no reference counts.

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
        return {"map": 0.0, "map50": 0.0}
    categories = [{"id": number, "name": name} for name, number in numbers.items()]
    return _evaluated([{"id": image} for image in range(len(pairs))], categories, truth, detections)


def _area(box: Sequence[float]) -> dict[str, Any]:
    left, top, right, bottom = (value * SHEET for value in box)
    return {"bbox": [left, top, right - left, bottom - top], "area": (right - left) * (bottom - top)}


def _evaluated(images: Any, categories: Any, truth: Any, detections: Any) -> dict[str, float | None]:
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
