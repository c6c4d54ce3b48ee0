"""The load generator: sends requests when they come, whatever the engine does, and notes when each was answered.

              due      sent      first token            finished
    request ───┼────────┼────────────┼──────── … ─────────┤        one thread; it sleeps in `Server.events`
               └ by its schedule (open loop), or when its user is done thinking (closed loop)

What a request waits counts from when it was due, so an engine that is late, and a load generator that is late, show.
A stop (Ctrl-C) comes through while the thread sleeps: every event is noted whole, or not at all.
"""

import heapq
from array import array
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from joulemark.core.serving import Call, Clock, Event, Schedule, Server
from joulemark.core.signals import Interrupted, Withheld
from joulemark.core.spill import Spilled
from joulemark.core.task import Prediction
from joulemark.core.traffic import Timing

LOOK_S = 0.5  # seconds between two looks at the progress while nothing comes


@dataclass(frozen=True)
class Now:
    """The traffic at one moment, for whoever watches.

    Attributes:
        elapsed_s: s since the traffic began
        requests: requests of the whole traffic
        sent: requests sent until now
        ended: of these, answered or given up
        in_flight: of these, neither
        ttft_s: time to first token of the last answer that has one, s; None before
        output_tokens: tokens that came until now
    """

    elapsed_s: float
    requests: int
    sent: int
    ended: int
    in_flight: int
    ttft_s: float | None
    output_tokens: int


@dataclass(frozen=True)
class TrafficPlan:
    """What is sent, and until when.

    Attributes:
        schedule: when requests come
        call: the call of a request, by its number
        timeout_s: s from its coming after which a request is given up
        max_duration_s: s of traffic after which all is given up
        samples: inputs, which come again in order where there are more requests
        first: number of the first call, so that no late event of an earlier traffic is taken for one of this
    """

    schedule: Schedule
    call: Callable[[int], Call]
    timeout_s: float
    max_duration_s: float
    samples: int
    first: int = 0


@dataclass
class Answers:
    """What came of the traffic: a timing for each request, the predictions in the order of their coming.

    Attributes:
        timings: of each request, by its number
        predictions: of those that were answered
        places: where the prediction of each request is among these; -1 without one
        gap_s: called with the seconds between two parts of an answer
    """

    gap_s: Callable[[float], None]
    timings: list[Timing] = field(default_factory=list)
    predictions: Spilled[Prediction] = field(default_factory=Spilled)
    places: "array[int]" = field(default_factory=lambda: array("q"))


@dataclass
class _InFlight:
    due_s: float
    sent_s: float
    user: int | None
    first_s: float | None = None
    last_s: float | None = None
    tokens: int = 0


def drive(
    server: Server,
    plan: TrafficPlan,
    answers: Answers,
    clock: Clock,
    watch: Callable[[Now], None] = lambda now: None,
) -> float:
    """Sends every request and waits for its end; seconds from the first one's coming to the last one's end.

    Raises:
        RuntimeError: the engine has died
        Interrupted, KeyboardInterrupt: the run was stopped; the answers until then are kept, and what was under way is
            `interrupted`
    """
    traffic = _Traffic(server, plan, answers, clock, watch)
    try:
        with Withheld() as stops:
            traffic.run(stops)
    except (Interrupted, KeyboardInterrupt) as stop:
        traffic.end("interrupted", f"interrupted by {stop or 'SIGINT'}")
        raise
    return traffic.duration_s


