"""Where the answer begins in what a model wrote, and how a template is asked for thinking."""

import pytest

from joulemark.core import chat

HARMONY = "<|channel|>analysis<|message|>17 and 25<|end|><|start|>assistant<|channel|>final<|message|>42<|return|>"


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("42", "42"),
        ("<think>\n17 and 25\n</think>\n\n42", "42"),
        ("17 and 25\n</think>\n\n42", "42"),  # the template wrote the beginning
        ("<think>\n\n</think>\n\n42", "42"),
        ("<think>\n17 and", ""),  # the tokens were used up
        (HARMONY, "42"),
        ("<|channel|>analysis<|message|>17 and", ""),
        ("write <think> to begin", "write <think> to begin"),
        ("<think>is it </think>41?</think>42", "42"),
    ],
)
def test_the_answer_is_what_follows_the_reasoning(text, answer):
    assert chat.answer_of(text) == answer
    assert chat.answer_start(text) <= len(text)


def test_thinking_goes_by_every_name_that_templates_have_for_it_and_an_effort_switches_it_on():
    assert chat.thinking_variables(None) == {}
    assert chat.thinking_variables("off") == {"enable_thinking": False, "thinking": False}
    assert chat.thinking_variables("on") == {"enable_thinking": True, "thinking": True}
    assert chat.thinking_variables("low") == {"enable_thinking": True, "thinking": True, "reasoning_effort": "low"}
