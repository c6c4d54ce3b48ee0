"""The interval of a metric of the whole set, and of the difference of two models; scipy is the reference."""

import random
import warnings
from types import SimpleNamespace

import numpy
import pytest
from scipy.stats import bootstrap, ttest_rel

from joulemark.core.task import Statistics
from joulemark.tasks.image_captioning import ImageCaptioning
from joulemark.tasks.metrics import resampling, whole_set
from joulemark.tasks.object_detection import ObjectDetection
from joulemark.tasks.sentence_similarity import SentenceSimilarity
from joulemark.tasks.speech_recognition import SpeechRecognition
from joulemark.tasks.summarization import Summarization
from joulemark.tasks.text_classification import TextClassification
from joulemark.tasks.token_classification import TokenClassification
from tests.tasks.scoring import SOURCE, scored

DRAW = random.Random(0)
VALUES = [DRAW.random() ** 2 for _ in range(30)]


class Mean:
    """The mean of one number a request: a metric of the whole set whose interval is known otherwise."""

    metrics = ("mean",)

    def __init__(self, rows):
        self.rows = numpy.asarray(rows, float).reshape(-1, 1)

    def __call__(self, counts):
        return (counts @ self.rows).T / counts.sum(axis=1)


@pytest.fixture(autouse=True)
def means(monkeypatch):
    monkeypatch.setattr(resampling, "KINDS", {**whole_set.KINDS, "mean": Mean})


class Slow(Mean):
    """One whose every resample takes so many seconds of a clock of its own."""

    clock = SimpleNamespace(now=0.0, each_s=0.0)

    def __call__(self, counts):
        self.clock.now += self.clock.each_s * len(counts)
        return super().__call__(counts)


@pytest.fixture
def slow(monkeypatch):
    Slow.clock.now = 0.0
    monkeypatch.setattr(resampling, "KINDS", {"mean": Slow})
    monkeypatch.setattr(resampling.time, "perf_counter", lambda: Slow.clock.now)
    return Slow.clock


def of_means(values=VALUES):
    return resampling.intervals(Statistics("mean", values, [True] * len(values)))["mean"]


def test_the_interval_of_a_mean_is_that_of_scipys_bca():
    known = of_means()
    expected = bootstrap((numpy.array(VALUES),), numpy.mean, n_resamples=1000, vectorized=False, rng=0, method="BCa")
    assert (known.low, known.high) == pytest.approx(tuple(expected.confidence_interval), rel=1e-3)
    assert (known.n, known.method) == (30, "BCa bootstrap, 1,000 resamples")


TRIALS = resampling.TIMED * resampling.TRIED + 1  # resamples by which it is timed; the last one is of all as they are


@pytest.mark.parametrize(
    ("each_s", "method"),
    [
        (0.015, "BCa bootstrap, 500 resamples"),
        (0.04, "BCa bootstrap, 200 resamples"),
        (0.05, "percentile bootstrap, 200 resamples"),
        (0.09, "percentile bootstrap, 100 resamples"),
        (0.2, "100 resamples of 0.2 s each would take more than 10 s"),
    ],
)
def test_a_slow_metric_takes_fewer_resamples_then_simpler_ends_then_none(slow, each_s, method):
    slow.each_s = each_s
    known = of_means()
    assert (known.method, known.low is None) == (method, "more than" in method)
    assert slow.now <= resampling.BUDGET_S + TRIALS * each_s


@pytest.mark.parametrize(("each_s", "method"), [(0.014, "200 resamples"), (0.1, "would take more than 3 s")])
def test_a_pair_of_slow_metrics_takes_fewer_resamples_then_has_no_interval(slow, each_s, method):
    slow.each_s = each_s / 2
    known = resampling.difference("mean", "mean", VALUES, VALUES[::-1])
    assert known.method.endswith(method)
    assert (known.p is None) == (known.low is None) == ("more than" in method)
    assert slow.now <= resampling.PAIR_S + TRIALS * each_s + 1e-9


