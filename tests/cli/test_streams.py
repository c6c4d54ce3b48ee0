"""Outputs that nothing takes any more, and a terminal that knows no `·`, stop no command."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

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
