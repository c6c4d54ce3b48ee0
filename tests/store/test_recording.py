"""The recorder's process serves the runs of one measuring process one after the other, and loses the last one never."""

import io
import json
import os
from types import SimpleNamespace

import pytest

from joulemark.store import recording


@pytest.fixture
def served(monkeypatch):
    """Serves lines; returns the spools that were told to the store, in order, and the replies."""

    def serve(*messages):
        told = []
        monkeypatch.setattr(recording.signals, "ignore_stops", lambda: None)
        monkeypatch.setattr(recording.delivery, "Stores", lambda uri: uri)
        monkeypatch.setattr(recording, "_ready", lambda stores, task, folder: {"ready": True, "delivered": 0})
        monkeypatch.setattr(recording, "note", lambda folder, status, error: told.append(f"{status}: {folder.name}"))
        monkeypatch.setattr(recording, "Ending", lambda process, handle: SimpleNamespace(reason=lambda: "killed"))
        monkeypatch.setattr(recording.waiting, "taken", lambda folder: _Own())

        def deliver(stores, folder, send):
            told.append(folder.name)
            send(run_id=folder.name)

        monkeypatch.setattr(recording, "_deliver", deliver)
        hello = {"word": "", "spool": "first", "uri": "u", "task": "t", "process": os.getpid(), "handle": None}
        replies = io.StringIO()
        recording.serve(io.StringIO("".join(f"{json.dumps(each)}\n" for each in (hello, *messages))), replies)
        return told, [json.loads(line) for line in replies.getvalue().splitlines()]

    return serve


class _Own:
    def __enter__(self):
        return True

    def __exit__(self, *ended):
        return None


def word(name, spool, **more):
    return {"word": name, "spool": spool, **more}


def test_each_run_is_told_when_it_is_over_and_nothing_once_more_at_the_end(served):
    told, replies = served(
        word("deliver", "first", more=True), word("begin", "second"), word("deliver", "second", more=True)
    )
    assert told == ["first", "second"]
    assert replies == [{"ready": True, "delivered": 0}, {"run_id": "first"}, {"run_id": "second"}]


def test_the_run_during_which_the_measuring_process_died_is_told_too(served):
    told, _ = served(word("deliver", "first", more=True), word("begin", "second"))
    assert told == ["first", "failed: second", "second"]


def test_the_last_run_may_say_that_it_is_the_last(served):
    told, _ = served(word("deliver", "first", more=True), word("begin", "second"), word("deliver", "second"))
    assert told == ["first", "second"]
