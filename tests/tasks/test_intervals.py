"""The interval of a metric of the whole set; scipy's bootstrap and each metric's own library are the reference."""

import random
import warnings
from collections import Counter

import jiwer
import numpy
import pytest
from sacrebleu.metrics import BLEU
from scipy.stats import bootstrap
from seqeval.metrics import accuracy_score, f1_score, precision_score, recall_score
from sklearn.metrics import f1_score as sklearn_f1

from joulemark.tasks.image_captioning import ImageCaptioning
from joulemark.tasks.metrics import classification, entities, resampling, transcripts
from joulemark.tasks.object_detection import ObjectDetection
from joulemark.tasks.sentence_similarity import SentenceSimilarity
from joulemark.tasks.speech_recognition import SpeechRecognition
from joulemark.tasks.summarization import Summarization
from joulemark.tasks.text_classification import TextClassification
from joulemark.tasks.token_classification import TokenClassification
from tests.tasks.scoring import SOURCE, scored

DRAW = random.Random(0)
RESAMPLES = [DRAW.choices(range(30), k=30) for _ in range(20)]
VALUES = [DRAW.random() ** 2 for _ in range(30)]


def mean(places):
    return {"mean": sum(VALUES[place] for place in places) / len(places)}


class Slow:
    """A metric whose every evaluation takes so many seconds of a clock of its own."""

    def __init__(self, monkeypatch, each_s):
        self.now, self.each_s, self.calls = 0.0, each_s, 0
        monkeypatch.setattr(resampling.time, "perf_counter", lambda: self.now)

    def __call__(self, places):
        self.now, self.calls = self.now + self.each_s, self.calls + 1
        return mean(places)


def test_the_interval_of_a_mean_is_that_of_scipys_bca():
    known = resampling.intervals(30, mean, ("mean",))["mean"]
    expected = bootstrap((numpy.array(VALUES),), numpy.mean, n_resamples=1000, vectorized=False, rng=0, method="BCa")
    assert (known.low, known.high) == pytest.approx(tuple(expected.confidence_interval))
    assert (known.n, known.method) == (30, "BCa bootstrap, 1,000 resamples")


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
def test_a_slow_metric_takes_fewer_resamples_then_simpler_ends_then_none(monkeypatch, each_s, method):
    slow = Slow(monkeypatch, each_s)
    known = resampling.intervals(30, slow, ("mean",))["mean"]
    assert (known.method, known.low is None) == (method, "more than" in method)
    assert slow.now <= resampling.BUDGET_S + (resampling.TIMED + 1) * each_s  # the last one is of all as they are


def test_more_requests_than_a_resample_holds_have_no_interval_and_cost_nothing(monkeypatch):
    slow = Slow(monkeypatch, 1.0)
    known = resampling.intervals(resampling.MOST + 1, slow, ("mean",))["mean"]
    assert (known.low, known.method, slow.calls) == (None, "more than 10,000 requests", 0)


def test_resamples_that_are_all_alike_or_have_no_value_have_no_interval():
    for value in (0.5, None):
        known = resampling.intervals(5, lambda places, value=value: {"x": value}, ("x",))["x"]
        assert (known.low, known.high) == (None, None)
        assert known.method == "the resamples are all alike, or some have no value"


def test_macro_f1_of_a_resample_is_scikit_learns_over_the_classes_that_it_holds():
    truth = DRAW.choices(("a", "b", "c"), (10, 5, 1), k=30)
    given = DRAW.choices(("a", "b", "c", "d", ""), k=30)
    counts = Counter(zip(truth, given, strict=True))
    truth, given = zip(*counts.elements(), strict=True)
    some = classification.macro_f1(counts)
    for places in RESAMPLES:
        one, other = [truth[place] for place in places], [given[place] for place in places]
        present = sorted({*one, *other} - {""})
        expected = sklearn_f1(one, other, labels=present, average="macro", zero_division=0.0)
        assert some(places)["f1_macro"] == pytest.approx(expected)


def test_the_figures_of_entities_of_a_resample_are_seqevals():
    def tags():
        return DRAW.choices(("O", "B-PER", "I-PER", "B-LOC"), k=8)

    pairs = [(truth, truth if DRAW.random() < 0.4 else tags()) for truth in (tags() for _ in range(30))]
    some = entities.counted(pairs)
    metrics = {"f1": f1_score, "precision": precision_score, "recall": recall_score, "accuracy": accuracy_score}
    for places in RESAMPLES[:5]:
        truth, given = ([pairs[place][side] for place in places] for side in (0, 1))
        assert some(places) == pytest.approx({name: metric(truth, given) for name, metric in metrics.items()})


def test_word_errors_of_a_resample_are_jiwers():
    words = ["one", "two", "three", "four"]
    pairs = [(" ".join(DRAW.choices(words, k=4)), " ".join(DRAW.choices(words, k=3))) for _ in range(30)]
    some = transcripts.errors(pairs)
    for places in RESAMPLES[:5]:
        expected = jiwer.wer([pairs[place][0] for place in places], [pairs[place][1] for place in places])
        assert some(places)["wer"] == pytest.approx(expected)


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
        known = result.intervals()[metric]
    assert known.low < result.values[metric] < known.high
    assert known.n == len(pairs)
    assert "bootstrap" in known.method


def test_bleus_interval_is_sacrebleus_own():
    task, pairs = TASKS["bleu"]
    known = scored(task, *pairs).intervals()["bleu"]
    score = BLEU(lowercase=True).corpus_score([out for _, out in pairs], [[t[0] for t, _ in pairs]], n_bootstrap=1000)
    assert str(score).endswith(f"± {50 * (known.high - known.low):.2f}) {score._verbose}")


def test_means_of_single_scores_and_predictions_without_quality_have_none_of_these():
    assert scored(Summarization(SOURCE, "{text}", 1, 2), ("a b", "a c")).intervals() == {}
    task, _ = TASKS["spearman"]
    assert scored(task, (None, 0.1)).intervals() == {}
