"""A conversation goes up to the last user's turn; what follows that is its reference."""

import pytest

from joulemark.core.errors import BadRowError
from joulemark.data.conversations import conversation_of, with_system
from joulemark.data.fields import Row


def said(role, content):
    return {"role": role, "content": content}


ASKED = [said("system", "Be brief."), said("user", "one?"), said("assistant", "1"), said("user", "two?")]


def read(value):
    return conversation_of(Row("1", {"messages": value}), "messages")


def test_the_answer_to_the_last_question_is_the_reference_and_not_what_is_read():
    assert read([*ASKED, said("assistant", "2")]) == (ASKED, "2")
    assert read(ASKED) == (ASKED, None)
    assert read([*ASKED, said("assistant", " ")]) == (ASKED, None)


def test_a_text_is_the_only_turn_and_what_else_a_source_tells_of_a_message_is_left():
    assert read("one?") == ([said("user", "one?")], None)
    assert read([{**said("user", "one?"), "toxic": False, "country": "x"}]) == ([said("user", "one?")], None)


@pytest.mark.parametrize(
    "value",
    [[], "  ", 3, None, [said("assistant", "1")], [said("user", " ")], [{"from": "human", "value": "x"}], ["one?"],
     [said("robot", "x")], [{"role": "user", "content": [{"type": "text"}]}]],
)  # fmt: skip
def test_what_is_no_conversation_makes_the_row_unusable(value):
    with pytest.raises(BadRowError, match="messages"):
        read(value)


def test_a_system_prompt_replaces_the_conversations_own_and_none_leaves_it():
    assert with_system(ASKED, None) == ASKED
    assert with_system(ASKED, "Be long.") == [said("system", "Be long."), *ASKED[1:]]
    assert with_system(ASKED[1:], "Be long.") == [said("system", "Be long."), *ASKED[1:]]
