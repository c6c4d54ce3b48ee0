"""Power sampled by a process of its own, on a card whose watts are known."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import psutil
import pytest

from joulemark.core.errors import UserError
from joulemark.core.machine import Hardware
from joulemark.meters.trace import Trace
from tests.fakes import CPU
from tests.paths import ROOT

CARD = Hardware("h100", "cuda", ("fp32",), index=1, uuid="GPU-b", gpu_name="NVIDIA H100")


@pytest.fixture
def a_trace(monkeypatch):
    made = []

    def opened(kind, hardware=CARD, hz=20.0):
        monkeypatch.setenv("JOULEMARK_CARD", kind)
        meter = Trace(hz=hz, driver="tests.meters.card")
        made.append(meter)
        meter.open(hardware)
        return meter

    yield opened
    for meter in made:
        meter.close()


def gone(pid, within_s=5.0):
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.02)
    return False


def test_constant_watts_are_watts_times_seconds_in_each_window(a_trace):
    meter = a_trace("constant")
    for seconds in (0.3, 0.6):
        meter.start()
        time.sleep(seconds)
        reading = meter.stop()
        assert reading.gpu_j == pytest.approx(200.0 * reading.duration_s)
        assert reading.duration_s >= seconds
    assert (reading.method, reading.sensor, reading.cpu_j) == ({"gpu": "sampled"}, "instant", None)


def test_two_cards_are_sampled_by_one_process_and_summed(a_trace):
    meter = a_trace("constant", replace(CARD, index=0, uuid="GPU-a", beside=((1, "GPU-b"),)))
    meter.start()
    time.sleep(0.3)
    reading = meter.stop()
    assert {watts for _, watts in reading.trace} == {400.0}
    assert reading.gpu_j == pytest.approx(400.0 * reading.duration_s)
    assert reading.sensor == "instant"


def test_a_ramp_integrates_to_its_mean(a_trace):
    meter = a_trace("ramp")
    meter.start()
    time.sleep(0.5)
    reading = meter.stop()
    first, last = reading.trace[0][1], reading.trace[-1][1]
    assert last - first == pytest.approx(1000.0 * reading.duration_s, rel=0.05)
    assert reading.gpu_j == pytest.approx((first + last) / 2 * reading.duration_s, rel=0.02)


def test_the_samples_lie_within_the_window_hold_the_work_and_come_at_the_rate(a_trace):
    meter = a_trace("constant", hz=20.0)
    before = time.perf_counter()
    meter.start()
    work = time.perf_counter()
    time.sleep(1.0)
    done = time.perf_counter()
    reading = meter.stop()
    after = time.perf_counter()
    seconds = [at for at, _ in reading.trace]
    assert seconds == sorted(seconds)
    assert (seconds[0], seconds[-1]) == (0.0, reading.duration_s)
    assert done - work <= reading.duration_s <= after - before
    assert 12 <= len(seconds) <= 23  # 21 and the last one; a crowded machine may sleep through some, never add any


def test_a_card_without_instant_power_gives_its_average_and_says_so(a_trace):
    meter = a_trace("average")
    meter.start()
    reading = meter.stop()
    assert reading.sensor == "average"
    assert reading.gpu_j == pytest.approx(150.0 * reading.duration_s)


def test_what_cannot_be_sampled_is_refused_in_one_line(a_trace):
    with pytest.raises(UserError, match=r"reports no power.*type meter=codecarbon"):
        a_trace("dark")
    with pytest.raises(UserError, match="does not show GPU-x"):
        a_trace("constant", Hardware("h100", "cuda", ("fp32",), uuid="GPU-x"))
    with pytest.raises(UserError, match="does not show GPU-x"):
        a_trace("constant", replace(CARD, beside=((2, "GPU-x"),)))
    with pytest.raises(UserError, match="hardware=cpu has none"):
        a_trace("constant", CPU)
    with pytest.raises(UserError, match=r"meter\.hz=0"):
        a_trace("constant", hz=0.0)
    with pytest.raises(UserError, match="nvidia-ml-py"):
        Trace(driver="tests.meters.nothing").open(CARD)


def test_a_card_that_is_lost_in_a_window_is_an_error_and_never_half_the_joules(a_trace):
    meter = a_trace("lost")
    meter.start()
    time.sleep(1.0)
    with pytest.raises(RuntimeError, match="GPU is lost"):
        meter.stop()


def test_a_sampler_that_was_killed_is_an_error(a_trace):
    meter = a_trace("constant")
    meter.start()
    os.kill(meter.pid, signal.SIGKILL)
    with pytest.raises(RuntimeError, match="died"):
        meter.stop()


def test_the_sampler_ends_with_close(a_trace):
    meter = a_trace("constant")
    pid = meter.pid
    meter.start()
    meter.close()
    assert gone(pid)
    assert meter.pid is None


@pytest.mark.parametrize("sampling", [True, False])
def test_the_sampler_outlives_ctrl_c_but_not_its_killed_parent(sampling):
    code = (
        "import time; from joulemark.meters.trace import Trace; from tests.meters.test_trace import CARD;"
        "meter = Trace(driver='tests.meters.card'); meter.open(CARD);"
        f"{'meter.start();' if sampling else ''} print(meter.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    pid = int(parent.stdout.readline())
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(pid, number)
    assert not gone(pid, 0.3)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert gone(pid)


def test_a_stop_needs_a_start(a_trace):
    with pytest.raises(RuntimeError, match="stop without start"):
        a_trace("constant").stop()
