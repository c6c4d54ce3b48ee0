"""What a judge of images makes of its model's numbers."""

import math

import pytest

from joulemark.core.task import Prediction, Sample
from joulemark.models.backend import judges

IMAGES = (
    [Sample("a", "a cat", "a cat"), Sample("b", "a dog", "a dog")],
    [Prediction("image", 1), Prediction("image", 1)],
)


def test_a_clip_score_is_never_below_zero_and_nan_is_no_zero():
    assert judges.clip_score(0.31) == pytest.approx(31.0)
    assert judges.clip_score(-0.2) == 0.0
    assert math.isnan(judges.clip_score(math.nan))


@pytest.mark.parametrize(("cosines", "mean"), [((0.2, 0.4), 30.0), ((0.2, math.nan), math.nan)])
def test_the_score_of_a_run_is_the_mean_and_nan_where_one_image_has_none(monkeypatch, cosines, mean):
    monkeypatch.setattr(judges, "_clip_scores", lambda *_: [[judges.clip_score(cosine) for cosine in cosines]])
    assert judges.look("openai/clip", "cpu", False, *IMAGES) == pytest.approx({"clip_score": mean}, nan_ok=True)
    assert judges.look(None, "cpu", False, *IMAGES) == {}
