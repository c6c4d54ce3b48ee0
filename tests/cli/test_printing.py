"""Only the command line prints: what a library call returns is a value."""

import ast

from tests.paths import ROOT

PACKAGE = ROOT / "src" / "joulemark"

# The console itself, and the mains of processes of their own
PRINTING = {"core/console.py", "data/embedded/make.py", "data/embedded/train.py"}


def prints(tree):
    """The lines that call print, or import rich's Console."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", None) == "print":
            yield node.lineno
        if isinstance(node, ast.ImportFrom) and node.module == "rich.console":
            yield node.lineno


def test_only_the_command_line_prints():
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).as_posix()
        if not name.startswith("cli/") and name not in PRINTING:
            assert not list(prints(ast.parse(path.read_text()))), name
