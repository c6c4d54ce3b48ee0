"""Recommended runs in the registry: one for each task, ours alone."""

import pytest

from joulemark.core.errors import UserError
from joulemark.reporting import greenest
from tests.reporting.runs import an_entry, recommend


def test_a_task_with_two_recommendations_is_refused_in_one_line():
    with pytest.raises(UserError, match="task text_classification has 2 recommendations"):
        greenest.check([recommend([an_entry()]), recommend([an_entry(device="Other", compare__key="other")])])
    greenest.check([recommend([an_entry()]), recommend([an_entry(task="summarization")])])


def test_only_runs_of_our_own_are_registered_each_under_its_task(monkeypatch):
    from joulemark.store import additions

    registered = []
    monkeypatch.setattr(
        additions, "register", lambda uri, run_id, name: registered.append((run_id, name)) or {"name": name}
    )
    ours, theirs = an_entry(), an_entry(boundary="the GPU alone")
    assert greenest.register("sqlite:///x.db", [recommend([ours]), recommend([theirs])]) == [
        {"name": "text_classification"}
    ]
    assert registered == [(ours.run_id, "text_classification")]
