"""ROUGE of texts against their references (Lin 2004), by the rouge-score package."""

from collections.abc import Sequence
from statistics import fmean

from joulemark.core.task import Prediction, Sample, Scores

VARIANTS = ("rouge1", "rouge2", "rougeL")


def rouge(samples: Sequence[Sample], predictions: Sequence[Prediction], primary: str) -> Scores:
    """Mean F-measure of each variant over the samples that have a reference; `each` holds the primary score's."""
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer(VARIANTS, use_stemmer=True)
    each = [
        None if sample.target is None else scorer.score(sample.target, str(prediction.output))
        for sample, prediction in zip(samples, predictions, strict=True)
    ]
    scored = [score for score in each if score is not None]
    values = {name: fmean(score[name].fmeasure for score in scored) if scored else None for name in VARIANTS}
    return Scores(values, [None if score is None else score[primary].fmeasure for score in each])
