"""The table of a sweep says of each setting how much better it is, and how sure that is, in the verdict's words."""

import pytest

from joulemark.core.cell import Cell
from joulemark.sweep import front_table
from joulemark.sweep.recommendation import Recommendation
from joulemark.sweep.trial import Outcome
from joulemark.sweep.trial_state import TrialResult
from tests.sweep.landscape import REFERENCE, wanted

POINT = ("batch_size=8", "precision=fp32")


def measured(point, wh, relative):
    metrics = {"energy/total_wh_per_1k": wh, "energy/ci95_rel": relative, "latency/p95_s": wh, "quality/primary": 0.9}
    return TrialResult(point, "full", Outcome((), 0, "finished", metrics=metrics))


def row(own, reference, cells=None, objectives=("energy",)):
    own, reference = measured(POINT, *own), measured(REFERENCE, *reference)
    chosen = Recommendation((own,), own, ())
    first, second = front_table.rows(chosen, reference, wanted(objectives=objectives), cells or {})
    assert first[-1] == "-"
    return second


@pytest.mark.parametrize(
    ("own", "reference", "better"),
    [
        ((1.0, 0.01), (4.0, 0.01), "4.00×, indicated, not established"),
        ((4.0, 0.01), (1.0, 0.01), "0.250×, indicated, not established"),
        ((1.0, 0.01), (1.01, 0.01), "not established"),
        ((1.0, None), (4.0, 0.01), "not established"),
        ((None, None), (4.0, 0.01), "-"),
    ],
)
def test_one_process_of_each_establishes_nothing(own, reference, better):
    assert row(own, reference)[-1] == better


def test_fresh_processes_establish_a_ratio_with_its_interval_or_a_tie():
    cells = {POINT: Cell((1.0, 1.02, 0.98)), REFERENCE: Cell((4.0, 4.1, 3.9))}
    confirmed = row((0.9, 0.01), (4.2, 0.01), cells)
    assert confirmed[1:3] == ("1", "5.0% of 3 processes")
    assert confirmed[-1].startswith("4.00× (3.")
    luck = {POINT: Cell((1.0, 1.5, 0.8)), REFERENCE: Cell((1.1, 0.9, 1.4))}
    assert row((0.9, 0.01), (4.2, 0.01), luck)[-1] == "tie"
    nothing_counted = {POINT: Cell(()), REFERENCE: Cell(())}
    assert row((1.0, 0.01), (4.0, 0.01), nothing_counted)[-1] == "4.00×, indicated, not established"


def test_latency_is_known_of_one_process_each():
    assert row((1.0, 0.01), (4.0, 0.01), objectives=("p95",))[-1] == "4.00×, not established"
