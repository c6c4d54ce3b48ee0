"""Any code under the meters: what GPUs still do when it begins or ends is on the right side of the window's edge."""

from types import SimpleNamespace

import pytest

from joulemark.core.machine import Hardware
from joulemark.measure import metering
from joulemark.measure.metering import CodeMeter
from joulemark.telemetry.export import Export
from tests.fakes import FakeClock, FakeMeter, procedure

CARD = Hardware("cuda", "cuda", ("fp32",), uuid="GPU-a")
LATE_S = 2.0  # seconds that the card works on after the call that asked for it has returned


@pytest.fixture
def events(monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))  # of the card's lock
    return []


@pytest.fixture
def meter(events, monkeypatch):
    clock = FakeClock()

    def wait(uuids):
        events.append(f"wait for {', '.join(uuids)}")
        clock.sleep(LATE_S)

    monkeypatch.setattr(metering, "wait_for_gpus", wait)
    sensor = FakeMeter(clock, {"gpu": 100.0}, events=events)
    run = SimpleNamespace(
        hardware=CARD, procedure=procedure(), meters=(sensor,), meters_required=False, export=Export()
    )
    return CodeMeter(run, clock)


def test_the_gpus_are_waited_for_before_the_meters_start_and_before_they_stop(meter, events):
    with meter as window:
        events.append("code")
    assert events == ["wait for GPU-a", "fake start", "code", "wait for GPU-a", "fake stop"]
    assert (window.duration_s, window.joules) == (LATE_S, 100.0 * LATE_S)


def test_a_block_that_raised_is_not_waited_for(meter, events):
    with pytest.raises(ZeroDivisionError), meter:
        1 / 0  # noqa: B018
    assert events == ["wait for GPU-a", "fake start", "fake stop"]


def test_a_server_of_ones_own_shows_the_joules_of_its_blocks_where_it_asks_for_them(meter, monkeypatch):
    from prometheus_client import CollectorRegistry

    from joulemark.telemetry import prometheus

    mine = prometheus.Registered(CollectorRegistry())
    monkeypatch.setattr(prometheus, "registered", lambda: mine)
    labels = {"hw_id": "gpu", "hw_type": "gpu", "joulemark_evidence": "replayed"}
    with meter:
        pass
    assert mine.registry.get_sample_value("hw_energy_joules_total", labels) is None  # off by default
    meter._run.export = Export(prometheus="registry")
    for _ in range(2):
        with meter:
            pass
    assert mine.registry.get_sample_value("hw_energy_joules_total", labels) == 2 * 100.0 * LATE_S


def test_a_collector_that_is_away_is_a_warning_and_the_joules_are_there(meter):
    meter._run.export = Export(prometheus="/no/such/folder/a.prom")
    with pytest.warns(UserWarning, match=r"export\.prometheus"), meter as window:
        pass
    assert window.joules == 100.0 * LATE_S
