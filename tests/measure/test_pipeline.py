"""Batches prepared ahead, on threads and a device whose every step is seen."""

import os
import queue
import random
import signal
import threading
import time
from collections import Counter
from contextlib import closing
from itertools import pairwise

import pytest

from joulemark.core.measurement import Measurement
from joulemark.core.model import Steps
from joulemark.core.task import Prediction
from joulemark.measure.instruments import Clock, Instruments
from joulemark.measure.pipeline import in_turn, overlapped
from joulemark.measure.protocol import measure
from joulemark.measure.warm_up import warm_up
from joulemark.measure.window import Workload, measure_window
from tests.fakes import FakeClock, FakeMeter, procedure

PATIENCE_S = 10.0  # what never comes fails a test, and does not stop the suite


class Device:
    """Works through what it is given in order, in a thread of its own; `read` waits for its own batch alone."""

    def __init__(self, threads=1, seconds=lambda: 0.0, work=lambda batch: None):
        self.events = []
        self.steps = Steps(self.prepare, self.infer, self.read, threads)
        self._seconds, self._work = seconds, work
        self._given = queue.SimpleQueue()
        threading.Thread(target=self._run, daemon=True).start()

    def prepare(self, batch):
        self.events.append(("begun", batch))
        time.sleep(self._seconds())
        return batch

    def infer(self, batch):
        done = threading.Event()
        self.events.append(("given", batch))
        self._given.put((batch, done))
        return batch, done

    def read(self, output):
        batch, done = output
        assert done.wait(PATIENCE_S)
        time.sleep(self._seconds())
        self.events.append(("ended", batch))
        return [Prediction(f"{batch}", units=2)]

    def _run(self):
        while True:
            batch, done = self._given.get()
            self._work(batch)
            done.set()

    def most_under_way(self):
        """The most batches that were begun and not ended at one time."""
        under_way = most = 0
        for event, _ in self.events:
            under_way += {"begun": 1, "ended": -1}.get(event, 0)
            most = max(most, under_way)
        return most


def preparing():
    return [thread for thread in threading.enumerate() if thread.name.startswith("prepare")]


def run(device, batches, prefetch, clock=None):
    with closing(overlapped(device.steps, iter(batches), prefetch, clock or Clock())) as calls:
        return list(calls)


@pytest.mark.parametrize(("prefetch", "threads"), [(1, 1), (1, 4), (2, 1), (2, 3), (5, 2), (40, 4)])
def test_batches_keep_their_order_and_never_more_than_prefetch_of_them_are_ahead(prefetch, threads):
    dice = random.Random(prefetch * threads)
    device = Device(threads, seconds=lambda: dice.random() / 500)
    calls = run(device, range(30), prefetch)
    assert [int(call.result[0].output) for call in calls] == list(range(30))
    for event in ("begun", "given", "ended"):
        assert Counter(batch for kind, batch in device.events if kind == event) == Counter(range(30))
    for event in ("given", "ended"):
        assert [batch for kind, batch in device.events if kind == event] == list(range(30))
    assert device.most_under_way() <= prefetch + 1
    assert not preparing()


def test_the_next_batch_is_prepared_while_the_device_works():
    begun = [threading.Event() for _ in range(5)]

    def work(batch):
        if batch + 1 < len(begun):
            assert begun[batch + 1].wait(PATIENCE_S)

    device = Device(work=work)
    prepare = device.steps.prepare
    device.steps = Steps(lambda batch: (begun[batch].set(), prepare(batch))[1], device.infer, device.read)
    assert len(run(device, range(5), prefetch=1)) == 5


def test_predictions_are_brought_back_while_the_device_works_at_the_next_batch():
    may_end = [threading.Event() for _ in range(4)]
    device = Device(work=lambda batch: may_end[batch].wait(PATIENCE_S))
    may_end[0].set()
    with closing(overlapped(device.steps, iter(range(4)), 1, Clock())) as calls:
        for number, call in enumerate(calls):
            assert call.result[0].output == str(number)
            given = {batch for event, batch in device.events if event == "given"}
            assert number == 3 or number + 1 in given  # it is on the device, and not done
            for event in may_end[: number + 2]:
                event.set()


def test_as_many_threads_prepare_as_the_steps_allow_and_no_more():
    together, most, lock = threading.Barrier(3), [0], threading.Lock()
    inside = [0]

    def prepare(batch):
        with lock:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
        if batch < 3:
            together.wait(PATIENCE_S)
        time.sleep(0.002)
        with lock:
            inside[0] -= 1
        return batch

    steps = Steps(prepare, lambda batch: batch, lambda batch: [], threads=3)
    with closing(overlapped(steps, iter(range(12)), 5, Clock())) as calls:
        assert len(list(calls)) == 12
    assert most == [3]


