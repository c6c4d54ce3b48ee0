"""MLPerf's LoadGen and this program's load generator, in turn, on one made-up engine: do they say the same?

    pip install mlcommons-loadgen; python -m benchmarks.loadgen

The engine has one place and takes a known time, so both see a queue whose mean waiting is known too (M/D/1).
"""

import argparse
import re
import tempfile
import threading
import time
from contextlib import chdir
from pathlib import Path
from queue import SimpleQueue
from statistics import fmean, quantiles

from joulemark.core.serving import Call, Event
from joulemark.core.task import Prediction
from joulemark.measure.instruments import Clock
from joulemark.measure.traffic import Answers, TrafficPlan, drive
from joulemark.scenarios.poisson import Poisson


class Place:
    """One place that answers each request in `seconds`, in a thread of its own."""

    def __init__(self, seconds: float, done) -> None:
        self._seconds, self._done = seconds, done
        self._waiting: SimpleQueue = SimpleQueue()
        threading.Thread(target=self._work, daemon=True).start()

    def ask(self, request) -> None:
        self._waiting.put(request)

    def _work(self) -> None:
        while True:
            request = self._waiting.get()
            time.sleep(self._seconds)
            self._done(request)


class Server:
    """The place as an engine that is up."""

    def __init__(self, seconds: float, clock: Clock) -> None:
        self._events: SimpleQueue = SimpleQueue()
        self._clock = clock
        self._place = Place(seconds, self._answer)

    def _answer(self, number: int) -> None:
        self._events.put(Event(number, "finished", self._clock.now(), prediction=Prediction("", 1)))

    def send(self, call: Call) -> None:
        self._place.ask(call.number)

    def events(self, until_s: float) -> list[Event]:
        try:
            return [self._events.get(timeout=max(0.0, until_s - self._clock.now()))]
        except Exception:
            return []

    def cancel(self, number: int) -> None:
        pass


def ours(rate: float, seconds: float, requests: int) -> tuple[float, float, float]:
    """Mean and p99 latency in ms, processor ms of the load generator for each request."""
    clock = Clock()
    answers = Answers(gap_s=lambda gap_s: None)
    plan = TrafficPlan(Poisson(rate=rate).schedule(requests, 0), lambda n: Call(n, ""), 600.0, 3600.0, requests)
    cpu = time.thread_time()
    drive(Server(seconds, clock), plan, answers, clock)
    cpu = time.thread_time() - cpu
    latencies = [timing.latency_s * 1e3 for timing in answers.timings]
    return fmean(latencies), quantiles(latencies, n=100)[98], cpu * 1e3 / requests


def loadgen(rate: float, seconds: float, requests: int) -> tuple[float, float]:
    """Mean and p99 latency in ms, as LoadGen's own summary says."""
    import mlperf_loadgen as lg

    place = Place(seconds, lambda sample: lg.QuerySamplesComplete([lg.QuerySampleResponse(sample.id, 0, 0)]))
    settings = lg.TestSettings()
    settings.scenario, settings.mode = lg.TestScenario.Server, lg.TestMode.PerformanceOnly
    settings.server_target_qps, settings.server_target_latency_ns = rate, int(1e12)
    settings.min_query_count, settings.min_duration_ms = requests, 0
    sut = lg.ConstructSUT(lambda samples: [place.ask(sample) for sample in samples], lambda: None)
    qsl = lg.ConstructQSL(1000, 1000, lambda samples: None, lambda samples: None)
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        lg.StartTest(sut, qsl, settings)
        summary = Path("mlperf_log_summary.txt").read_text()
    lg.DestroyQSL(qsl)
    lg.DestroySUT(sut)
    mean = re.search(r"Mean latency \(ns\)\s*:\s*(\d+)", summary)
    p99 = re.search(r"99.00 percentile latency \(ns\)\s*:\s*(\d+)", summary)
    return int(mean[1]) / 1e6, int(p99[1]) / 1e6


def main() -> None:
    """Prints a line for each rate, the two in turn."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=0.02, help="of one answer")
    parser.add_argument("--requests", type=int, default=1000)
    options = parser.parse_args()
    for load in (0.2, 0.5, 0.8):
        rate = load / options.seconds
        known_ms = (options.seconds + load * options.seconds / (2 * (1 - load))) * 1e3
        mine, theirs = ours(rate, options.seconds, options.requests), loadgen(rate, options.seconds, options.requests)
        print(
            f"{rate:5.1f}/s  known mean {known_ms:6.1f} ms  "
            f"here: mean {mine[0]:6.1f} p99 {mine[1]:6.1f} ms, {mine[2]:.3f} ms of processor a request  "
            f"LoadGen: mean {theirs[0]:6.1f} p99 {theirs[1]:6.1f} ms",
            flush=True,
        )


if __name__ == "__main__":
    main()
