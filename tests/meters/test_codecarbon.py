"""The real CodeCarbon on this machine's processor, and what would make it lie."""

import threading
import time
from types import SimpleNamespace

import pytest

from joulemark.core.errors import UserError
from joulemark.core.machine import Hardware
from joulemark.hardware import host
from joulemark.meters import codecarbon
from joulemark.meters.codecarbon import CodeCarbon

pytestmark = pytest.mark.weights  # its import alone takes seconds

CPU = Hardware("laptop", "cpu", ("fp32",), cpu_tdp_w=30.0, ram_w=6.0)


@pytest.fixture
def meter(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    made = CodeCarbon()
    yield made
    made.close()


def test_memory_is_constant_watts_times_the_time_and_the_processor_is_between_idle_and_full(meter):
    meter.open(CPU)
    before = time.perf_counter()
    meter.start()
    work = time.perf_counter()
    while time.perf_counter() < work + 1.0:
        pass
    done = time.perf_counter()
    reading = meter.stop()
    after = time.perf_counter()
    assert reading.gpu_j is None
    # each component ends when CodeCarbon comes to it: some stretch that holds the work and lies within start and stop
    assert 6.0 * (done - work) <= reading.ram_j * 1.001
    assert reading.ram_j <= 6.0 * (after - before) * 1.001
    assert reading.method["ram"] == "constant"
    assert reading.method["cpu"] in ("estimated", "rapl")
    if reading.method["cpu"] == "estimated":
        assert 0.1 * 30.0 * (done - work) <= reading.cpu_j * 1.001
        assert reading.cpu_j <= 30.0 * (after - before) * 1.001


def test_nothing_of_it_runs_between_start_and_stop(meter):
    meter.open(CPU)
    before = threading.active_count()
    meter.start()
    assert threading.active_count() == before
    meter.stop()


def test_windows_are_apart_and_the_time_is_ours(meter):
    meter.open(CPU)
    for seconds in (0.3, 0.6):
        before = time.perf_counter()
        meter.start()
        work = time.perf_counter()
        time.sleep(seconds)
        done = time.perf_counter()
        reading = meter.stop()
        assert done - work <= reading.duration_s <= time.perf_counter() - before


def test_it_leaves_no_file(meter, tmp_path):
    meter.open(CPU)
    meter.start()
    meter.stop()
    meter.close()
    assert list(tmp_path.iterdir()) == []


def test_settings_that_nobody_requested_are_refused(meter, tmp_path, monkeypatch):
    (tmp_path / ".codecarbon.config").write_text("[codecarbon]\npue=2\n")
    with pytest.raises(UserError, match=r"\.codecarbon\.config would change what is measured"):
        meter.open(CPU)
    (tmp_path / ".codecarbon.config").unlink()
    monkeypatch.setenv("CODECARBON_PUE", "2")
    with pytest.raises(UserError, match="unset CODECARBON_PUE"):
        meter.open(CPU)


def test_of_two_cards_only_the_chosen_may_be_counted(monkeypatch):
    import codecarbon.external.hardware as theirs

    class GPU:
        def __init__(self, counted):
            self.devices = SimpleNamespace(devices=[SimpleNamespace(gpu_index=n, _uuid=f"GPU-{n}") for n in (0, 1)])
            self._get_gpu_ids = lambda: counted

    monkeypatch.setattr(theirs, "GPU", GPU)
    card = Hardware("cuda", "cuda", ("fp32",), index=1, uuid="GPU-1")

    def chosen(counted):
        return codecarbon._only_cards(SimpleNamespace(_hardware=[GPU(counted)]), card)

    assert [device._uuid for device in chosen([1])] == ["GPU-1"]
    for wrong in ([0], [0, 1], []):
        with pytest.raises(UserError, match="does not see GPU-1 as the one card"):
            chosen(wrong)
    card = Hardware("cuda", "cuda", ("fp32",), index=0, uuid="GPU-0", beside=((1, "GPU-1"),))
    assert [device._uuid for device in chosen([1, 0])] == ["GPU-0", "GPU-1"]
    for wrong in ([0], [1], []):
        with pytest.raises(UserError, match="does not see GPU-0, GPU-1 as the cards to count"):
            chosen(wrong)


@pytest.mark.parametrize("falls_back", [True, False])
def test_a_sum_of_cards_is_a_counters_only_where_every_card_has_one(falls_back):
    cards = [SimpleNamespace(_use_power_fallback=fallback) for fallback in (False, falls_back)]
    method = codecarbon._methods(SimpleNamespace(_hardware=[]), cards, 10.0)
    assert method["gpu"] == ("sampled" if falls_back else "counter")


@pytest.mark.skipif(host.cpu_name() is None, reason="the kernel does not name the processor")
def test_the_processor_that_the_kernel_names_is_the_one_that_codecarbon_finds_by_itself_and_no_process_is_asked(
    monkeypatch,
):
    import cpuinfo
    from codecarbon.core import cpu, util

    def found():
        util.detect_cpu_model.cache_clear()
        processor = cpu.TDP()
        return processor.model, processor.tdp

    by_itself = found()
    monkeypatch.setattr(cpuinfo, "get_cpu_info", lambda: pytest.fail("a process counts cycles"))
    with codecarbon._processor_named(host.cpu_name()):
        assert found() == by_itself
    with pytest.raises(pytest.fail.Exception):
        found()
    monkeypatch.undo()
    assert found() == by_itself
