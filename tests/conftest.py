"""Processes that tests start import this checkout's code, whatever is installed; files of no test are not imported.

The files that take longest come first, so that no worker is left alone with one at the end (with xdist's
--no-loadscope-reorder, which else begins with the files of most tests).
"""

import ast
import os
import re
import signal

import pytest

from joulemark.core import garbage
from tests.paths import ROOT

garbage.none_at_exit()  # of a worker that has imported torch and MLflow, a second

os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT / "src"), str(ROOT)])

COSTLY = {"weights", "processes", "servers", "browser"}

EXCLUDED = re.compile(r"not (\w+)( and not \w+)*")


def pytest_ignore_collect(collection_path, config):
    """Leaves out a file whose every test `-m 'not … and not …'` leaves out: importing torch or MLflow takes seconds."""
    expression = config.option.markexpr
    if collection_path.suffix != ".py" or not EXCLUDED.fullmatch(expression):
        return None
    return True if marks_of_file(collection_path) & set(re.findall(r"not (\w+)", expression)) else None


def pytest_collection_modifyitems(items):
    """Files with a limit of their own first, then those that start processes, servers or load weights; else as read."""
    ranks = {}
    for item in items:
        marks = {mark.name for mark in item.iter_markers()}
        rank = 0 if "timeout" in marks else 1 if marks & COSTLY else 2
        ranks[item.path] = min(rank, ranks.get(item.path, rank))
    items.sort(key=lambda item: ranks[item.path])


def marks_of_file(path):
    """The names of the marks in a file's `pytestmark`, which every test of it has; the file is not imported."""
    return {
        node.attr
        for statement in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(statement, ast.Assign) and [ast.unparse(target) for target in statement.targets] == ["pytestmark"]
        for node in ast.walk(statement.value)
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "pytest.mark"
    }


@pytest.fixture(autouse=True)
def _handlers_of_signals_stay():
    """What a command installs in this process is gone with its test: the next one has pytest's own Ctrl-C."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        if signal.getsignal(number) is not handler:
            signal.signal(number, handler)
