"""Processes that tests start import this checkout's code, whatever is installed; files of no test are not imported."""

import ast
import os
import re
import signal

import pytest

from tests.paths import ROOT

os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT / "src"), str(ROOT)])

EXCLUDED = re.compile(r"not (\w+)( and not \w+)*")


def pytest_ignore_collect(collection_path, config):
    """Leaves out a file whose every test `-m 'not … and not …'` leaves out: importing torch or MLflow takes seconds."""
    expression = config.option.markexpr
    if collection_path.suffix != ".py" or not EXCLUDED.fullmatch(expression):
        return None
    return True if marks_of_file(collection_path) & set(re.findall(r"not (\w+)", expression)) else None


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
