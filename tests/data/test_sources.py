"""A stream of the Hub is over once enough of its rows are read: its library's threads must not outlive it."""

import gc
import sys
import weakref
from types import SimpleNamespace

import pytest

from joulemark.data import sources


class Reader:
    """Reads on in threads of its own until it is dropped; holds itself, as what raised an error does."""

    def __init__(self):
        self.itself = self


@pytest.fixture
def readers(monkeypatch):
    """The readers of the streams that are opened, as long as they live."""
    alive = weakref.WeakSet()

    class Stream:
        features = None

        def __iter__(self):
            reader = Reader()
            alive.add(reader)
            yield from ({"text": str(number)} for number in range(1000))

    library = SimpleNamespace(
        disable_progress_bars=lambda: None, load_dataset=lambda *args, **kwargs: Stream(), Image=Reader, Audio=Reader
    )
    monkeypatch.setitem(sys.modules, "datasets", library)
    monkeypatch.setattr(sources.hub, "described", lambda *args: {})
    return alive


def test_a_stream_that_is_half_read_leaves_no_reader_also_while_nothing_is_collected(readers):
    gc.disable()
    try:
        rows = sources.of_hub("x", "x/x", None, "test", None, None)
        assert next(rows) == ("row 0", {"text": "0"})
        assert len(readers) == 1
        del rows
        assert not readers
    finally:
        gc.enable()
