"""A served run as a process under its load, from its named metrics."""

import pytest

from joulemark.analysis.serving.process import process, rate

RATE, IDLE_W, DYNAMIC_J = 3.0, 60.0, 50.0  # requests per second as attained; watts; J a request above idle


def metrics(attained: float = RATE, **changes: float | None) -> dict[str, float | None]:
    """The metrics of a run that attained a rate: idle power all the time, and so much for each request."""
    idle_j = IDLE_W / attained
    values = {
        "energy/total_wh_per_1k": (idle_j + DYNAMIC_J) / 3.6,
        "energy/idle_wh_per_1k": idle_j / 3.6,
        "energy/dynamic_wh_per_1k": DYNAMIC_J / 3.6,
        "throughput/requests_per_s": attained,
        "serving/rate_asked_per_s": 1.01 * attained,
        "serving/rate_attained_per_s": attained,
        "serving/kept_up": 1.0,
    }
    return {**values, **{name.replace("__", "/"): value for name, value in changes.items()}}


def test_power_is_the_energy_of_the_window_over_its_time_where_the_rate_was_attained() -> None:
    found = process("r", metrics(), RATE)
    assert found is not None
    assert found.power_w == pytest.approx(IDLE_W + DYNAMIC_J * RATE)
    assert found.idle_w == pytest.approx(IDLE_W)


@pytest.mark.parametrize("attained", [2.4, 2.9, 3.2])
def test_power_is_that_at_the_rate_asked_whatever_the_end_of_the_traffic_took(attained: float) -> None:
    found = process("r", metrics(attained), RATE)
    assert found is not None
    assert found.power_w == pytest.approx(IDLE_W + DYNAMIC_J * RATE)


def test_an_engine_that_falls_behind_gives_no_more_power_than_it_drew() -> None:
    found = process("r", metrics(2.0, serving__kept_up=0.6), 10.0)
    assert found is not None
    assert found.power_w == pytest.approx(IDLE_W + DYNAMIC_J * 2.0)


def test_idle_power_is_unknown_where_a_component_has_no_baseline() -> None:
    found = process("r", metrics(energy__dynamic_wh_per_1k=1.0), RATE)
    assert found is not None
    assert found.idle_w is None


@pytest.mark.parametrize("name", ["energy/total_wh_per_1k", "throughput/requests_per_s"])
def test_a_run_without_its_energy_or_time_is_no_process(name: str) -> None:
    assert process("r", {**metrics(), name: None}, RATE) is None


def test_the_load_is_what_the_scenario_asked_then_what_the_trace_asked_then_what_was_attained() -> None:
    known = metrics()
    assert rate(known, 5.0) == 5.0
    assert rate(known, None) == pytest.approx(1.01 * RATE)
    assert rate({**known, "serving/rate_asked_per_s": None}, None) == RATE


def test_requests_without_an_answer_are_a_share_of_all_requests() -> None:
    found = process(
        "r", metrics(serving__answered=90.0, serving__errors=4.0, serving__timeouts=5.0, serving__unsent=1.0)
    )
    assert found is not None
    assert found.unanswered == pytest.approx(0.1)
