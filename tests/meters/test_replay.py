"""Known watts times known seconds."""

import pytest

from joulemark.core.errors import UserError
from joulemark.meters.replay import Replay
from tests.fakes import CPU, FakeClock


def test_joules_are_watts_times_seconds_and_a_component_without_watts_is_none():
    clock = FakeClock()
    meter = Replay(cpu_w=50.0, ram_w=0.0, clock=clock.now)
    meter.open(CPU)
    for seconds in (2.0, 3.0):
        meter.start()
        clock.sleep(seconds)
        reading = meter.stop()
        assert (reading.duration_s, reading.cpu_j, reading.ram_j, reading.gpu_j) == (seconds, 50.0 * seconds, 0.0, None)
        assert reading.method == {"cpu": "replayed", "ram": "replayed"}


@pytest.mark.parametrize("watts", [{}, {"cpu_w": -1.0}, {"gpu_w": float("nan")}])
def test_watts_that_mean_nothing_are_refused(watts):
    with pytest.raises(UserError):
        Replay(**watts).open(CPU)


def test_a_stop_needs_a_start():
    with pytest.raises(RuntimeError):
        Replay(cpu_w=1.0).stop()