class _Traffic:
    def __init__(
        self, server: Server, plan: TrafficPlan, answers: Answers, clock: Clock, watch: Callable[[Now], None]
    ) -> None:
        self._server, self._plan, self._answers, self._clock, self._watch = server, plan, answers, clock, watch
        self._in_flight: dict[int, _InFlight] = {}
        self._deadlines: deque[tuple[float, int]] = deque()  # requests are sent in the order of their coming
        self._sent = self._tokens = 0
        self._ttft_s: float | None = None
        schedule, requests = plan.schedule, plan.schedule.requests
        answers.timings = [Timing(number, number % plan.samples, _at(schedule, number)) for number in range(requests)]
        answers.places = array("q", [-1]) * requests
        self._ready = [(self._think_time_s(user), user) for user in range(schedule.users or 0)]  # a heap
        heapq.heapify(self._ready)
        self.duration_s = 0.0

    def run(self, stops: Withheld) -> None:
        """The whole traffic; a stop is let in while nothing is being noted."""
        self._began_s = self._clock.now()
        until_s = self._began_s + self._plan.max_duration_s
        self._look_s = self._began_s
        while self._in_flight or self._next_s() is not None:
            self._send_due()
            if (now_s := self._clock.now()) >= until_s:
                break
            waits = [until_s, now_s + LOOK_S, self._next_s() or until_s, *(at_s for at_s, _ in [*self._deadlines][:1])]
            with stops.admitted():
                events = self._server.events(min(waits))
            for event in events:
                self._take(event)
            self._give_up_late()
            self._show()
        self.end("timed_out", f"the traffic ended after {self._plan.max_duration_s:g} s")
        ends = [timing.finished_s for timing in self._answers.timings if timing.finished_s is not None]
        self.duration_s = max(ends, default=self._clock.now() - self._began_s)

    def end(self, outcome: str, reason: str) -> None:
        """Gives up all that is under way."""
        for number in list(self._in_flight):
            self._end(number, outcome, self._clock.now(), reason)

    def _next_s(self) -> float | None:
        """When the next request is due; None where none is, until an answer comes or for good."""
        if self._sent == self._plan.schedule.requests:
            return None
        if self._plan.schedule.users is None:
            return self._began_s + _at(self._plan.schedule, self._sent)
        return self._began_s + self._ready[0][0] if self._ready else None

    def _send_due(self) -> None:
        """Sends what is due by now, and no more than that."""
        while (due_s := self._next_s()) is not None and due_s <= (now_s := self._clock.now()):
            number, user = self._sent, None
            if self._plan.schedule.users is not None:
                _, user = heapq.heappop(self._ready)
            self._sent += 1
            self._in_flight[number] = _InFlight(due_s - self._began_s, now_s - self._began_s, user)
            self._deadlines.append((due_s + self._plan.timeout_s, number))
            self._server.send(replace(self._plan.call(number), number=self._plan.first + number))

    def _take(self, event: Event) -> None:
        number = event.number - self._plan.first
        request = self._in_flight.get(number)
        if request is None:  # it was given up
            return
        at_s = event.at_s - self._began_s
        if event.kind == "failed":
            self._end(number, "failed", event.at_s, event.reason)
        elif event.kind == "tokens":
            self._note_part(request, at_s, event.tokens)
        else:
            self._end(number, "answered", event.at_s, None, event.prediction)

    def _note_part(self, request: _InFlight, at_s: float, tokens: int) -> None:
        if request.last_s is None:
            request.first_s = at_s
            self._ttft_s = at_s - request.due_s
        else:
            self._answers.gap_s(at_s - request.last_s)
        request.last_s = at_s
        request.tokens += tokens
        self._tokens += tokens

    def _give_up_late(self) -> None:
        """Gives up what has taken longer than a request may."""
        now_s = self._clock.now()
        while self._deadlines and (self._deadlines[0][1] not in self._in_flight or self._deadlines[0][0] <= now_s):
            _, number = self._deadlines.popleft()
            if number in self._in_flight:
                self._end(number, "timed_out", now_s, f"no whole answer within {self._plan.timeout_s:g} s")

    def _end(
        self, number: int, outcome: str, at_s: float, reason: str | None, prediction: Prediction | None = None
    ) -> None:
        request = self._in_flight.pop(number)
        finished_s = at_s - self._began_s
        if outcome == "timed_out":  # an engine that is stopped is closed
            self._server.cancel(self._plan.first + number)
        if prediction is not None:
            self._answers.places[number] = len(self._answers.predictions)
            self._answers.predictions.append(prediction)
        self._answers.timings[number] = Timing(
            number=number,
            sample=number % self._plan.samples,
            due_s=request.due_s,
            sent_s=request.sent_s,
            first_s=request.first_s,
            finished_s=finished_s,
            outcome=outcome,
            reason=reason,
            input_tokens=prediction.input_tokens if prediction else None,
            output_tokens=prediction.output_tokens if prediction else request.tokens or None,
        )
        if request.user is not None:
            heapq.heappush(self._ready, (finished_s + self._think_time_s(self._sent), request.user))

    def _think_time_s(self, number: int) -> float:
        times: Sequence[float] = self._plan.schedule.think_time_s
        return times[number % len(times)] if times else 0.0

    def _show(self) -> None:
        now_s = self._clock.now()
        if now_s < self._look_s:
            return
        self._look_s = now_s + LOOK_S
        in_flight = len(self._in_flight)
        self._watch(
            Now(
                elapsed_s=now_s - self._began_s,
                requests=self._plan.schedule.requests,
                sent=self._sent,
                ended=self._sent - in_flight,
                in_flight=in_flight,
                ttft_s=self._ttft_s,
                output_tokens=self._tokens,
            )
        )


def _at(schedule: Schedule, number: int) -> float:
    return schedule.at_s[number] if schedule.at_s is not None else 0.0
