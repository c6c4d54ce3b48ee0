"""BLEU and chrF of texts against one or several references, by sacrebleu: both without case, signatures kept."""

import json
from collections.abc import Sequence
from math import nan
from typing import Any

from joulemark.core.task import NO_REFERENCES, MetricInterval, Prediction, Sample, Scores, without_quality
from joulemark.tasks.metrics.libraries import library
from joulemark.tasks.metrics.resampling import MOST, made
from joulemark.tasks.metrics.scripts import mostly_unspaced

RESAMPLES = 1000
DIGITS = 9  # of what sacrebleu writes, which is in per cent


def bleu_and_chrf(samples: Sequence[Sample], predictions: Sequence[Prediction]) -> Scores:
    """Corpus BLEU-4 and chrF over all references of a sample, in [0, 1]; chrF for each sample.

    Both in lower case; BLEU's tokens are those of mteval 13a, characters where the references are of a script that
    writes no spaces. A sample's target is a list of references.
    """
    from sacrebleu.metrics import BLEU, CHRF

    pairs = [(s.target, str(p.output)) for s, p in zip(samples, predictions, strict=True) if s.target is not None]
    if not pairs:
        return without_quality(("bleu", "chrf"), len(samples), NO_REFERENCES)
    # sacrebleu takes as many references for every text, None where there is no further one
    streams = [
        [target[number] if number < len(target) else None for target, _ in pairs]
        for number in range(max(len(target) for target, _ in pairs))
    ]
    outputs = [output for _, output in pairs]
    characters = mostly_unspaced([reference for target, _ in pairs for reference in target])
    metrics: dict[str, Any] = {
        "bleu": BLEU(lowercase=True, tokenize="char" if characters else "13a"),
        "chrf": CHRF(lowercase=True),
    }
    resamples = RESAMPLES if 1 < len(pairs) <= MOST else 1
    corpus = {name: _scored(metric, outputs, streams, resamples) for name, metric in metrics.items()}
    signatures = {name: library("sacrebleu", str(metric.get_signature())) for name, metric in metrics.items()}
    chrf = CHRF(lowercase=True)
    each = [
        None if s.target is None else chrf.sentence_score(str(p.output), list(s.target)).score / 100
        for s, p in zip(samples, predictions, strict=True)
    ]
    values = {name: score.score / 100 for name, score in corpus.items()}
    ends = {name: _interval(len(pairs), score, metrics[name]) for name, score in corpus.items()}
    return Scores(values, each, computed_by=signatures, intervals=lambda: ends)


def _scored(metric: Any, outputs: Sequence[str], streams: Sequence[Sequence[str | None]], resamples: int) -> Any:
    try:
        return metric.corpus_score(outputs, streams, resamples)
    except TypeError:  # where some resample scores zero sacrebleu mixes floats of Python and numpy in one mean
        return metric.corpus_score(outputs, streams)


def _interval(count: int, score: Any, metric: Any) -> MetricInterval:
    """sacrebleu's own interval, from the statistics of each text: scoring resamples again would take minutes."""
    said = json.loads(score.format(width=DIGITS, is_json=True, signature=str(metric.get_signature())))
    mean, half = (said.get(key, nan) / 100 for key in ("confidence_mean", "confidence_var"))
    return made(count, mean - half, mean + half, f"sacrebleu's percentile bootstrap, {RESAMPLES:,} resamples")
