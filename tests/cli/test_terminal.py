"""Commands at a real terminal: eight lines and a link; piped, the same command's last line is JSON."""

import fcntl
import json
import os
import pty
import struct
import subprocess
import sys
import termios
from dataclasses import replace

import pytest

from joulemark.core.answer import MOST
from joulemark.store import opening, records
from tests.paths import ROOT
from tests.records import PARAMS, a_record

LINK = 1


def at_a_terminal(*words):
    """The lines that a terminal of 120 columns shows of a command's standard output, and its exit code."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 120, 0, 0))
    command = [sys.executable, "-m", *words]
    process = subprocess.Popen(command, cwd=ROOT, stdin=theirs, stdout=theirs, stderr=subprocess.DEVNULL)
    os.close(theirs)
    shown = b""
    while True:
        try:
            read = os.read(ours, 65536)
        except OSError:  # Linux: the other side was closed
            break
        if not read:
            break
        shown += read
    return shown.decode().splitlines(), process.wait()


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Two finished runs of two models, and one that failed."""
    uri, record = f"sqlite:///{tmp_path_factory.mktemp('store') / 'mlflow.db'}", a_record()
    ids = []
    for name, status in (("one", "finished"), ("two", "finished"), ("three", "failed")):
        kept = replace(record, id=name, model=replace(record.model, name=name), status=status)
        ids.append(records.save(opening.open_store(uri, record.task.name), kept, {**PARAMS})["run_id"])
    return uri, ids


def commands(uri, ids, folder):
    """Every command that reads a store, as it is typed."""
    ours = f"tracking_uri={uri}"
    yield ["src.report", ours, f"out={folder}"]
    yield ["src.compare", ids[0], ids[1], "--tracking-uri", uri]
    yield ["src.rescore", ours, "site.zone=FRA", "dry_run=true"]
    yield ["src.explore", ours, f"out={folder}"]
    yield ["src.export", ids[0], ours, "format=csv", f"out={folder}/x.csv"]
    yield ["src.relocate", ours]


@pytest.mark.processes
def test_every_command_shows_a_terminal_eight_lines_and_a_link_and_a_pipe_json_last(store, tmp_path):
    for words in commands(*store, tmp_path):
        lines, code = at_a_terminal(*words)
        assert code == 0, (words, lines)
        assert 1 <= len(lines) <= MOST + LINK, words
        assert not any(line.startswith(("{", "! ")) for line in lines), words
        piped = subprocess.run([sys.executable, "-m", *words], cwd=ROOT, capture_output=True, text=True)
        assert piped.stdout.splitlines()[0] == lines[0] or words[0] == "src.export", piped.stderr
        assert isinstance(json.loads(piped.stdout.splitlines()[-1]), dict)


@pytest.mark.processes
def test_a_reader_that_goes_away_ends_no_command_with_a_traceback(store, tmp_path):
    read = list(commands(*store, tmp_path))[:2]  # one of Hydra's, one with flags
    help_pages = (["joulemark", "--help"], ["joulemark", "completion", "bash"], ["src.run", "--help-all"])
    for words in (*read, *help_pages, ["src.views"]):
        child = subprocess.Popen(
            [sys.executable, "-m", *words], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "MLFLOW_TRACKING_URI": store[0]},
        )  # fmt: skip
        child.stdout.close()  # as `head -0` does
        said = child.stderr.read()
        assert child.wait() == 0, (words, said)
        assert not any(word in said for word in ("Traceback", "BrokenPipe", "Exception ignored")), (words, said)


@pytest.mark.weights
def test_a_run_shows_a_terminal_eight_lines_and_a_link(tmp_path):
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    lines, code = at_a_terminal("src.run", "protocol=smoke", "protocol.idle_s=0.1", f"tracking_uri={uri}")
    assert code == 0, lines
    assert lines[0].startswith("embedded_classifier on text classification (fp32, batch 1): ")
    assert len(lines) == MOST + LINK
    assert lines[-1].startswith("Open this run: ")
