"""Mean average precision of boxes; pycocotools, called directly on COCO's own files, is the reference."""

import contextlib
import io
import math
import random

import numpy
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from joulemark.core.labels import Labels
from joulemark.data.dataset import Row
from joulemark.tasks.metrics.average_precision import average_precision
from joulemark.tasks.metrics.box_matches import BoxMatches
from joulemark.tasks.object_detection import ObjectDetection
from tests.tasks.scoring import SOURCE, scored
from tests.tasks.test_tasks import png

TASK = ObjectDetection(SOURCE, None)
LEFT, RIGHT, LOW = [0.1, 0.1, 0.4, 0.5], [0.5, 0.1, 0.9, 0.5], [0.1, 0.6, 0.9, 0.95]


def target(box, label="dog", **more):
    return {"box": box, "label": label, **more}


def detected(box, label="dog", score=0.9):
    return {"box": box, "label": label, "score": score}


def coco(pairs):
    """pycocotools' figures for the same boxes, in pixels of a sheet of 640."""
    names = sorted({entry["label"] for truth, _ in pairs for entry in truth})

    def annotation(image, entry):
        left, top, right, bottom = (640 * value for value in entry["box"])
        wide, high = right - left, bottom - top
        category = names.index(entry["label"]) + 1
        return {"image_id": image, "category_id": category, "bbox": [left, top, wide, high], "area": wide * high}

    truth = [
        annotation(image, entry) | {"iscrowd": int(entry.get("crowd", 0))}
        for image, (entries, _) in enumerate(pairs)
        for entry in entries
    ]
    results = [
        annotation(image, entry) | {"score": entry["score"]}
        for image, (_, entries) in enumerate(pairs)
        for entry in entries
        if entry["label"] in names
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        known = COCO()
        known.dataset = {
            "images": [{"id": image} for image in range(len(pairs))],
            "categories": [{"id": number, "name": name} for number, name in enumerate(names, 1)],
            "annotations": [{"id": number, **entry} for number, entry in enumerate(truth, 1)],
        }
        known.createIndex()
        evaluation = COCOeval(known, known.loadRes(results), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return {"map": evaluation.stats[0], "map50": evaluation.stats[1]}


def test_precision_is_that_of_pycocotools():
    pairs = [
        ([target(LEFT), target(RIGHT, "cat")], [detected([0.1, 0.1, 0.38, 0.5]), detected(RIGHT, "cat", 0.4)]),
        ([target(LOW)], [detected(LEFT, score=0.95), detected(LOW, score=0.3)]),
    ]
    values = scored(TASK, *pairs).values
    assert values == pytest.approx(coco(pairs))
    assert 0 < values["map"] < values["map50"] <= 1


def test_precision_of_a_resample_of_images_is_that_of_pycocotools():
    draw = random.Random(0)

    def near(box):
        return [max(0.0, value + draw.gauss(0, 0.03)) for value in box]

    pairs = []
    for number in range(12):
        truth = [target(LEFT), target(RIGHT, "cat"), target(LOW, crowd=number == 3)]
        found = [detected(near(entry["box"]), entry["label"], draw.random()) for entry in truth]
        pairs.append((truth, [*found[: draw.randrange(4)], detected(LOW, "cat", draw.random())]))
    values, rows = average_precision(pairs, Labels.of(["dog", "cat"], []))
    assert values == pytest.approx(coco(pairs))
    some = BoxMatches(rows)
    for places in ([*range(12)], draw.choices(range(12), k=12), [*range(1, 12)], [5] * 12):
        again = some(numpy.bincount(places, minlength=12)[None].astype(float))[:, 0]
        assert dict(zip(some.metrics, again, strict=True)) == pytest.approx(coco([pairs[place] for place in places]))


def test_images_in_which_nothing_is_detected_have_no_precision_and_images_without_objects_no_value():
    values, rows = average_precision([([target(LEFT)], []), ([], [])], Labels.of(["dog"], []))
    assert values == {"map": 0.0, "map50": 0.0}
    assert (
        BoxMatches(rows)(numpy.array([[1.0, 1.0], [0.0, 2.0]])).tolist()
        == [[0.0, pytest.approx(math.nan, nan_ok=True)]] * 2
    )


def test_precision_of_many_categories_and_images_is_that_of_pycocotools_whatever_is_drawn():
    draw = random.Random(1)

    def box():
        left, top = draw.random() * 0.7, draw.random() * 0.7
        return [left, top, left + 0.05 + draw.random() * 0.25, top + 0.05 + draw.random() * 0.25]

    pairs = []
    for _ in range(40):
        truth = [target(box(), f"c{draw.randrange(9)}", crowd=draw.random() < 0.1) for _ in range(draw.randrange(8))]
        found = [detected([v + draw.gauss(0, 0.01) for v in entry["box"]], entry["label"], draw.random())
                 for entry in truth for _ in range(draw.randrange(3))]  # fmt: skip
        pairs.append((truth, [*found, *(detected(box(), f"c{draw.randrange(9)}", draw.random()) for _ in range(5))]))
    values, rows = average_precision(pairs, Labels.of([f"c{n}" for n in range(9)], []))
    assert values == pytest.approx(coco(pairs))
    for places in (range(40), draw.choices(range(40), k=40), draw.choices(range(3), k=40)):
        again = BoxMatches(rows)(numpy.bincount(places, minlength=40)[None].astype(float))[:, 0]
        assert again == pytest.approx(list(coco([pairs[place] for place in places]).values()), abs=1e-12)


def test_a_crowd_counts_for_nothing_whether_it_is_detected_or_not():
    crowd = target(LOW, crowd=True)
    for outputs in ([detected(LEFT)], [detected(LEFT, score=0.5), detected(LOW, score=0.9)]):
        pairs = [([target(LEFT), crowd], outputs)]
        assert scored(TASK, *pairs).values == pytest.approx(coco(pairs))
        assert scored(TASK, *pairs).values["map"] == pytest.approx(1.0)
    only = scored(TASK, ([crowd], [detected(LOW)]))
    assert only.values["map"] is None
    assert "crowds" in only.reason


def test_a_crowd_is_read_from_cocos_own_field():
    objects = [{"bbox": [1, 1, 5, 5], "category": "dog", "iscrowd": flag} for flag in (0, 1)]
    sample = TASK._sample(Row("1", {"image": png(10, 10), "objects": objects}))
    assert [entry.get("crowd", False) for entry in sample.target] == [False, True]


def test_case_and_separators_tell_no_categories_apart():
    pairs = [
        (
            [target(LEFT, "Dog"), target(RIGHT, "traffic light")],
            [detected(LEFT, "dog"), detected(RIGHT, "Traffic_Light")],
        )
    ]
    assert scored(TASK, *pairs).values["map"] == pytest.approx(1.0)
    assert scored(TASK, ([target(LEFT, "Dog"), target(RIGHT, "dog")], [detected(LEFT), detected(RIGHT)])).values[
        "map"
    ] == pytest.approx(1.0)


def test_a_detector_of_other_things_has_no_quality_and_the_option_is_named():
    result = scored(TASK, ([target(LEFT)], []), labels={"LABEL_0": "LABEL_0"})
    assert result.values == {"map": None, "map50": None}
    assert "model.labels.LABEL_0=dog" in result.reason
    assert scored(TASK, ([target(LEFT)], []), labels={"dog": "dog"}).values["map"] == 0.0
    both = [target(LEFT), {**target(LEFT), "label": "cat"}]
    assert "lack the task's cat" in scored(TASK, (both, []), labels={"dog": "dog", "bus": "bus"}).reason


def test_a_box_that_is_no_number_leaves_no_quality():
    result = scored(TASK, ([target(LEFT)], [detected([math.nan, 0.1, 0.4, 0.5])]))
    assert result.values["map"] is None
    assert "not a finite number" in result.reason
