"""Entities in every scheme of tags; seqeval, called directly in its strict mode, is the reference."""

from dataclasses import replace

import pytest
from seqeval import scheme as schemes
from seqeval.metrics import f1_score

from joulemark.tasks.metrics import entities
from joulemark.tasks.token_classification import TokenClassification
from tests.tasks.scoring import SOURCE, scored

TASK = TokenClassification(SOURCE)

# John Smith met Ann Lee, Bob, in New York: two names side by side
IOB2 = "B-PER I-PER O B-PER I-PER B-PER O B-LOC I-LOC".split()
WRITTEN = {
    "IOB1": "I-PER I-PER O I-PER I-PER B-PER O I-LOC I-LOC".split(),
    "IOB2": IOB2,
    "IOE1": "I-PER I-PER O I-PER E-PER I-PER O I-LOC I-LOC".split(),
    "IOE2": "I-PER E-PER O I-PER E-PER E-PER O I-LOC E-LOC".split(),
    "IOBES": "B-PER E-PER O B-PER E-PER S-PER O B-LOC E-LOC".split(),
    "BILOU": "B-PER L-PER O B-PER L-PER U-PER O B-LOC L-LOC".split(),
}


@pytest.mark.parametrize("of_references", WRITTEN)
@pytest.mark.parametrize("of_predictions", WRITTEN)
def test_the_same_entities_are_the_same_in_every_two_schemes(of_references, of_predictions):
    result = scored(TASK, (WRITTEN[of_references], WRITTEN[of_predictions]))
    assert result.values == {"f1": 1.0, "precision": 1.0, "recall": 1.0, "accuracy": 1.0}
    assert list(result.each) == [1.0]


@pytest.mark.parametrize("name", WRITTEN)
def test_f1_is_that_of_seqeval_in_the_scheme_itself(name):
    reference = WRITTEN[name]
    output = [*reference[:7], "O", "O"]
    expected = f1_score([reference], [output], mode="strict", scheme=getattr(schemes, name))
    assert scored(TASK, (reference, output)).values["f1"] == pytest.approx(expected)
    assert 0 < expected < 1


def test_tags_without_prefixes_are_runs_of_one_kind():
    bare = "PER PER O LOC".split()
    assert scored(TASK, (bare, bare)).values["f1"] == 1.0
    assert scored(TASK, ("B-PER I-PER O B-LOC".split(), bare)).values["f1"] == 1.0
    wrong = "PER O O LOC".split()
    expected = f1_score([["B-PER", "I-PER", "O", "B-LOC"]], [["B-PER", "O", "O", "B-LOC"]])
    assert scored(TASK, (bare, wrong)).values["f1"] == pytest.approx(expected)


def test_kinds_differ_by_more_than_case():
    assert scored(TASK, (["B-PER", "O"], ["B-per", "O"])).values["f1"] == 1.0


def test_a_tagger_of_other_kinds_has_no_quality_and_the_option_is_named():
    labels = {"O": "O", "B-person": "B-person", "I-person": "I-person"}
    result = scored(TASK, (["B-PER", "O"], ["O", "O"]), labels=labels)
    assert set(result.values.values()) == {None}
    assert "model.labels.person=PER" in result.reason


def test_a_tagger_that_cannot_give_a_kind_of_the_references_has_no_quality_and_the_kind_is_named():
    pairs = (["B-PER", "B-ORG"], ["O", "B-ORG"])
    result = scored(TASK, pairs, labels={tag: tag for tag in ("O", "B-PERSON", "B-ORG", "B-DATE")})
    assert set(result.values.values()) == {None}
    assert result.reason == (
        "the model's labels (PERSON, ORG, DATE) lack the task's PER: map each, as in model.labels.PERSON=PER"
    )
    mapped = {"O": "O", "B-PERSON": "B-PER", "B-ORG": "B-ORG", "B-DATE": "B-DATE"}  # DATE is one too many, and fine
    assert scored(TASK, pairs, labels=mapped).values["recall"] == 0.5


def test_references_without_an_entity_have_no_quality_unless_the_source_declares_some():
    assert scored(TASK, (["O", "O"], ["O", "B-PER"])).reason == "the references hold no entity"
    declared = TokenClassification(replace(SOURCE, labels=("O", "B-PER", "I-PER")))
    assert scored(declared, (["O", "O"], ["O", "B-PER"])).values["f1"] == 0.0


def test_the_scheme_found_on_either_side_is_recorded():
    rule = scored(TASK, (WRITTEN["IOBES"], ["PER"] * 9)).computed_by["f1"]
    assert "references IOBES, predictions no prefixes" in rule
    assert entities.scheme(["O", "B-PER", "M-PER", "E-PER", "S-PER"]) == "BMES"
    assert entities.scheme(["[CLS]", "O", "B-PER", "I-PER"]) == "IOB"
