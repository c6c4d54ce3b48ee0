"""A run of served traffic: an engine comes up, and requests come to it as the scenario says.

start ── idle ── warm-up ── window: the whole traffic, waiting included ── scoring       (each but the last metered)
         up, nothing asked

The window is one: what repeats is the run, in a process of its own. A run that is stopped within it (Ctrl-C) keeps the
requests that were answered and the readings until then.
"""

import resource
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from joulemark.analysis.serving.attribution import Shares
from joulemark.analysis.serving.attribution import shares as shares_of
from joulemark.analysis.serving.columns import Columns, columns
from joulemark.analysis.serving.gaps import Gaps
from joulemark.analysis.serving.power import powers
from joulemark.analysis.serving.steady import steady_window
from joulemark.analysis.serving.traffic import peak_concurrency
from joulemark.analysis.serving.traffic import summary as traffic_of
from joulemark.config.run import Run
from joulemark.core.errors import UserError
from joulemark.core.measurement import Measurement, Window
from joulemark.core.record import Record
from joulemark.core.serving import Call, Lengths, Schedule, Server
from joulemark.core.signals import Interrupted
from joulemark.core.task import Sample
from joulemark.core.traffic import Timing, Traffic
from joulemark.hardware.gpu_state import GpuMonitor
from joulemark.measure.instruments import Instruments
from joulemark.measure.loading import loaded_facts
from joulemark.measure.predictions import kept_predictions
from joulemark.measure.protocol import baseline, metered_if_possible, with_state
from joulemark.measure.scoring import flagged, scored, unscored
from joulemark.measure.served_requests import Answered, rows
from joulemark.measure.thinning import Thinner
from joulemark.measure.traffic import Answers, Now, TrafficPlan, drive
from joulemark.measure.window import watched

WARM_UP_USERS = 8  # at once, where the scenario has no users of its own


@dataclass(frozen=True)
class Asked:
    """What comes to the engine.

    Attributes:
        run: the run
        schedule: when requests come
        samples: the inputs, in order
    """

    run: Run
    schedule: Schedule
    samples: Sequence[Sample]

    def call(self, number: int) -> Call:
        """The call of a request, by its number; answers of random weights, which end by chance, have a length."""
        sample, task = self.samples[number % len(self.samples)], self.run.task
        lengths = self.schedule.lengths[number] if self.schedule.lengths else Lengths()
        tokens = lengths.output_tokens or sample.output_tokens
        most = getattr(task, "max_new_tokens", None)
        if tokens is None and most is not None and self.run.model.checkpoint.weights == "random":
            tokens = most
        least = tokens if tokens is not None else getattr(task, "min_new_tokens", None)
        return Call(number, sample.input, least, tokens if tokens is not None else most, lengths.input_tokens)

    def plan(self, first: int) -> TrafficPlan:
        """All of it, the first call by that number."""
        scenario = self.run.scenario
        return TrafficPlan(
            schedule=self.schedule,
            call=self.call,
            timeout_s=scenario.timeout_s,
            max_duration_s=scenario.max_duration_s,
            samples=len(self.samples),
            first=first,
        )

    def check(self) -> None:
        """UserError where lengths are asked for and the engine cannot give an answer a length of its own."""
        told = self.schedule.lengths or any(sample.output_tokens for sample in self.samples)
        if told and not self.run.engine.needs.lengths:
            raise UserError(
                f"engine={self.run.engine.name} gives every answer the task's length, and here each has its own; "
                "type engine=continuous, or another engine that serves"
            )


def steps(
    asked: Asked,
    record: Record,
    device: str,
    instruments: Instruments,
    gpu: GpuMonitor,
    files: Callable[[], Path] | None,
) -> Iterator[tuple[str, Record]]:
    """Each step that ended, and the record as it would be if all stopped here.

    Raises:
        UserError: the engine cannot be had; then nothing was measured
        RuntimeError: the engine has died, or answered nothing
        Interrupted, KeyboardInterrupt: the run was stopped; what was answered until then is in the last step
    """
    run, clock = asked.run, instruments.clock
    asked.check()
    if run.hardware.machine is not None:  # what this machine's processors do is no figure of the other's
        instruments = replace(instruments, busy_s=lambda: 0.0, own_busy_s=lambda servers: None)
    state = gpu.read()
    server, readings = instruments.metered(lambda: run.engine.start(run.model, run.task, device, run.settings, clock))
    try:
        gpu.model_loaded(server.processes)
        instruments = replace(instruments, servers=tuple(server.processes))
        states = () if state is None else (state,)
        measured = Measurement(load=readings, gpu_states=states, clock_zero_s=clock.zero())
        engine = replace(record.engine, version=server.facts.get("version"))
        record = _with_facts(replace(record, measurement=measured, engine=engine), server)
        yield "load", record
        yield from _measured(asked, server, record, instruments, files)
    finally:
        server.close()


