"""Word error rate of normalized transcripts; jiwer and Whisper's normalizers, called directly, are the reference."""

import unicodedata

import jiwer
import pytest
from whisper_normalizer.basic import BasicTextNormalizer
from whisper_normalizer.english import EnglishTextNormalizer

from joulemark.tasks.metrics.transcripts import normalizer_for
from joulemark.tasks.speech_recognition import SpeechRecognition
from tests.tasks.scoring import SOURCE, scored

TASK = SpeechRecognition(SOURCE, 16000, 0, 10)


def wer(reference, output, task=TASK):
    return scored(task, (reference, output)).values["wer"]


def test_numbers_titles_and_signs_are_one_form_in_english():
    assert wer("TWENTY DOLLARS MISTER SMITH", "$20, Mr. Smith") == 0.0
    assert wer("the colour of it isn't grey", "The color of it is not gray.") == 0.0


def test_marks_are_part_of_a_word():
    assert wer("वह घर गया", "वह घर गयी") == pytest.approx(1 / 3)
    assert wer("كتب الولد الدرس", "كَتَبَ الولد الدرس") == pytest.approx(1 / 3)


@pytest.mark.parametrize("text", ["der Müller trinkt Café", "не́ был"])
def test_the_form_of_a_letter_is_no_error(text):
    assert wer(*(unicodedata.normalize(form, text) for form in ("NFC", "NFD"))) == 0.0


@pytest.mark.parametrize(("curly", "straight"), [("don’t go", "don't go"), ("l’été à Paris", "l'été à Paris")])
def test_a_curly_apostrophe_is_a_straight_one(curly, straight):
    assert wer(curly, straight) == wer(straight, curly) == 0.0


@pytest.mark.parametrize(
    ("reference", "output", "normalize", "name"),
    [
        ("I'll pay twenty five dollars", "I will pay $20", EnglishTextNormalizer(), "english"),
        ("Ich trinke zwölf Cafés!", "ich trinke zwölf kaffee", BasicTextNormalizer(preserve_marks=True), "basic"),
        ("वह घर गया है।", "वह घर गयी", BasicTextNormalizer(preserve_marks=True), "basic"),
        (
            "我喜欢吃苹果",
            "我喜欢苹果",
            BasicTextNormalizer(split_letters=True, preserve_marks=True),
            "characters",
        ),
    ],
)
def test_errors_are_those_of_jiwer_after_the_normalizer_for_the_script(reference, output, normalize, name):
    expected = jiwer.wer(normalize(reference).strip(), normalize(output).strip())
    assert wer(reference, output) == pytest.approx(expected)
    assert expected > 0
    assert normalizer_for([reference]) == name
    rule = scored(TASK, (reference, output)).computed_by["wer"]
    assert rule.startswith("jiwer 4")
    assert rule.endswith(f", {name}")


def test_a_foreign_word_among_hundreds_leaves_english_english():
    assert normalizer_for(["the quick brown fox " * 100, "a naïve one"]) == "english"


def test_the_normalizer_may_be_typed():
    spoken = SpeechRecognition(SOURCE, 16000, 0, 10, normalizer="basic")
    assert wer("twenty dollars", "$20", spoken) == 1.0


def test_a_reference_without_a_word_is_not_scored_and_the_corpus_counts_words():
    result = scored(TASK, ("[noise]", "hello"), ("a b c", "a b x"), ("a", "a"))
    assert list(result.each) == [None, pytest.approx(2 / 3), 1.0]
    assert result.values["wer"] == pytest.approx(1 / 4)
    assert scored(TASK, ("[noise]", "hello")).reason == "the data holds no references"