@pytest.mark.parametrize("step", ["prepare", "infer", "read"])
@pytest.mark.parametrize("broken", [0, 3, 9])
def test_what_breaks_in_a_batch_is_raised_as_it_is_after_the_calls_before_it_and_no_thread_is_left(step, broken):
    device, failure = Device(threads=2), ZeroDivisionError("of this batch")

    def breaking(run):
        def maybe(value):
            if (value[0] if isinstance(value, tuple) else value) == broken:
                raise failure
            return run(value)

        return maybe

    names = {name: getattr(device, name) for name in ("prepare", "infer", "read")}
    steps = Steps(**{**names, step: breaking(names[step])}, threads=2)
    ended = []
    with (
        pytest.raises(ZeroDivisionError) as raised,
        closing(overlapped(steps, iter(range(10)), 3, Clock())) as calls,
    ):
        ended.extend(int(call.result[0].output) for call in calls)
    assert raised.value is failure
    assert ended == list(range(broken))
    assert not preparing()


@pytest.mark.parametrize("threads", [1, 2, 3] * 3)
def test_ctrl_c_ends_it_wherever_it_comes_and_no_thread_is_left(threads):
    def prepare(batch):
        if batch == 2:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.02)
        return batch

    device = Device()
    steps = Steps(prepare, device.infer, device.read, threads)
    with pytest.raises(KeyboardInterrupt), closing(overlapped(steps, iter(range(10**6)), 3, Clock())) as calls:
        for _ in calls:
            pass
    assert not preparing()


def test_an_error_of_whoever_takes_the_calls_ends_the_threads_too():
    workload = Workload(list, [[0], [1], [2]], steps=Device().steps, prefetch=2)
    progress = iter([None, None])
    instruments = Instruments(progress=lambda step, share: next(progress))
    with pytest.raises(StopIteration):
        measure_window(workload, 1.0, instruments)
    assert not preparing()


def test_a_latency_is_from_the_beginning_of_a_batchs_own_preparation_to_its_predictions_on_the_host():
    clock, second_is_prepared = FakeClock(), threading.Event()

    def prepare(batch):
        clock.sleep(1.0)
        if batch == "second":
            second_is_prepared.set()
        return batch

    def infer(batch):
        assert second_is_prepared.wait(PATIENCE_S)
        clock.sleep(2.0)
        return batch

    def read(batch):
        clock.sleep(4.0)
        return []

    with closing(overlapped(Steps(prepare, infer, read), iter(["first", "second"]), 1, clock)) as calls:
        times = [(call.began_s, call.ended_s) for call in calls]
    # two preparations, two inferences, two reads, in that order
    assert times == [(0.0, 10.0), (1.0, 14.0)]


def test_a_window_starts_with_nothing_prepared_is_made_of_whole_passes_and_ends_with_nothing_under_way():
    device, kept = Device(threads=2, seconds=lambda: 0.001), []
    clock = Clock()
    meter = FakeMeter(clock, {"gpu": 100.0}, events=device.events)
    batches = [0, 1, 2]
    workload = Workload(None, batches, batch_sizes=[1, 1, 1], steps=device.steps, prefetch=2)
    plan = procedure(idle_s=0.0, window_s=0.02, min_windows=2, max_windows=2, warmup_batches=2)
    *_, (_, measured) = measure(workload, plan, Instruments([meter], clock), Measurement(), kept=kept)
    assert [prediction.output for prediction in kept] == ["0", "1", "2"]
    assert not preparing()
    under_way = 0
    for event, *_ in (event if isinstance(event, tuple) else (event,) for event in device.events):
        under_way += {"begun": 1, "ended": -1}.get(event, 0)
        assert not event.startswith("fake") or under_way == 0
    for window in measured.windows:
        assert window.duration_s >= 0.02
        assert len(window.batch_s) == window.passes * 3 == window.requests
        assert window.units == 2 * window.requests
    ended = [batch for event, *rest in device.events if event == "ended" for batch in rest]
    calls = sum(len(window.batch_s) for window in measured.windows) + len(measured.warmup_batch_s)
    assert len(ended) == calls
    windows = ended[len(measured.warmup_batch_s) :]
    assert all(after == (before + 1) % 3 for before, after in pairwise(windows))


def test_the_warm_up_takes_the_same_way_as_the_windows():
    device = Device()
    workload = Workload(None, [0, 1, 2, 3], batch_sizes=[1] * 4, steps=device.steps, prefetch=2)
    latencies, _ = warm_up(workload, procedure(converge_rel=1e9), Instruments())
    assert Counter(event for event, _ in device.events) == dict.fromkeys(("begun", "given", "ended"), len(latencies))
    assert {batch for _, batch in device.events} == {0, 1, 2, 3}


def test_without_prefetch_each_call_is_over_before_the_next_and_no_thread_is_made():
    seen, clock = [], FakeClock()

    def call(batch):
        assert not preparing()
        clock.sleep(1.0)
        seen.append(batch)
        return []

    steps = Device().steps
    workload = Workload(call, [[0], [1]], steps=steps, prefetch=0)
    window = measure_window(workload, 3.0, Instruments(clock=clock))
    assert (seen, list(window.batch_s), window.duration_s) == ([[0], [1]] * 2, [1.0] * 4, 4.0)
    assert [call.ended_s for call in in_turn(lambda batch: clock.sleep(batch), iter([1.0, 2.0]), clock)] == [5.0, 7.0]
