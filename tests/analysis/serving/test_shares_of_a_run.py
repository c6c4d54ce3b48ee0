"""A run from its traffic to its rows: what the requests have of the energy, and what nobody has, is the window's."""

from math import fsum

import pytest

from joulemark.analysis import named_metrics
from joulemark.core.serving import Schedule
from tests.measure.test_serving import served


def test_the_rows_of_a_run_hold_its_energy_but_for_the_moments_without_any_request():
    record = served(Schedule(2, at_s=[0.0, 10.0]))  # 50 W for 12 s; each under way for 2 s, 8 s in between
    given = record.measurement.traffic.attribution
    assert given.refused is None
    assert [request.energy_j for request in record.requests] == pytest.approx([100.0, 100.0])
    assert given.unattributed_j == pytest.approx(400.0)
    assert fsum(request.energy_j for request in record.requests) + given.unattributed_j == pytest.approx(600.0)
    # idle power is all of it, and half of the time is prefill
    assert [request.prefill_j for request in record.requests] == pytest.approx([50.0, 50.0])
    metrics = named_metrics.metrics(record)
    assert metrics["energy/j_per_output_token"] == pytest.approx(100.0)
    assert metrics["energy/j_per_request"] == pytest.approx(300.0)
    assert metrics["serving/idle_share"] == pytest.approx(1.0)
    assert metrics["serving/busy_share"] == pytest.approx(4 / 12)
    assert metrics["latency/ttft_s"] == metrics["serving/ttft_p50_s"] == pytest.approx(1.0)
    assert "not_converged" not in record.flags


def test_requests_that_wait_in_the_engine_share_its_idle_power():
    record = served(Schedule(2, at_s=[0.0, 0.0]))  # one place: the second waits for 2 s
    first, second = (request.energy_j for request in record.requests)
    assert (first, second) == pytest.approx((50.0, 150.0))
    assert record.measurement.traffic.attribution.unattributed_j == pytest.approx(0.0)
