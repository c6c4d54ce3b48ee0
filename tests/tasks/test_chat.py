"""Chats as a task: what is asked, how long the answer is to be, and which answers are right by the published rules."""

from dataclasses import replace

import pytest

from joulemark.core.errors import BadRowError, UserError
from joulemark.core.task import NO_REFERENCES, NO_RULE, Bounded
from joulemark.data.batching import Batches
from joulemark.tasks.metrics import answers
from tests.composed import pieced
from tests.tasks.scoring import scored

CHOICES = ["red", "green", "blue", "grey"]


def task(rows, dataset="gsm8k", **changes):
    run = pieced("qwen3", "chat", dataset=dataset)
    held = replace(run.task.dataset, id=None, rows=tuple(rows))
    return replace(run.task, dataset=held, **changes)


def samples(*rows, dataset="gsm8k", seed=0, **changes):
    return task(rows, dataset, **changes).samples(len(rows), seed).samples


SUM = {"question": "17 and 25?", "answer": "17 + 25 = <<17+25=42>>42 apples\n#### 42"}


def test_a_question_is_the_users_only_turn_and_its_reference_the_number_that_a_solution_ends_with():
    (sample,) = samples(SUM)
    assert sample.input == [{"role": "user", "content": "17 and 25?"}]
    assert (sample.target, sample.output_tokens) == ("42", None)
    (sample,) = samples(SUM, system="Be brief.")
    assert sample.input == [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "17 and 25?"}]


@pytest.mark.parametrize("answer", [1, "B", "b"])
def test_choices_are_asked_with_their_letters_and_the_reference_is_one_by_name_or_place(answer):
    (sample,) = samples({"question": "grass, {choices}?", "choices": CHOICES, "answer": answer}, dataset="mmlu")
    (turn,) = sample.input
    assert turn["content"].startswith("grass, {choices}?\n\nA. red\nB. green\nC. blue\nD. grey\n\n")
    assert sample.target == "B"


def test_a_choice_that_is_not_there_and_a_solution_without_a_number_make_the_row_unusable():
    for row, dataset in (
        ({"question": "x", "choices": CHOICES, "answer": "E"}, "mmlu"),
        ({**SUM, "answer": "?"}, "gsm8k"),
    ):
        with pytest.raises(UserError, match="row 1"):
            samples(row, dataset=dataset)


def test_code_is_asked_with_its_arguments():
    row = {"code": "def f(x):\n    return {x: 1}", "input": "[1, 2]", "output": "{1: 2}"}
    (sample,) = samples(row, dataset="cruxeval")
    assert "return {x: 1}\n```" in sample.input[0]["content"]
    assert "What does f([1, 2]) return?" in sample.input[0]["content"]


def test_a_conversation_keeps_its_turns_and_nothing_decides_whether_its_answer_is_right():
    turns = [("user", "a?"), ("assistant", "b"), ("user", "c?"), ("assistant", "d e f.")]
    messages = [{"role": role, "content": content} for role, content in turns]
    (sample,) = samples({"messages": messages}, dataset="ultrachat", lengths="reference")
    assert sample.input == messages[:3]
    assert (sample.target, sample.output_tokens) == ("d e f.", 4)
    scores = task([], "ultrachat").score([sample], [])
    assert (scores.values, scores.reason) == ({"accuracy": None}, NO_RULE)


def test_drawn_lengths_are_the_seeds_and_reach_a_fixed_batch_with_the_input():
    rows = [{**SUM, "question": f"{number}?"} for number in range(50)]
    drawn = samples(*rows, lengths="lognormal")
    lengths = [sample.output_tokens for sample in drawn]
    assert lengths == [sample.output_tokens for sample in samples(*rows, lengths="lognormal")]
    assert lengths != [sample.output_tokens for sample in samples(*rows, lengths="lognormal", seed=1)]
    assert Batches(drawn, range(50), [50])[0] == [Bounded(sample.input, sample.output_tokens) for sample in drawn]


@pytest.mark.parametrize(("least", "most"), [(0, 10), (11, 10)])
def test_a_budget_that_holds_no_answer_is_refused(least, most):
    with pytest.raises(UserError, match=r"task\.min_new_tokens"):
        samples(SUM, min_new_tokens=least, max_new_tokens=most)


def test_random_weights_draw_their_lengths_and_others_end_by_themselves():
    assert pieced("qwen3", "chat").task.lengths is None
    from tests.composed import built

    assert built("model=qwen3", "model.weights=random", "task=chat", "hardware=cpu").task.lengths == "lognormal"


NUMBERS = ["42", "so 41, no: 42.", "#### 42", "$42", "<think>41</think>42 apples", "42.0"]
LETTERS = ["B", "The answer is (B).", "answer: B", "A? No. **B**", "<think>A</think>B"]
VALUES = ["{'a': [1, 2]}", 'So:\n```python\n{"a": [1,2]}\n```', "f(x) == {'a': [1, 2]}"]


@pytest.mark.parametrize(
    ("scoring", "target", "right", "wrong"),
    [
        ("number", "42", NUMBERS, ["41", "", "42 or 43"]),
        ("number", "1234.5", ["It is 1,234.50 in all."], ["1234"]),
        ("number", "-3", ["x = -3"], ["3"]),
        ("choice", "B", LETTERS, ["A", "", "b is it"]),
        ("exact", "Paris", ["paris", "The  Paris!", "<think>Rome</think> Paris"], ["Paris, France", ""]),
        ("literal", "{'a': [1, 2]}", VALUES, ["{'a': [2, 1]}", "it is this", ""]),
        ("literal", "True", ["True"], ["1", "'True'"]),
        ("literal", "'a'", ["'a'", "`'a'`"], ["a"]),
    ],
)
def test_an_answer_is_right_by_the_rule_of_its_dataset(scoring, target, right, wrong):
    asked = task([], scoring=scoring)
    scores = scored(asked, *((target, output) for output in [*right, *wrong]))
    assert scores.each == [1.0] * len(right) + [0.0] * len(wrong)
    assert scores.values == {"accuracy": len(right) / len(scores.each)}
    assert scored(asked, (None, "x")).reason == NO_REFERENCES


def test_code_in_an_answer_is_read_and_never_run(tmp_path):
    path = tmp_path / "made"
    assert answers.literal(f"open({str(path)!r}, 'w')") is None
    assert not path.exists()
    assert answers.literal("(" * 10_000) is None


def test_every_rule_finds_its_own_references_right():
    for scoring, text in (("number", "so #### 7"), ("literal", "[1]"), ("exact", "the end"), ("choice", "C")):
        reference = answers.reference(scoring, text)
        assert answers.RULES[scoring][0](text, reference)
    with pytest.raises(BadRowError):
        answers.reference("literal", "no value")
