"""A store that was deleted between two sessions: said, the study's figures stay, and no id of a run that is gone."""

from types import SimpleNamespace

import pytest

from joulemark.core.errors import UserError
from joulemark.store import listing
from joulemark.sweep import recommendation, stored
from joulemark.sweep.recommendation import Recommendation
from joulemark.sweep.trial import Outcome
from joulemark.sweep.trial_state import TrialResult
from tests.sweep.landscape import REFERENCE, wanted

RESULTS = [
    TrialResult((f"batch_size={n}",), "full", Outcome((), 0, "finished", run_id=run_id))
    for n, run_id in enumerate(("a" * 32, "b" * 32, None))
]


def test_runs_that_the_store_does_not_hold_are_gone(tmp_path, monkeypatch):
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    assert stored.gone(uri, RESULTS) == {"a" * 32, "b" * 32}
    (tmp_path / "mlflow.db").touch()
    monkeypatch.setattr(listing, "runs", lambda *asked: [SimpleNamespace(run_id="a" * 32)])
    lost = stored.gone(uri, RESULTS)
    assert lost == {"b" * 32}
    (warning,) = stored.warnings(uri, lost, RESULTS)
    assert warning.startswith(f"1 of 2 results have no run in {uri} any more")
    assert stored.warnings(uri, frozenset(), RESULTS) == []
    assert stored.gone(None, RESULTS) == frozenset()


def test_a_store_that_cannot_be_read_has_lost_nothing(monkeypatch):
    def away(*asked):
        raise UserError("cannot be read")

    monkeypatch.setattr(listing, "runs", away)
    assert stored.gone("http://127.0.0.1:1", RESULTS) == frozenset()


@pytest.mark.parametrize(("lost", "run_id"), [((), "r"), (("r",), None)])
def test_the_last_line_holds_no_id_of_a_run_that_is_gone(lost, run_id):
    metrics = {"energy/total_wh_per_1k": 1.0}
    result = TrialResult(REFERENCE, "full", Outcome((), 0, "finished", run_id="r", metrics=metrics))
    from joulemark.sweep.cost import cost_of

    last = recommendation.last_line(
        Recommendation((result,), result, ()), result, wanted(), cost_of([], {}, None), (), (), lost
    )
    assert [last[name]["run_id"] for name in ("reference", "recommended")] == [run_id, run_id]
    assert last["front"][0]["run_id"] == run_id