def _measured(
    asked: Asked, server: Server, record: Record, instruments: Instruments, files: Callable[[], Path] | None
) -> Iterator[tuple[str, Record]]:
    run, procedure = asked.run, asked.run.procedure
    run.task.score((), ())  # the metric's library is imported now, not between the last answer and the exit
    instruments.progress("idle", 0.0)
    measured = with_state(record.measurement, instruments.read_gpu_state())
    if procedure.idle_s:
        measured = replace(measured, idle=baseline(procedure, instruments))
    yield "idle", (record := flagged(record, measured))

    sent, readings = metered_if_possible(instruments, lambda: _warm_up(asked, server, instruments))
    measured = with_state(replace(measured, warmup=readings), instruments.read_gpu_state())
    yield "warm-up", (record := flagged(record, measured))

    gaps = Gaps()
    answers = Answers(gap_s=gaps.add, predictions=kept_predictions())
    began_at = datetime.now(UTC).isoformat(timespec="milliseconds")
    window, cpu_s, stop = _window(asked, server, answers, instruments, first=sent)
    measured = with_state(
        replace(measured, windows=(window,), batch_sizes=[1] * window.requests), instruments.read_gpu_state()
    )
    known = columns(answers.timings)
    summary = traffic_of(
        answers.timings, known, run.scenario.limits, asked.schedule, gaps, _counted_by(run, server), cpu_s
    )
    if stop is not None:  # requests that were still to come say nothing of what the engine keeps up with
        summary = replace(summary, kept_up=None)
    summary, shares = _divided(replace(summary, began_at=began_at), known, asked.schedule, measured)
    measured = replace(measured, traffic=summary, peak_memory_bytes=server.peak_memory_bytes())
    record = _with_facts(record, server)  # some are known only after calls
    yield "window 1", (record := flagged(record, Thinner().thinned(measured)))

    instruments.progress("scoring", 0.0)
    answered = Answered(asked.samples, answers)
    each = partial(rows, asked.samples, answers, shares)
    record = unscored(record, len(answered.places), each, files)
    yield "predictions", record
    if stop is not None:
        raise stop
    yield "scoring", scored(record, run, server, answered.samples, answered.predictions, each, files)


def _with_facts(record: Record, server: Server) -> Record:
    """The record with what the server says of its model."""
    facts = {key: value for key, value in server.facts.items() if key != "version"}
    return replace(record, model=loaded_facts(record.model, facts))


def _counted_by(run: Run, server: Server) -> str | None:
    """Who counted the tokens: an engine in this process does, another says so."""
    counted: str | None = server.facts.get("token_count", "engine" if run.engine.needs.local else None)
    return counted


def _divided(summary: Traffic, known: Columns, schedule: Schedule, measured: Measurement) -> tuple[Traffic, Shares]:
    """The traffic with its steady part and the division of its energy, and the share of each request."""
    by_component = powers(measured, measured.windows[0])
    steady, why = steady_window(known, schedule.users or peak_concurrency(known), by_component)
    divided = shares_of(known, by_component)
    return replace(summary, steady=steady, no_steady=why, attribution=divided.attribution), divided


def _warm_up(asked: Asked, server: Server, instruments: Instruments) -> int:
    """Some users ask at once, one request after the other; how many calls that were."""
    procedure = asked.run.procedure
    users = min(asked.schedule.users or WARM_UP_USERS, asked.schedule.requests)
    count = min(max(users, procedure.warmup_batches), asked.schedule.requests)
    step = asked.schedule.requests // count  # spread over the inputs, so that short and long ones are among them
    plan = TrafficPlan(
        schedule=Schedule(count, users=users),
        call=lambda number: asked.call(number * step),
        timeout_s=procedure.warmup_max_s or asked.run.scenario.timeout_s,
        max_duration_s=procedure.warmup_max_s or asked.run.scenario.max_duration_s,
        samples=count,
    )
    drive(server, plan, Answers(gap_s=lambda gap_s: None), instruments.clock, _shown(instruments, "warm-up"))
    return count


def _window(
    asked: Asked, server: Server, answers: Answers, instruments: Instruments, first: int
) -> tuple[Window, float, BaseException | None]:
    """The traffic under the meters, processor seconds of the load generator, and the stop that ended it, if one did."""
    cpu_s, now = partial(_cpu_s, local=asked.run.engine.needs.local), instruments.clock.now
    plan, stops = asked.plan(first), list[BaseException]()

    def traffic() -> tuple[float, float]:
        began_s, cpu_began_s = now(), cpu_s()
        try:
            duration_s = drive(server, plan, answers, instruments.clock, _shown(instruments, "measuring"))
        except (Interrupted, KeyboardInterrupt) as stop:  # raised again once the meters are read
            stops.append(stop)
            duration_s = now() - began_s
        return duration_s, cpu_s() - cpu_began_s

    try:
        (duration_s, generator_s), host = watched(traffic, instruments)
    except RuntimeError:
        if stops:  # too short for a meter
            raise stops[0] from None
        raise
    latencies = array("d", (s for timing in answers.timings if (s := timing.latency_s) is not None))
    if not latencies and stops:
        raise stops[0]
    if not latencies:
        raise RuntimeError(f"no request was answered: {_why_none(answers.timings)}")
    return (
        Window(
            duration_s=duration_s,
            readings=host.readings,
            passes=1,
            requests=len(latencies),
            units=sum(prediction.units for prediction in answers.predictions),
            batch_s=latencies,
            cpu_utilization=host.utilization(duration_s),
            others_cpu_share=host.others_cpu_share,
        ),
        generator_s,
        (stops[0] if stops else None),
    )


def _cpu_s(local: bool) -> float:
    """Processor seconds of the load generator: of this thread beside an engine in this process, else of all of it."""
    if local:
        return time.thread_time()
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _why_none(timings: Sequence[Timing]) -> str:
    return next((timing.reason for timing in timings if timing.reason), "the traffic ended before")


def _shown(instruments: Instruments, step: str) -> Callable[[Now], None]:
    def show(now: Now) -> None:
        instruments.progress(step, now.ended / now.requests)
        instruments.watch_traffic(now)

    return show
