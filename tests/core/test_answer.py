"""The few lines of a terminal: never more than eight, in one order, each part's weightiest line among them."""

from itertools import product

from joulemark.core.answer import MOST, Answer


def test_however_much_there_is_to_say_a_terminal_gets_eight_lines_and_of_each_part_the_first():
    for counts in product((0, 1, 2, 3, 8, 20), repeat=3):
        parts = [[f"{name}{place}" for place in range(count)] for name, count in zip("ast", counts, strict=True)]
        lines = Answer(*parts).brief()
        assert len(lines) == min(MOST, sum(counts))
        assert lines == [line for line in Answer(*parts).lines if line in lines]
        assert [part[0] for part in parts if part] == [line for line in lines if line.endswith("0") and len(line) == 2]


def test_a_warning_stands_with_how_sure_it_is_and_is_marked_as_one_among_the_lines_alone():
    answer = Answer(["so many"], ["established"], ["next"], ["mixed"])
    assert answer.lines == answer.brief() == ["so many", "established", "! mixed", "next"]
    assert answer.warnings == ["mixed"]
