"""The highest passing rate is found within the resolution, by a logarithm of runs, against a queue that is known."""

import json
from dataclasses import dataclass, field
from math import ceil, log2
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from joulemark.cli import rate_sweep
from joulemark.core.errors import UserError
from joulemark.core.serving import Limits
from joulemark.sweep.rates import text
from joulemark.sweep.rates.grid import Grid, bracket, next_place
from joulemark.sweep.rates.request import RateRequest
from joulemark.sweep.rates.search import RateSearch
from joulemark.sweep.trial import Outcome

LIMITS = Limits(ttft_s=0.5, tpot_s=0.03)


@settings(deadline=None)
@given(
    st.floats(0.02, 900.0),
    st.floats(0.05, 100.0),
    st.sampled_from([0.01, 0.05, 0.1, 0.25, 1.0]),
)
def test_the_answer_is_within_the_resolution_after_a_logarithm_of_rates(answer, start, resolution):
    grid, known = Grid(start, resolution, 0.01, 1000.0), {}
    while (place := next_place(known, grid)) is not None:
        assert place not in known  # no rate is measured twice
        assert 0.009 <= grid.rate(place) <= 1001
        known[place] = grid.rate(place) <= answer
    passing, failing = bracket(known)
    most = ceil(abs(log2(answer / start))) + 3 + ceil(log2(grid.doubling) if grid.doubling > 1 else 0)
    assert len(known) <= most
    if passing is None:
        assert grid.rate(grid.ends[0]) > answer
    elif failing is None:
        assert grid.rate(grid.ends[1]) <= answer
    else:
        assert grid.rate(passing) <= answer < grid.rate(failing)
        assert grid.rate(failing) / grid.rate(passing) <= (1 + resolution) * 1.001  # rates are typed in five digits


def test_a_rate_that_passes_above_one_that_fails_is_not_the_answer():
    assert bracket({0: True, 4: False, 8: True}) == (0, 4)


@dataclass
class Queue:
    """An engine whose times keep the limits up to a capacity; keeps each request's overrides."""

    capacity: float
    requests: list[tuple[str, ...]] = field(default_factory=list)
    stop_after: int | None = None
    fails_above: float = 1e9
    ttft: bool = True

    def __call__(self, overrides, limit_s):
        given = dict(override.split("=", 1) for override in overrides)
        rate = float(given["scenario.rate"])
        if self.stop_after is not None and len(self.requests) >= self.stop_after:
            return Outcome(tuple(overrides), 130, "interrupted", "interrupted by SIGINT", stopped_by="SIGINT")
        self.requests.append(tuple(overrides))
        if rate > self.fails_above:
            return Outcome(tuple(overrides), 1, "failed", "the engine died")
        times = 0.1 if rate <= self.capacity else 5.0
        watts, idle = 100 + 20 * min(rate, self.capacity), 60.0
        metrics = {
            "energy/total_wh_per_1k": watts / rate / 3.6,
            "energy/idle_wh_per_1k": idle / rate / 3.6,
            "energy/dynamic_wh_per_1k": (watts - idle) / rate / 3.6,
            "energy/j_per_output_token": watts / rate / 100,
            "throughput/requests_per_s": rate,
            "serving/rate_attained_per_s": rate,
            "serving/ttft_p99_s": times if self.ttft else None,
            "serving/tpot_p99_s": 0.01,
            "serving/latency_p99_s": 1.0,
        }
        return Outcome(
            tuple(overrides), 0, "finished", run_id=f"run{len(self.requests)}", metrics=metrics, seconds=60.0
        )


def a_request(folder, repeats=1, grid=None):
    run = SimpleNamespace(hardware=None, tracking_uri="", task=SimpleNamespace(name="text_generation"), label="m",
                          names={"scenario": "server", "engine": "continuous"})  # fmt: skip
    return RateRequest(
        "serving-test-1", "serving-test-", grid or Grid(1.0, 0.1, 0.01, 1000.0), LIMITS, repeats,
        ("model=m", "scenario=server"), run, None, folder, "refuse", {},
    )  # fmt: skip


