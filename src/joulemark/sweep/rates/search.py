"""The search itself: each rate in fresh processes, judged by the 99th percentiles that they have, and kept in a study.

Interrupted, it loses nothing that was measured: the same line goes on from there.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from joulemark.analysis import verdict
from joulemark.analysis.serving import process as served
from joulemark.analysis.serving.curve import LoadProcess, MeasuredLoad, Passed
from joulemark.core.errors import UserError
from joulemark.core.formatting import many
from joulemark.core.signals import Interrupted, deferred
from joulemark.sweep import busy
from joulemark.sweep.busy import Measure, Report
from joulemark.sweep.identity import device
from joulemark.sweep.objectives import Goals, Objective
from joulemark.sweep.rates.grid import bracket, next_place
from joulemark.sweep.rates.request import RateRequest
from joulemark.sweep.search import POLL_S
from joulemark.sweep.storage import open_study
from joulemark.sweep.study import Study
from joulemark.sweep.trial_state import TrialResult

GOAL = Goals((Objective("J per output token", served.J_PER_TOKEN, "min"),), ())


@dataclass(frozen=True)
class MeasuredRate:
    """One rate and what its processes gave.

    Attributes:
        place: of the grid
        rate_per_s: as asked
        results: one a process
        load: the processes that finished; None where one of them did not
        passed: whether the limits were kept; None with `load`
    """

    place: int
    rate_per_s: float
    results: tuple[TrialResult, ...]
    load: MeasuredLoad | None = None
    passed: Passed | None = None

    @property
    def passes(self) -> bool:
        """Whether every limit is kept by the mean of the processes; a rate that a run failed at does not pass."""
        return self.passed is not None and self.passed.passes

    @property
    def established(self) -> bool:
        """Whether the processes are enough to say so."""
        return self.passed is not None and self.passed.established


@dataclass(frozen=True)
class RateResult:
    """What a search came to.

    Attributes:
        request: the search
        rates: every rate that was measured, ascending; those of a stopped search with the processes that they have
        stopped_by: the name of the signal that stopped it; None where it ended
    """

    request: RateRequest
    rates: tuple[MeasuredRate, ...] = field(default_factory=tuple)
    stopped_by: str | None = None

    @property
    def highest(self) -> MeasuredRate | None:
        """The highest rate that passes, with every lower one that was measured; None without one."""
        return self._at(0)

    @property
    def next(self) -> MeasuredRate | None:
        """The lowest rate that does not pass; None where none was found."""
        return self._at(1)

    def _at(self, side: int) -> MeasuredRate | None:
        place = bracket({rate.place: rate.passes for rate in self.rates})[side]
        return next((rate for rate in self.rates if rate.place == place), None)


class RateSearch:
    """One process's way to the highest passing rate.

    `measure` makes a run, `report` gets sentences for the user.
    """

    def __init__(self, request: RateRequest, measure: Measure, report: Report, poll_s: float = POLL_S) -> None:
        self._request, self._measure, self._report, self._poll_s = request, measure, report, poll_s
        self._study: Study | None = None

    def run(self) -> RateResult:
        """Measures until the answer is known, or a signal stops it.

        Raises:
            UserError: the first run cannot be made, or a limit is on what this engine does not tell
        """
        request = self._request
        try:
            with busy.sweeping(request.run.hardware, request.busy, self._report):
                self._study = open_study(
                    request.storage, request.folder, request.name, (), GOAL, 0, device(request.run.hardware),
                    self._report, request.software,
                )  # fmt: skip
                self._study.close_lost()
                self._begin()
                while (place := next_place(self._complete(), request.grid)) is not None:
                    self._at(place)
        except Interrupted as stop:
            self._report(f"stopped by {stop}; the same line goes on from here")
            return RateResult(request, self._rates(), str(stop))
        return RateResult(request, self._rates())

    def _begin(self) -> None:
        known = len(self._rates())
        begun = f"goes on after {many(known, 'rate')}" if known else "begins"
        self._report(f"study {self._request.name}: {begun}")
        if not known:
            processes = many(self._request.repeats, "run")
            fewest = self._request.grid.fewest
            self._report(f"to measure: {fewest} rates or more, {processes} each; which ones shows as each has ended")

    def _complete(self) -> Mapping[int, bool]:
        """Whether each rate passes that has all its processes, or one of them failed."""
        enough = [rate for rate in self._rates() if rate.load is None or len(rate.results) >= self._request.repeats]
        return {rate.place: rate.passes for rate in enough}

    def _at(self, place: int) -> None:
        """Measures what the rate lacks of its processes, one after the other."""
        for number in range(1, self._request.repeats + 1):
            stage = _stage(number)
            while self._known(place, stage) is None:
                self._process(place, stage)
            rate = self._rate(place)
            if rate is not None and rate.load is None:
                break  # a run that fails here is no rate for this engine
        if (rate := self._rate(place)) is not None:
            self._check(rate)
            self._report(progress_line(rate, self._request))

    def _process(self, place: int, stage: str) -> None:
        study, request = self._open, self._request
        busy.ready(request.run.hardware, request.busy, self._report)
        with deferred():  # a claim is released or completed, whatever signal comes
            claimed = study.claim(request.point(place), stage)
            if claimed is not None:
                with study.beating(claimed[0]):
                    outcome = self._measure(request.overrides(place), None)
                if busy.refused_as_busy(outcome):
                    study.release(claimed[0])
                else:
                    study.tell(claimed[0], outcome)
        if claimed is None:
            time.sleep(self._poll_s)  # another process measures it
        elif outcome.stopped_by or outcome.status == "interrupted":
            raise Interrupted(outcome.stopped_by or "SIGINT")
        elif outcome.status == "refused" and not busy.refused_as_busy(outcome):
            raise UserError(outcome.error or "the run is refused")

    def _check(self, rate: MeasuredRate) -> None:
        """UserError for what no other rate would change."""
        if rate.load is None and not any(each.load is not None for each in self._rates()):
            error = next(result.outcome.error for result in rate.results if not result.finished)
            raise UserError(f"the first run, at {rate.rate_per_s:g} requests/s, did not finish: {error}")
        for name, each in (rate.passed.by_limit if rate.passed else {}).items():
            if each.outcome == verdict.UNKNOWN:
                raise UserError(
                    f"scenario.limits.{name}: this engine does not tell it; type scenario.limits.{name}=null"
                )

    @property
    def _open(self) -> Study:
        assert self._study is not None
        return self._study

    def _rates(self) -> tuple[MeasuredRate, ...]:
        """Every rate of which a process is known, ascending."""
        if self._study is None:
            return ()
        low, high = self._request.grid.ends
        places = {self._request.point(place): place for place in range(low, high + 1)}
        points = {result.point for result in self._study.results()}
        rates = [self._rate(places[point]) for point in points if point in places]
        return tuple(sorted((rate for rate in rates if rate is not None), key=lambda rate: rate.place))

    def _rate(self, place: int) -> MeasuredRate | None:
        known = (self._known(place, _stage(number)) for number in range(1, self._request.repeats + 1))
        results = tuple(result for result in known if result is not None)
        return measured(self._request, place, results) if results else None

    def _known(self, place: int, stage: str) -> TrialResult | None:
        return self._open.known(stage).get(self._request.point(place))


def measured(request: RateRequest, place: int, results: Sequence[TrialResult]) -> MeasuredRate:
    """A rate with its verdict, by its processes; UserError where one finished without an energy."""
    rate = request.grid.rate(place)
    if not all(result.finished for result in results):
        return MeasuredRate(place, rate, tuple(results))
    load = MeasuredLoad(rate, tuple(_process(result, rate) for result in results))
    return MeasuredRate(place, rate, tuple(results), load, load.keeps(request.limits))


def _process(result: TrialResult, rate: float) -> LoadProcess:
    process = served.process(result.outcome.run_id or result.name, result.metrics, rate)
    if process is None:
        raise UserError(f"{result.name}: its energy or its rate is not available: the run's page says why")
    return process


def _stage(number: int) -> str:
    return f"process {number}"


def progress_line(rate: MeasuredRate, request: RateRequest) -> str:
    """One measured rate in a line."""
    if rate.passed is None:
        error = next(result.outcome.error for result in rate.results if not result.finished)
        return f"{rate.rate_per_s:g} requests/s: no run: {error}"
    said = "passes" if rate.passes else f"breaks {', '.join(rate.passed.broken)}"
    return f"{rate.rate_per_s:g} requests/s, {many(len(rate.results), 'process')}: {said}"
