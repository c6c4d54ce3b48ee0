"""BLEU and chrF of captions; sacrebleu, called directly, is the reference."""

import pytest
from sacrebleu.metrics import BLEU, CHRF

from joulemark.tasks.image_captioning import ImageCaptioning
from tests.tasks.scoring import SOURCE, scored

TASK = ImageCaptioning(SOURCE, None, "", 1, 5)


def test_both_are_without_case_and_their_signatures_are_recorded():
    result = scored(TASK, (["A dog runs over the Grass"], "a dog runs over the grass"))
    assert result.values == {"bleu": pytest.approx(1.0), "chrf": pytest.approx(1.0)}
    assert "case:lc" in result.computed_by["bleu"]
    assert "tok:13a" in result.computed_by["bleu"]
    assert "case:lc" in result.computed_by["chrf"]
    assert list(result.each) == [pytest.approx(1.0)]


def test_they_are_sacrebleus_over_all_references_of_each_sample():
    pairs = [
        (["a dog runs over the grass", "A brown dog in a field"], "a brown dog runs over a field of grass"),
        (["two cats sleep on a red sofa"], "Two cats sleep on a sofa"),
    ]
    outputs, streams = [output for _, output in pairs], [[pairs[0][0][0], pairs[1][0][0]], [pairs[0][0][1], None]]
    values = scored(TASK, *pairs).values
    for name, metric in (("bleu", BLEU(lowercase=True)), ("chrf", CHRF(lowercase=True))):
        assert values[name] == pytest.approx(metric.corpus_score(outputs, streams).score / 100)
        assert 0 < values[name] < 1


def test_a_script_without_spaces_is_split_into_characters():
    reference, output = "我喜欢吃苹果和梨", "我喜欢吃香蕉和梨"
    result = scored(TASK, ([reference], output))
    expected = BLEU(lowercase=True, tokenize="char").corpus_score([output], [[reference]]).score / 100
    assert result.values["bleu"] == pytest.approx(expected)
    assert "tok:char" in result.computed_by["bleu"]
    assert scored(TASK, ([reference], reference)).values["bleu"] == pytest.approx(1.0)


def test_no_reference_is_no_quality_with_the_reason():
    result = scored(TASK, (None, "a dog"))
    assert set(result.values.values()) == {None}
    assert result.reason == "the data holds no references"