@pytest.fixture(autouse=True)
def device(monkeypatch):
    monkeypatch.setattr("joulemark.sweep.rates.search.device", lambda hardware: "Card")


def searched(queue, request):
    return RateSearch(request, queue, lambda sentence: None, poll_s=0.0).run()


@pytest.mark.parametrize("capacity", [0.05, 0.7, 1.0, 3.3, 40.0])
def test_a_search_finds_the_capacity_of_a_queue_in_fresh_processes(tmp_path, capacity):
    queue = Queue(capacity)
    result = searched(queue, a_request(tmp_path))
    highest, above = result.highest, result.next
    assert highest is not None
    assert above is not None
    assert highest.rate_per_s <= capacity < above.rate_per_s <= highest.rate_per_s * 1.1 * 1.001
    assert len(queue.requests) <= ceil(abs(log2(capacity))) + 3 + 3  # eight steps double a rate
    assert len(set(queue.requests)) == len(queue.requests)


def test_each_rate_is_judged_by_as_many_processes_as_were_asked_for(tmp_path):
    queue = Queue(3.3)
    once, thrice = (searched(queue, a_request(tmp_path, repeats)) for repeats in (1, 3))
    assert not once.highest.established
    assert thrice.highest.established
    assert all(len(rate.results) == 3 for rate in thrice.rates)
    assert len(queue.requests) == 3 * len(thrice.rates)  # the first process of each was known already


def test_a_stopped_search_shows_what_it_has_and_the_same_line_goes_on(tmp_path):
    whole = Queue(3.3)
    searched(whole, a_request(tmp_path / "whole"))
    stopped = searched(first := Queue(3.3, stop_after=3), a_request(tmp_path))
    assert stopped.stopped_by == "SIGINT"
    assert len(text.rows(stopped)) == 3
    assert "so far" in " ".join(text.answer(stopped).lines)
    result = searched(rest := Queue(3.3), a_request(tmp_path))
    assert result.stopped_by is None
    assert [*first.requests, *rest.requests] == whole.requests


def test_an_engine_that_dies_at_a_rate_does_not_pass_it(tmp_path):
    result = searched(Queue(100.0, fails_above=6.0), a_request(tmp_path, repeats=3))
    assert 5.4 < result.highest.rate_per_s <= 6.0
    assert any("engine died" in line for line in text.answer(result).lines)


def test_a_first_run_that_fails_is_one_line(tmp_path):
    with pytest.raises(UserError, match="did not finish: the engine died"):
        searched(Queue(1.0, fails_above=0.0), a_request(tmp_path))


def test_a_limit_on_what_the_engine_does_not_tell_is_one_line(tmp_path):
    with pytest.raises(UserError, match=r"scenario\.limits\.ttft_s=null"):
        searched(Queue(1.0, ttft=False), a_request(tmp_path))


def test_the_bounds_end_a_search_that_always_passes_and_one_that_never_does(tmp_path):
    grid = Grid(1.0, 0.5, 0.25, 4.0)
    always, never = (
        searched(Queue(1e9), a_request(tmp_path / "a", grid=grid)),
        searched(Queue(0.0), a_request(tmp_path / "b", grid=grid)),
    )
    assert (always.highest.rate_per_s, always.next) == (4.0, None)
    assert (never.highest, never.next.rate_per_s) == (None, 0.25)


def test_the_table_and_the_last_line_say_the_same(tmp_path, capsys, monkeypatch):
    saved = []
    monkeypatch.setattr("joulemark.store.sweeps.save_sweep", lambda *given: saved.append(given) or "mlflow-run")
    code = rate_sweep.run(a_request(tmp_path), Queue(3.3), lambda sentence: None)
    out = capsys.readouterr().out
    last = json.loads(out.splitlines()[-1])
    assert code == 0
    assert last["run_id"] == "mlflow-run"
    assert last["highest_rate_per_s"] <= 3.3 < last["next_rate_per_s"]
    assert f"{last['highest_rate_per_s']:g}" in out
    assert "TTFT p99" in out
    (_, _, status, _, sweep) = saved[0]
    assert status == "finished"
    assert sweep.metrics["sweep/highest_rate_per_s"] == last["highest_rate_per_s"]
