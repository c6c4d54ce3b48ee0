"""ROUGE in every script; rouge-score itself is the reference on English."""

import unicodedata

import pytest
from rouge_score.rouge_scorer import RougeScorer

from joulemark.data.dataset import Dataset
from joulemark.tasks.metrics import scripts
from joulemark.tasks.metrics.rouge import VARIANTS, Words
from joulemark.tasks.summarization import Summarization
from tests.tasks.scoring import scored

TASK = Summarization(Dataset("x", "x", {}), "{text}", 10, 15)


@pytest.mark.parametrize(
    "text",
    ["Привет мир", "我喜欢吃苹果", "مرحبا بالعالم", "नमस्ते दुनिया", "สวัสดีชาวโลก", "Καλημέρα κόσμε", "the cat sat"],
)
def test_a_text_of_any_script_with_itself_is_one(text):
    assert scored(TASK, (text, text)).values == dict.fromkeys(VARIANTS, 1.0)


def test_other_words_of_a_script_are_zero_and_some_are_a_share():
    assert scored(TASK, ("Привет мир", "добрый день")).values["rouge1"] == 0.0
    assert scored(TASK, ("Привет мир", "привет день")).values["rouge1"] == 0.5
    assert scored(TASK, ("我喜欢吃苹果", "我喜欢吃香蕉")).values["rouge1"] == pytest.approx(4 / 6)


@pytest.mark.parametrize(
    ("reference", "output"),
    [
        ("The quick brown foxes jumped over 2 lazy dogs!", "A quick fox is jumping over two lazy dogs"),
        ("It's a well-known fact: prices rose 3.5% in May.", "prices rose 3.5 % in may, it's known"),
        ("one two three", "nothing alike"),
    ],
)
def test_english_is_scored_as_rouge_score_scores_it(reference, output):
    expected = RougeScorer(VARIANTS, use_stemmer=True).score(reference, output)
    assert scored(TASK, (reference, output)).values == {
        name: pytest.approx(score.fmeasure) for name, score in expected.items()
    }


def test_rouge_lsum_is_that_of_rouge_score_with_a_sentence_a_line():
    reference, output = "The dog barked. The cat slept.", "The cat slept. The dog barked loudly."
    lines = [text.replace(". ", ".\n") for text in (reference, output)]
    expected = RougeScorer(["rougeL", "rougeLsum"], use_stemmer=True).score(*lines)
    values = scored(TASK, (reference, output)).values
    assert values["rougeLsum"] == pytest.approx(expected["rougeLsum"].fmeasure)
    assert values["rougeL"] == pytest.approx(expected["rougeL"].fmeasure)
    assert values["rougeLsum"] > values["rougeL"]  # the order of sentences is not that of words
    assert scored(TASK, ("\n".join(lines[:1]), output)).values["rougeLsum"] == values["rougeLsum"]


def test_the_form_of_a_letter_changes_nothing():
    reference, output = (unicodedata.normalize(form, "Müller trinkt Café") for form in ("NFC", "NFD"))
    assert scored(TASK, (reference, output)).values["rouge1"] == 1.0


def test_marks_stay_with_their_letters_and_characters_without_spaces_are_words():
    assert scripts.words("हिन्दी में 2 बातें") == ["हिन्दी", "में", "2", "बातें"]
    assert scripts.words("AI で書く。") == ["ai", "で", "書", "く"]
    assert Words().tokenize("running Бегущий") == ["run", "бегущий"]


def test_what_computed_rouge_is_recorded():
    assert "rouge-score 0.1" in scored(TASK, ("a", "a")).computed_by["rouge1"]
