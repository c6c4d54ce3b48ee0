"""Who reads standard output gets what it reads: a terminal eight lines and a link, a pipe everything and JSON last."""

import io
import json

import pytest

from joulemark.cli import output
from joulemark.core.answer import Answer
from joulemark.core.errors import UserError

LONG = Answer([f"answer {n}" for n in range(6)], [f"sure {n}" for n in range(6)], [f"next {n}" for n in range(6)])


class Terminal(io.StringIO):
    def isatty(self):
        return True


def shown(stream, monkeypatch, *arguments):
    """The lines of a command that was typed with these arguments."""
    monkeypatch.setattr("sys.stdout", stream)
    output.taken(arguments)
    output.show(LONG, lambda: print("the table"))
    output.link("Open the page: file")
    output.last({"status": "finished"})
    output.taken([])
    return stream.getvalue().splitlines()


def test_a_terminal_gets_eight_lines_and_a_link(monkeypatch):
    assert shown(Terminal(), monkeypatch) == [
        "answer 0", "answer 1", "answer 2", "answer 3", "sure 0", "sure 1", "next 0", "next 1",
        "Open the page: file  (-v shows everything)",
    ]  # fmt: skip


@pytest.mark.parametrize("flag", ["-v", "--verbose", "verbose=true"])
def test_what_asks_for_everything_gets_the_answer_first_and_then_everything(flag, monkeypatch):
    assert shown(Terminal(), monkeypatch, flag) == [*LONG.lines, "", "the table", "", "Open the page: file"]


@pytest.mark.parametrize("flag", ["--json", "json=true"])
def test_the_json_line_is_the_last_one_on_a_terminal_that_asks_for_it(flag, monkeypatch):
    lines = shown(Terminal(), monkeypatch, flag)
    assert len(lines) == 10
    assert json.loads(lines[-1]) == {"status": "finished"}


def test_a_pipe_gets_everything_and_its_last_line_is_json(monkeypatch):
    lines = shown(io.StringIO(), monkeypatch)
    assert lines[:-1] == [*LONG.lines, "", "the table", "", "Open the page: file"]
    assert json.loads(lines[-1]) == {"status": "finished"}


def test_the_options_of_the_output_are_none_of_what_is_measured():
    assert output.taken(["-v", "batch_size=8", "json=True", "model=gpt2"]) == ["batch_size=8", "model=gpt2"]
    assert output.wanted() == output.Wanted(verbose=True, json=True)
    assert output.taken(["verbose=false"]) == []
    assert output.wanted() == output.Wanted()
    with pytest.raises(UserError, match="verbose=yes: type verbose=true or verbose=false"):
        output.taken(["verbose=yes"])
