"""BLEU and chrF of texts against one or several references, by sacrebleu: both without case, signatures kept."""

from collections.abc import Sequence
from typing import Any, ClassVar

from joulemark.core.task import NO_REFERENCES, Prediction, Sample, Scores, Statistics, without_quality
from joulemark.tasks.metrics.libraries import library
from joulemark.tasks.metrics.scripts import mostly_unspaced

BLEU_ORDER = 4  # the longest n-grams of words
BLEU_COUNTS = 2 + 2 * BLEU_ORDER  # lengths of the text and of its reference; n-grams that match, and all, by length
LOG_OF_NOTHING = -9999999999.0  # what sacrebleu takes for the logarithm of a precision of 0
CHRF_WEIGHT = 4.0  # of recall against precision: chrF's beta of 2, squared


def bleu_and_chrf(samples: Sequence[Sample], predictions: Sequence[Prediction]) -> Scores:
    """Corpus BLEU-4 and chrF over all references of a sample, in [0, 1]; chrF for each sample.

    Both in lower case; BLEU's tokens are those of mteval 13a, characters where the references are of a script that
    writes no spaces. A sample's target is a list of references.
    """
    import numpy
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
    # What its own bootstrap and corpus_score are computed from: each text is taken apart once for all of them
    counts = {name: metric._extract_corpus_statistics(outputs, streams) for name, metric in metrics.items()}
    values = {name: metric._aggregate_and_compute(counts[name]).score / 100 for name, metric in metrics.items()}
    of_texts = (metrics["chrf"]._compute_score_from_stats(text).score / 100 for text in counts["chrf"])
    scored = [sample.target is not None for sample in samples]
    return Scores(
        values,
        [next(of_texts) if known else None for known in scored],
        computed_by={name: library("sacrebleu", str(metric.get_signature())) for name, metric in metrics.items()},
        statistics=Statistics("overlap", numpy.hstack([counts["bleu"], counts["chrf"]]), scored),
    )


class NGramCounts:
    """sacrebleu's corpus BLEU and chrF of some texts, from the counts of each: a text is not read again."""

    metrics: ClassVar[tuple[str, ...]] = ("bleu", "chrf")

    def __init__(self, rows: Sequence[Sequence[float]]) -> None:
        """A row holds sacrebleu's counts of a text for BLEU, then those for chrF."""
        import numpy

        self._counts = numpy.asarray(rows, float, order="F")

    def __call__(self, counts: Any) -> Any:
        """As `WholeSet`."""
        import numpy

        sums = (counts @ self._counts).T
        with numpy.errstate(invalid="ignore", divide="ignore"):  # where nothing is counted, another value is taken
            return numpy.array([_bleu(sums[:BLEU_COUNTS]), _chrf(sums[BLEU_COUNTS:])])


def _bleu(sums: Any) -> Any:
    """sacrebleu's `compute_bleu` with its exponential smoothing, a column a resample."""
    import numpy

    length, reference = sums[:2]
    matches, of = sums[2 : 2 + BLEU_ORDER], sums[2 + BLEU_ORDER :]
    counted = numpy.logical_and.accumulate(of > 0)  # it stops at the first length of which there is no n-gram
    smoothing = 2.0 ** numpy.cumsum(matches == 0, axis=0)
    precision = numpy.where(matches == 0, 1 / (smoothing * of), matches / of)
    logs = numpy.where(counted, numpy.log(100 * precision), LOG_OF_NOTHING).sum(axis=0)
    brevity = numpy.where(length < reference, numpy.exp(1 - reference / length), 1.0)
    return numpy.where(matches.any(axis=0), brevity * numpy.exp(logs / BLEU_ORDER) / 100, 0.0)


def _chrf(sums: Any) -> Any:
    """sacrebleu's chrF, a column a resample: the means of precision and recall over the lengths that both have."""
    import numpy

    given, reference, matches = sums[0::3], sums[1::3], sums[2::3]
    counted = (given > 0) & (reference > 0)
    lengths = numpy.maximum(counted.sum(axis=0), 1)
    precision, recall = (numpy.where(counted, matches / of, 0.0).sum(axis=0) / lengths for of in (given, reference))
    score = (1 + CHRF_WEIGHT) * precision * recall / (CHRF_WEIGHT * precision + recall)
    return numpy.where(precision + recall > 0, score, 0.0)
