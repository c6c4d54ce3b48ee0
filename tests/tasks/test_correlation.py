"""Spearman's correlation; scipy, called directly, is the reference, and the ranks of a few pairs by hand."""

import random

import pytest
from scipy.stats import pearsonr, rankdata, spearmanr

from joulemark.tasks.sentence_similarity import SentenceSimilarity
from tests.tasks.scoring import SOURCE, scored

TASK = SentenceSimilarity(SOURCE)


def spearman(*pairs):
    return scored(TASK, *pairs).values["spearman"]


def test_pairs_by_hand():
    # ranks 1 2 3 4 5 against 2 1 4 3 5: 1 - 6 (1 + 1 + 1 + 1 + 0) / (5 (25 - 1))
    assert spearman((1.0, 0.2), (2.0, 0.1), (3.0, 0.8), (4.0, 0.3), (5.0, 0.9)) == pytest.approx(0.8)
    assert spearman((1.0, 0.9), (2.0, 0.5), (3.0, 0.1)) == pytest.approx(-1.0)
    # ranks 1.5 1.5 3 4 against 1 2 3 4
    assert spearman((0.0, 0.1), (0.0, 0.2), (1.0, 0.3), (2.0, 0.4)) == pytest.approx(4.5 / (4.5 * 5) ** 0.5)


@pytest.mark.parametrize("seed", range(5))
def test_it_is_scipys_with_judgements_that_are_tied(seed):
    draw = random.Random(seed)
    pairs = [(float(draw.randrange(6)), draw.choice((draw.random(), 0.5))) for _ in range(40)]
    truth, given = zip(*pairs, strict=True)
    assert spearman(*pairs) == pytest.approx(spearmanr(truth, given).statistic)
    assert spearman(*pairs) == pytest.approx(pearsonr(rankdata(truth), rankdata(given)).statistic)


def test_pairs_without_a_judgement_do_not_count():
    pairs = [(1.0, 0.2), (2.0, 0.1), (3.0, 0.8), (4.0, 0.3)]
    assert spearman(*pairs, (None, 9.0)) == pytest.approx(spearman(*pairs))
