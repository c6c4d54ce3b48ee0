"""Metrics computed again from statistics are those of each library, called on the requests of the resample."""

import random
from collections.abc import Callable

import jiwer
import numpy
import pytest
from sacrebleu.metrics import BLEU, CHRF
from scipy.stats import spearmanr
from seqeval.metrics import accuracy_score, f1_score, precision_score, recall_score
from sklearn.metrics import f1_score as sklearn_f1

from joulemark.tasks.image_captioning import ImageCaptioning
from joulemark.tasks.metrics.whole_set import KINDS
from joulemark.tasks.sentence_similarity import SentenceSimilarity
from joulemark.tasks.speech_recognition import SpeechRecognition
from joulemark.tasks.text_classification import TextClassification
from joulemark.tasks.token_classification import TokenClassification
from tests.tasks.scoring import SOURCE, scored

COUNT = 30
DRAW = random.Random(0)
RESAMPLES = [list(range(COUNT)), *(DRAW.choices(range(COUNT), k=COUNT) for _ in range(8)), [3] * COUNT]
WORDS = ("a", "the", "dog", "Dog", "runs", "over", "grass", ".")


def sentence(most: int) -> str:
    return " ".join(DRAW.choices(WORDS, k=DRAW.randint(1, most)))


def clip(most: int) -> str:
    return sentence(most).lower().replace(".", "dot")


def tags() -> list[str]:
    """In IOB2, which is what both sides are brought to."""
    return [tag for _ in range(4) for tag in DRAW.choice((["O", "O"], ["B-PER", "I-PER"], ["B-LOC", "O"]))]


def macro_f1(truth, given):
    truth, given = list(truth), [label if label in "abc" else "" for label in given]
    present = sorted({*truth, *given} - {""})
    return {"f1_macro": sklearn_f1(truth, given, labels=present, average="macro", zero_division=0.0)}


def entities(truth, given):
    metrics = {"f1": f1_score, "precision": precision_score, "recall": recall_score, "accuracy": accuracy_score}
    return {name: metric(list(truth), list(given), zero_division=0) if name != "accuracy" else metric(truth, given)
            for name, metric in metrics.items()}  # fmt: skip


def word_errors(truth, given):
    wer = jiwer.wer(list(truth), list(given))
    return {"wer": wer, "word_accuracy": max(0.0, 1 - wer)}


def overlap(truth, given):
    streams = [[texts[n] if n < len(texts) else None for texts in truth] for n in range(max(map(len, truth)))]
    metrics = {"bleu": BLEU(lowercase=True, force=True), "chrf": CHRF(lowercase=True)}
    return {name: metric.corpus_score(list(given), streams).score / 100 for name, metric in metrics.items()}


def spearman(truth, given):
    return {"spearman": spearmanr(truth, given).statistic}


def references() -> list[str]:
    return [sentence(9) for _ in range(DRAW.randint(1, 3))]


# the task, a reference and an answer drawn at random, and the library's own figures
CASES: dict[str, tuple[object, Callable, Callable, Callable]] = {
    "labels": (
        TextClassification(SOURCE, ("a", "b", "c"), "{text}", 1, 4),
        lambda: DRAW.choices("abc", (10, 5, 1))[0], lambda: DRAW.choice(("a", "b", "c", "none of them")), macro_f1,
    ),
    "entities": (TokenClassification(SOURCE), tags, tags, entities),
    "words": (
        SpeechRecognition(SOURCE, 16000, 0, 10, normalizer="basic"), lambda: clip(6), lambda: clip(4), word_errors,
    ),
    "overlap": (ImageCaptioning(SOURCE, None, "", 1, 5), references, lambda: sentence(6), overlap),
    "ranks": (SentenceSimilarity(SOURCE), lambda: float(DRAW.randrange(6)), lambda: round(DRAW.random(), 1), spearman),
}  # fmt: skip


@pytest.mark.parametrize("kind", CASES)
def test_the_metrics_of_a_resample_are_the_librarys_of_its_requests(kind):
    task, reference, answer, library = CASES[kind]
    pairs = [(reference(), answer()) for _ in range(COUNT)]
    if kind == "overlap":
        pairs[3] = (["grass"], "")  # nothing in common, and no length
    if kind == "ranks":
        pairs[3] = (2.0, 0.5)
    statistics = scored(task, *pairs).statistics
    assert statistics.kind == kind
    counts = numpy.array([numpy.bincount(places, minlength=COUNT) for places in RESAMPLES], float)
    found = KINDS[kind](statistics.rows)(counts)
    for column, places in enumerate(RESAMPLES):
        if kind == "ranks" and len(set(places)) == 1:
            assert numpy.isnan(found[0, column])  # one value has no rank
            continue
        truth, given = zip(*(pairs[place] for place in places), strict=True)
        again = dict(zip(KINDS[kind].metrics, found[:, column].tolist(), strict=True))
        assert again == pytest.approx(library(list(truth), list(given)))
