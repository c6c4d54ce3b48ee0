"""Composed values become what they were meant to be, or one line that says what to type."""

from dataclasses import dataclass

import pytest

from joulemark.core.coerce import flag, typed
from joulemark.core.errors import UserError


@dataclass(frozen=True)
class Options:
    tasks: tuple[str, ...] = ()
    precisions: tuple[str, ...] | None = None
    share: float = 0.0
    name: str = ""


def test_one_value_of_a_key_that_takes_several_is_one_of_them():
    made = typed(Options, {"tasks": "chat", "precisions": "bf16", "name": "x"}, "")
    assert made == Options(("chat",), ("bf16",), 0.0, "x")
    assert typed(Options, {"tasks": ["a", "b"], "precisions": None}, "").tasks == ("a", "b")


@pytest.mark.parametrize(
    ("values", "where", "says"),
    [
        ({"share": "80%"}, "constraints", "constraints.share=80%: a share is typed as a number, 0.8"),
        ({"share": "many"}, "", "share=many is not a number"),
        ({"tasks": [12345678]}, "", "tasks: 12345678 is a number to YAML, so quote it: 'tasks=[\"…\"]'"),
    ],
)
def test_a_mistake_names_its_key_as_it_is_typed(values, where, says):
    with pytest.raises(UserError) as refused:
        typed(Options, values, where)
    assert str(refused.value) == says


def test_what_is_neither_true_nor_false_is_refused():
    assert flag("dry_run", True)
    with pytest.raises(UserError, match="dry_run=no is not true or false"):
        flag("dry_run", "no")
