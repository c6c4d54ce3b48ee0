"""ROUGE of texts against their references (Lin 2004), by the rouge-score package, in every script."""

from collections.abc import Sequence
from statistics import fmean

from joulemark.core.task import NO_REFERENCES, Prediction, Sample, Scores, without_quality
from joulemark.tasks.metrics import scripts
from joulemark.tasks.metrics.libraries import library

VARIANTS = ("rouge1", "rouge2", "rougeL", "rougeLsum")


class Words:
    """rouge-score's tokenizer for every script: on plain English it gives what the package's own gives.

    Its own drops every letter beyond a to z: texts in Russian, Chinese or Arabic would have no words.
    """

    def __init__(self) -> None:
        from rouge_score.tokenizers import DefaultTokenizer

        self._latin = DefaultTokenizer(use_stemmer=True)

    def tokenize(self, text: str) -> list[str]:
        """The words of a text; Porter's stem of those in plain Latin letters."""
        tokens: list[str] = []
        for word in scripts.words(text):
            tokens += self._latin.tokenize(word) if word.isascii() else [word]
        return tokens


def rouge(samples: Sequence[Sample], predictions: Sequence[Prediction], primary: str) -> Scores:
    """Mean F-measure of each variant over the samples that have a reference; `each` holds the primary score's.

    `rougeLsum` is what papers on summarization call ROUGE-L: sentence by sentence, where `rougeL` takes the whole text
    as one.
    """
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer(VARIANTS, tokenizer=Words())
    each = [
        None if sample.target is None else scorer.score(_lines(sample.target), _lines(str(prediction.output)))
        for sample, prediction in zip(samples, predictions, strict=True)
    ]
    scored = [score for score in each if score is not None]
    if not scored:
        return without_quality(VARIANTS, len(samples), NO_REFERENCES)
    rule = library("rouge-score", "F-measure", "words of any script", "Porter's stems of Latin ones")
    return Scores(
        {name: fmean(score[name].fmeasure for score in scored) for name in VARIANTS},
        [None if score is None else score[primary].fmeasure for score in each],
        computed_by=dict.fromkeys(VARIANTS, rule) | {"rougeLsum": f"{rule}, by sentence"},
    )


def _lines(text: str) -> str:
    """A sentence a line, as rouge-score expects it."""
    return "\n".join(scripts.sentences(text))
