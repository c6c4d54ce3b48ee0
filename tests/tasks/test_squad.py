"""SQuAD's F1 and exact match; torchmetrics' figures of the whole set are the reference, and SQuAD's rule by hand."""

import re
import string
from collections import Counter
from statistics import fmean

import pytest

from joulemark.tasks.question_answering import QuestionAnswering
from tests.tasks.scoring import SOURCE, scored

pytestmark = pytest.mark.weights  # SQuAD's measure imports torch

TASK = QuestionAnswering(SOURCE, "", 1, 10)

# (accepted answers, answer, F1, exact match), by hand: without case, articles, punctuation and spaces beside one
CASES = [
    (["Denver Broncos"], "Denver Broncos", 1.0, 1.0),
    (["Denver Broncos"], "The Denver  Broncos!", 1.0, 1.0),
    (["Denver Broncos"], "Broncos", 2 / 3, 0.0),
    (["Denver Broncos"], "the Carolina Panthers", 0.0, 0.0),
    (["Santa Clara, California", "Levi's Stadium"], "levis stadium", 1.0, 1.0),
    (["gold", "golden anniversary of the game"], "golden anniversary", 2 * (1.0 * 0.5) / 1.5, 0.0),
    (["a b b c"], "b b b", 2 * (2 / 3 * 2 / 3) / (4 / 3), 0.0),
    (["1,000"], "1000", 1.0, 1.0),
    ([""], "", 1.0, 1.0),
    ([""], "something", 0.0, 0.0),
    (["Zürich"], "zurich", 0.0, 0.0),
    (["the"], "a", 1.0, 1.0),
]


def words(text):
    bare = "".join(character for character in text.lower() if character not in string.punctuation)
    return re.sub(r"\b(a|an|the)\b", " ", bare).split()


def by_rule(answers, given):
    """SQuAD's F1 and exact match (Rajpurkar et al. 2016, its evaluation script): the best over the answers."""

    def f1(answer):
        truth, output = words(answer), words(given)
        if not truth or not output:
            return float(truth == output)
        common = sum((Counter(truth) & Counter(output)).values())
        return 2 * common / (len(truth) + len(output))

    return max(map(f1, answers)), max(float(words(answer) == words(given)) for answer in answers)


@pytest.mark.parametrize(("answers", "given", "f1", "exact"), CASES)
def test_each_answer_has_the_f1_and_exact_match_of_squads_rule(answers, given, f1, exact):
    result = scored(TASK, (answers, given))
    assert result.values == {"f1": pytest.approx(f1), "exact_match": exact}
    assert by_rule(answers, given) == (pytest.approx(f1), exact)
    assert list(result.each) == [pytest.approx(f1)]


def test_the_figures_of_a_set_are_those_of_torchmetrics_over_the_whole_set():
    from torchmetrics.functional.text import squad

    predictions = [{"id": str(at), "prediction_text": given} for at, (_, given, _, _) in enumerate(CASES)]
    targets = [
        {"id": str(at), "answers": {"text": answers, "answer_start": [0] * len(answers)}}
        for at, (answers, *_) in enumerate(CASES)
    ]
    expected = squad(predictions, targets)
    values = scored(TASK, *((answers, given) for answers, given, _, _ in CASES)).values
    assert values["f1"] == pytest.approx(float(expected["f1"]) / 100)
    assert values["exact_match"] == pytest.approx(float(expected["exact_match"]) / 100)
    assert values["f1"] == pytest.approx(fmean(f1 for _, _, f1, _ in CASES))
