"""A process does without a package that is installed, from before its first import on."""

import importlib
import sys
from importlib.util import find_spec

import pytest

from joulemark.core.absent import do_without, hidden


def test_what_a_process_does_without_is_not_found_in_any_way(monkeypatch):
    monkeypatch.setitem(sys.modules, "this", None)  # what is there now comes back after the test
    monkeypatch.delitem(sys.modules, "this")
    do_without("this")
    with pytest.raises(ImportError):
        importlib.import_module("this")
    assert find_spec("this") is None


def test_what_has_been_imported_cannot_be_done_without():
    with pytest.raises(RuntimeError, match="json"):
        do_without("json")
    assert importlib.import_module("json") is sys.modules["json"]


def test_what_is_hidden_is_found_again_afterwards_and_what_has_been_imported_stays(monkeypatch):
    monkeypatch.setitem(sys.modules, "this", None)
    monkeypatch.delitem(sys.modules, "this")
    with hidden("this", "json"):
        assert find_spec("this") is None
        assert importlib.import_module("json") is sys.modules["json"]
    assert find_spec("this") is not None
    assert "this" not in sys.modules
