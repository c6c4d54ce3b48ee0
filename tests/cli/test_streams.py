"""Outputs that nothing takes any more, and a terminal that knows no `·`, stop no command."""

import ast
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from rich.table import Table

from joulemark.cli import progress, streams
from joulemark.core import console
from tests.paths import ROOT

SCRIPT = (
    "import sys\n"
    "from joulemark.cli.streams import make_sturdy\n"
    "make_sturdy()\n"
    "for number in range(20000):\n"
    "    print('line \\u00b7', number)\n"
    "    print('line \\u00b7', number, file=sys.stderr)\n"
    "sys.stdout.flush()\n"
    "open(sys.argv[1], 'w').write('done')\n"
)


@pytest.mark.processes
def test_a_command_whose_reader_goes_away_comes_to_its_end(tmp_path):
    child = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "end")], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    child.stdout.readline()
    child.stdout.close()
    assert child.wait() == 0
    assert (tmp_path / "end").read_text() == "done"


@pytest.mark.processes
def test_a_character_that_the_terminal_does_not_know_is_escaped(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "end")],
        capture_output=True,
        env={"PYTHONIOENCODING": "ascii"},
        check=True,
    )
    assert done.stdout.startswith(b"line \\xb7 0\n")


HOSTILE = "\x1b[2J\x1b]0;owned\x07\u202egnp\r"


def test_a_name_from_a_store_does_nothing_to_the_terminal(capsys):
    table = Table("model")
    table.add_row(HOSTILE)
    console.show(f"! {HOSTILE}", table)
    progress.refuse(f"run {HOSTILE} of http://me:hunter2@host/ is not there")
    out, err = capsys.readouterr()
    for text in (out, err):
        assert text.count("\\x1b") >= 2
        assert not set("\x1b\x07\r\u202e") & set(text)
    assert "hunter2" not in err


def test_standard_output_shows_what_would_act_on_it(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "stdout", (tmp_path / "out").open("w", encoding="utf-8"))
    monkeypatch.setattr(sys, "stderr", sys.stderr)
    streams.make_sturdy()
    print(f"model: {HOSTILE}")
    sys.stdout.close()
    assert (tmp_path / "out").read_text(encoding="utf-8").count("\\x1b") == 2


@pytest.mark.parametrize("path", sorted((ROOT / "src" / "joulemark" / "cli").glob("*.py")), ids=lambda path: path.name)
def test_what_goes_to_standard_error_goes_there_by_one_door(path):
    written = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.keyword)
               and node.arg == "file" and ast.unparse(node.value) == "sys.stderr"]  # fmt: skip
    assert not written or path.name in ("progress.py", "console.py")


@pytest.mark.processes
@pytest.mark.parametrize("how", ["closed", "full disk", "terminal that is gone"])
def test_a_command_whose_outputs_nothing_takes_comes_to_its_end(how, tmp_path):
    end, opened = str(tmp_path / "end"), SCRIPT + "assert open(sys.argv[1]).fileno() > 2\n"
    words, output = [sys.executable, "-c", opened, end], None
    if how == "closed":
        words = ["sh", "-c", 'exec "$@" >&- 2>&-', "sh", *words]
    elif how == "full disk":
        if not Path("/dev/full").exists():
            pytest.skip("this system has no /dev/full")
        output = os.open("/dev/full", os.O_WRONLY)
    else:
        terminal, output = pty.openpty()
        os.close(terminal)
    assert subprocess.run(words, stdout=output, stderr=output).returncode == 0
    assert Path(end).read_text() == "done"
