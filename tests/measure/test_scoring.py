"""What a run's record says of its quality, above all where there is none."""

import json
import math
from dataclasses import dataclass, replace

import pytest

from joulemark.analysis import caveats, named_metrics, result_table
from joulemark.core.model import Loaded
from joulemark.core.record_json import from_json, to_json
from joulemark.core.task import Inputs, Prediction, Sample, Scores
from joulemark.measure import runner
from joulemark.measure.draft import draft
from joulemark.measure.instruments import Instruments
from joulemark.tasks.image_generation import ImageGeneration
from joulemark.tasks.sentence_similarity import SentenceSimilarity
from joulemark.tasks.text_classification import TextClassification
from tests.fakes import FakeClock, FakeModel
from tests.measure.test_runner import a_run

PAIRS = [Sample(str(number), ("a", "b"), float(number)) for number in range(4)]


@dataclass(frozen=True)
class Scripted(FakeModel):
    """Gives these predictions in turn, and what a judge says of them."""

    predictions: tuple[Prediction, ...] = ()
    judged: float | None = None

    def load(self, task, device, settings):
        def predict(inputs):
            self.clock.sleep(self.seconds)
            return [self.predictions[int(text)] for text in inputs]

        judge = None if self.judged is None else lambda samples, predictions: {task.metric: self.judged}
        return Loaded(predict, {}, judge=judge)


def benched(make_task, samples, predictions, judged=None, weights=None):
    clock = FakeClock()
    model = Scripted(clock, predictions=tuple(predictions), judged=judged)
    if weights is not None:
        model = replace(model, checkpoint=replace(model.checkpoint, weights=weights))
    run = a_run(clock, model=model, samples=len(samples))
    run = replace(run, task=make_task(run.dataset))
    samples = [replace(sample, input=str(number)) for number, sample in enumerate(samples)]
    return runner.bench(run, draft(run, Inputs(samples)), samples, lambda *_: None, Instruments(clock=clock))


def pictures(dataset, judge="openai/clip"):
    return ImageGeneration(dataset, 5, None, None, None, judge, "clip_score")


def sentiment(dataset):
    return TextClassification(dataset, ("negative", "positive"), "{text}", 1, 4)


UNKNOWN = {"LABEL_0": "LABEL_0", "LABEL_1": "LABEL_1"}


@pytest.mark.parametrize(
    ("record", "says"),
    [
        (
            lambda: benched(SentenceSimilarity, PAIRS, [Prediction(v, 1) for v in (0.1, math.nan, 0.3, 0.4)]),
            "1 of 4 similarities: not a finite number",
        ),
        (
            lambda: benched(pictures, PAIRS[:1], [Prediction("image", 1)], judged=math.nan),
            "clip_score: not a finite number",
        ),
        (
            lambda: benched(sentiment, [Sample("a", "x", "negative")], [Prediction("LABEL_0", 1, labels=UNKNOWN)]),
            "model.labels.LABEL_0=negative",
        ),
    ],
    ids=["embedding", "judge", "labels"],
)
def test_a_run_whose_quality_cannot_be_computed_is_finished_with_the_reason_and_a_flag(record, says):
    record = record()
    assert (record.status, record.error) == ("finished", None)
    assert set(record.scores.values()) == {None}
    assert says in record.no_quality
    assert "no_quality" in record.flags
    assert any(line.startswith("no_quality: ") and says in line for line in caveats.warnings(record))
    metrics = named_metrics.metrics(record)
    assert metrics["quality/primary"] is None
    assert metrics["energy/j_per_correct"] is None
    assert any(row[0].startswith("quality") and says in row[2] for row in result_table.rows(record, metrics))
    stored = from_json(json.loads(json.dumps(to_json(record), allow_nan=False)))
    assert (stored.scores, stored.no_quality, stored.computed_by) == (record.scores, record.no_quality, {})


def test_a_quality_of_the_whole_set_names_the_calls_that_it_is_of():
    record = benched(SentenceSimilarity, PAIRS, [Prediction(v, 1) for v in (0.1, 0.2, 0.3, 0.4)])
    rows = result_table.rows(record, named_metrics.metrics(record))
    assert next(row[2] for row in rows if row[0].startswith("quality")) == "4 of the same calls"


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (lambda: benched(sentiment, [Sample("a", "x")], [Prediction("positive", 1)]), "the data holds no references"),
        (
            lambda: benched(lambda data: pictures(data, None), PAIRS[:1], [Prediction("image", 1)]),
            "nobody looks at the images: type task.judge=openai/clip-vit-base-patch16 or another CLIP checkpoint",
        ),
    ],
    ids=["references", "judge"],
)
def test_a_quality_that_was_not_to_be_expected_raises_no_flag(record, reason):
    record = record()
    assert record.no_quality == reason
    assert "no_quality" not in record.flags


def test_a_quality_has_no_reason_to_be_missing_and_says_how_it_was_computed():
    samples = [Sample("a", "x", "negative")]
    record = benched(sentiment, samples, [Prediction("Negative", 1, labels={"NEG": "Negative"})])
    assert record.scores["primary"] == 1.0
    assert record.no_quality is None
    assert "labels compared whole" in record.computed_by["f1_macro"]


def test_the_interval_of_a_metric_of_the_whole_set_is_in_the_record_and_random_weights_have_none():
    pairs = [Sample(str(number), ("a", "b"), float(number)) for number in range(12)]
    predictions = [Prediction(number + 3.0 * (number % 3), 1) for number in range(12)]
    record = benched(SentenceSimilarity, pairs, predictions)
    known = record.intervals["spearman"]
    assert record.statistics == "ranks"
    assert [row.statistics is None for row in record.requests] == [row.reference is None for row in record.requests]
    assert known.low < record.scores["spearman"] <= known.high
    metrics = named_metrics.metrics(record)
    assert (metrics["quality/ci95_low"], metrics["quality/ci95_high"]) == (known.low, known.high)
    assert from_json(to_json(record)).intervals == record.intervals
    unjudged = benched(SentenceSimilarity, pairs, predictions, weights="random")
    assert (unjudged.scores["spearman"], unjudged.intervals, unjudged.statistics) == (None, {}, None)


def test_a_metric_beside_the_primary_one_that_is_no_number_takes_nothing_from_it():
    @dataclass(frozen=True)
    class Both(SentenceSimilarity):
        def score(self, samples, predictions):
            return Scores({"spearman": 0.5, "other": math.inf}, [math.nan] * len(samples))

    record = benched(Both, PAIRS, [Prediction(0.1, 1)] * 4)
    assert record.scores == {"primary": 0.5, "spearman": 0.5, "other": None}
    assert record.no_quality is None
    assert {request.score for request in record.requests} == {None}


def test_a_negative_correlation_has_no_energy_per_correct_prediction():
    record = benched(SentenceSimilarity, PAIRS, [Prediction(-float(number), 1) for number in range(4)])
    metrics = named_metrics.metrics(record)
    assert metrics["quality/primary"] == pytest.approx(-1.0)
    assert metrics["energy/total_wh_per_1k"] > 0
    assert metrics["energy/j_per_correct"] is None
