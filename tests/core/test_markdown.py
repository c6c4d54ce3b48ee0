"""A text from elsewhere ends neither its cell nor its row, and is no markup."""

import pytest

from joulemark.core.markdown import Table, cell, escaped, literal, rows, table


def test_a_cell_can_neither_end_its_row_nor_its_column():
    lines = table(Table("t", ("a", "b"), (("x|y", "1\n2"),), "note"))
    assert lines == ["**t**", "", "| a | b |", "|---|---|", "| x\\|y | 1 2 |", "", "note", ""]


@pytest.mark.parametrize(
    "text", ["<img src=x>", "[a](javascript:1)", "&lt;", "a\n\n# b", "|", "<script>", "\x1b[2J\u202e"]
)
def test_no_text_is_markup(text):
    for shown in (escaped(text), cell(text), literal(text)):
        assert "\n" not in shown
        assert shown.isprintable()
        assert "<" not in shown.replace("\\<", "")
        assert "[" not in shown.replace("\\[", "")
    assert "|" not in cell(text).replace("\\|", "")


def test_columns_of_numbers_are_aligned_to_the_right():
    assert rows(("a", "b"), [], right=["b"])[1] == "|---|---:|"
