"""Recommended runs in the registry: one for each task, ours alone."""

import pytest

from joulemark.core.errors import UserError
from joulemark.reporting import greenest
from tests.reporting.runs import an_entry, answer


def test_a_task_with_two_recommendations_is_refused_in_one_line():
    with pytest.raises(UserError, match="task text_classification has 2 recommendations"):
        greenest.check([answer([an_entry()]), answer([an_entry(device="Other", compare__key="other")])])
    greenest.check([answer([an_entry()]), answer([an_entry(task="summarization")])])


def test_only_runs_of_our_own_are_registered_each_under_its_task(monkeypatch):
    from joulemark.store import additions

    asked = []
    monkeypatch.setattr(additions, "register", lambda uri, run_id, name: asked.append((run_id, name)) or {"name": name})
    ours, theirs = an_entry(), an_entry(boundary="the GPU alone")
    assert greenest.register("sqlite:///x.db", [answer([ours]), answer([theirs])]) == [{"name": "text_classification"}]
    assert asked == [(ours.run_id, "text_classification")]
