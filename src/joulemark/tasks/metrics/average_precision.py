"""COCO's mean average precision of boxes (Lin et al. 2014, arXiv 1405.0312), by pycocotools."""

import io
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from typing import Any

from joulemark.core.labels import Labels
from joulemark.tasks.metrics.box_matches import OVERLAPS

# COCO's measure weighs boxes by area in pixels (small, medium, large); boxes here are shares of their image, laid on
# a sheet of this size.
SHEET = 640.0

Boxes = Sequence[Mapping[str, Any]]
Row = list[float]  # of an image, as `BoxMatches` takes it


def average_precision(
    pairs: Sequence[tuple[Boxes, Boxes]], known: Labels
) -> tuple[dict[str, float | None], list[Row]] | None:
    """`map` and `map50` of the boxes detected in each image, and a row of each; None where no reference counts.

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
    rows = _objects(truth, len(pairs))
    if not detections:
        return {"map": 0.0, "map50": 0.0}, rows
    categories = [{"id": number, "name": name} for name, number in numbers.items()]
    evaluation = _matched([{"id": image} for image in range(len(pairs))], categories, truth, detections)
    for matches in filter(None, evaluation.evalImgs):
        rows[matches["image_id"]] += _detections(matches)
    precision = evaluation.eval["precision"]  # by overlap, recall, category, area and most detections
    return {"map": _mean(precision), "map50": _mean(precision[0])}, rows


def _mean(precision: Any) -> float | None:
    """The mean over what has references: -1 marks what has none."""
    known = precision[precision > -1]
    return float(known.mean()) if known.size else None


def _objects(truth: Sequence[Mapping[str, Any]], images: int) -> list[Row]:
    """Three numbers for each image and category with objects; crowds are none."""
    counts = Counter((entry["image_id"], entry["category_id"]) for entry in truth if not entry["iscrowd"])
    rows: list[Row] = [[] for _ in range(images)]
    for (image, category), count in counts.items():
        rows[image] += (category - 1, 0, -count)
    return rows


def _detections(matches: Mapping[str, Any]) -> Row:
    """Three numbers for each detection of one category in one image, the surest first."""
    import numpy

    ignored = matches["dtIgnore"].astype(bool)
    right = matches["dtMatches"].astype(bool) & ~ignored
    codes = (1 << numpy.arange(2 * OVERLAPS)) @ numpy.concatenate((right, ignored))
    category = matches["category_id"] - 1
    return [v for score, code in zip(matches["dtScores"], codes, strict=True) for v in (category, score, int(code))]


def _area(box: Sequence[float]) -> dict[str, Any]:
    left, top, right, bottom = (value * SHEET for value in box)
    return {"bbox": [left, top, right - left, bottom - top], "area": (right - left) * (bottom - top)}


def _matched(images: Any, categories: Any, truth: Any, detections: Any) -> Any:
    """pycocotools' evaluation of boxes of any size, as many of an image as COCO takes at most."""
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
        evaluation.params.areaRng = evaluation.params.areaRng[:1]
        evaluation.params.maxDets = evaluation.params.maxDets[-1:]
        evaluation.evaluate()
        evaluation.accumulate()
    return evaluation