@pytest.mark.parametrize("values", [[0.5] * 5, [0.5, float("nan")], [0.5]])
def test_resamples_that_are_all_alike_or_have_no_value_have_no_interval_and_a_reason(values):
    known = of_means(values)
    assert (known.low, known.high, known.n) == (None, None, len(values))
    assert known.method in (resampling.ALIKE, "fewer than 2 requests")


@pytest.mark.parametrize("count", [6, 200])
def test_the_difference_of_two_means_is_students_of_pairs(count):
    a = numpy.array([DRAW.random() for _ in range(count)])
    b = a + numpy.array([DRAW.gauss(0.01, 0.1) for _ in range(count)])
    known, expected = resampling.difference("mean", "mean", a, b), ttest_rel(a, b)
    ends = expected.confidence_interval()
    assert known.value == pytest.approx((a - b).mean())
    assert known.p == pytest.approx(expected.pvalue, rel=0.2)
    assert known.high - known.low == pytest.approx(ends.high - ends.low, rel=0.06)
    assert (known.low + known.high) / 2 == pytest.approx(known.value)


def test_the_margin_to_a_share_of_the_other_is_the_metric_less_that_share():
    known = resampling.difference("mean", "mean", VALUES, VALUES, share=0.9)
    assert known.value == pytest.approx(0.1 * numpy.mean(VALUES))
    assert known.low > 0


BOX = [0.1, 0.1, 0.5, 0.5]
TASKS = {
    "f1_macro": (
        TextClassification(SOURCE, ("a", "b"), "{text}", 1, 4),
        [("a", "a"), ("b", "b"), ("a", "b"), ("b", "a"), ("a", "a")] * 4,
    ),
    "spearman": (SentenceSimilarity(SOURCE), [(float(n), (n * 7 % 11) / 11 + n / 20) for n in range(20)]),
    "f1": (
        TokenClassification(SOURCE),
        [(["B-PER", "O"], ["B-PER", "O"]), (["B-PER", "O"], ["O", "B-PER"]), (["O", "B-LOC"], ["O", "B-LOC"])] * 4,
    ),
    "wer": (
        SpeechRecognition(SOURCE, 16000, 0, 10, normalizer="basic"),
        [("one two", "one two"), ("one two", "one three"), ("one two three", "two")] * 4,
    ),
    "map": (
        ObjectDetection(SOURCE, None),
        [([{"box": BOX, "label": "cup"}], [{"box": BOX, "label": "cup", "score": 0.9}] * hit) for hit in (1, 0, 1, 1)],
    ),
    "bleu": (
        ImageCaptioning(SOURCE, None, "", 1, 5),
        [(["a dog runs over the green grass"], f"a dog runs over {end}") for end in ("the grass", "it", "the green")]
        * 4,
    ),
}


@pytest.mark.parametrize("metric", TASKS)
def test_the_interval_of_a_metric_of_the_whole_set_holds_its_value(metric):
    task, pairs = TASKS[metric]
    result = scored(task, *pairs)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        known = resampling.intervals(result.statistics)[metric]
    assert known.low < result.values[metric] < known.high
    assert known.n == len(pairs)
    assert "bootstrap" in known.method


def test_means_of_single_scores_and_predictions_without_quality_have_none_of_these():
    assert scored(Summarization(SOURCE, "{text}", 1, 2), ("a b", "a c")).statistics is None
    task, _ = TASKS["spearman"]
    assert scored(task, (None, 0.1)).statistics is None


@pytest.mark.parametrize("metric", TASKS)
def test_statistics_give_the_value_of_the_reference_library_and_one_row_to_each_scored_request(metric):
    task, pairs = TASKS[metric]
    absent = (None, pairs[0][1])
    result = scored(task, pairs[0], absent, *pairs[1:])
    kind = whole_set.KINDS[result.statistics.kind]
    again = whole_set.values(kind(result.statistics.rows), len(pairs))
    assert again == pytest.approx({name: result.values[name] for name in kind.metrics})
    each = list(result.statistics.each())
    assert [row is None for row in each] == [False, True, *[False] * (len(pairs) - 1)]
