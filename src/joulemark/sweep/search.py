"""The search: the reference, screening of the points, and the full protocol for those near the front.

    reference ── full ──▶ what ratios and losses are relative to
    points ── screening ─▶ all of them where the budget holds them, else those that TPE proposes
    the best ── full ─▶ what of a request's time which option may remove
    around it ── feeding ─▶ options that feed the device, one by one (sweep/feeding.py)
    what may be recommended ── full ─▶ results

A point that is known is looked up in the study, never measured twice. The budget is the whole study's.
Any number of workers may search one study: each claims what it measures, and waits at a stage's end for what others
have claimed.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from joulemark.core import tracking
from joulemark.core.errors import UserError
from joulemark.core.signals import Interrupted, deferred, exit_code
from joulemark.sweep import busy, early_stopping
from joulemark.sweep.budget import SpentError
from joulemark.sweep.busy import Measure, Report
from joulemark.sweep.carry_over import Check
from joulemark.sweep.next_point import NextPoint, SearchPlan
from joulemark.sweep.objectives import QUALITY, Goals
from joulemark.sweep.progress import of_trial
from joulemark.sweep.shared import SharedTrials, to_the_end
from joulemark.sweep.space import Point, merged
from joulemark.sweep.study import Study
from joulemark.sweep.trial import Outcome
from joulemark.sweep.trial_state import FULL, Claim, StudyState, TrialResult

SHARED = "shared"  # the flag of a trial that was measured beside another one on its machine

# Between two reads of the storage by a worker that waits for others and measures nothing
POLL_S = 3.0


class Search:
    """One worker's way through the study.

    `measure` makes a run in a process of its own, `report` gets sentences for the user, `ready` returns once a trial
    may begin on the cards. With `shared` trials of the screening that need one loaded model follow each other in one
    process; `doubted` gets the results of one whose check disagrees.
    """

    def __init__(
        self,
        plan: SearchPlan,
        study: Study,
        measure: Measure,
        report: Report,
        poll_s: float = POLL_S,
        ready: Callable[[], None] = lambda: None,
        shared: SharedTrials | None = None,
        doubted: Callable[[Sequence[TrialResult]], None] = lambda results: None,
    ) -> None:
        self._plan, self._study, self._measure, self._report = plan, study, measure, report
        self._poll_s, self._ready, self._shared, self._doubted = poll_s, ready, shared, doubted
        self._next = NextPoint(plan, study, shares=shared is not None)
        self._waiting = False
        self._disagreed = 0  # checks of processes that are shared
        self._points: dict[tuple[str, ...], Point] = {}  # of what processes that are shared were given
        self.ended: str | None = None  # why the search stopped before its end

    @property
    def excluded(self) -> dict[Point, str]:
        """The points that this session does not measure, each with its reason."""
        return self._next.candidates.excluded

    def reference(self) -> TrialResult:
        """The reference in the full protocol, whichever worker measures it, whatever becomes of it."""
        while True:
            state = self._state()
            known = state.known(FULL).get(self._plan.reference)
            if known is not None:
                self._study.reference = known.metrics
                self._next.candidates.tries = known.outcome.tries
                return known
            if self._plan.reference in state.claimed(FULL):
                self._wait("measures the reference")
            elif measured := self._measured(self._plan.reference, FULL, state):
                return measured

    def points(self) -> None:
        """Measures the points of the space, then feeding around the best one, or until the budget's part is used."""
        self._screen(self._next.stage, self._next.next)
        if self._plan.feeding is not None:
            self._measure_all(FULL, self._next.leader)
            self._screen(self._next.feeding_stage, self._next.fed)

    def _screen(self, stage: str, choose: Callable[[StudyState], Point | None]) -> None:
        """Measures what is chosen, and again what the check of a process leaves in doubt.

        The process has ended after that: no trial of its own finds another model on its device.
        """
        disagreed = -1
        while disagreed != self._disagreed:
            disagreed = self._disagreed
            self._measure_all(stage, choose)
            if self._shared is not None and (stop := self._end_shared()):
                raise Interrupted(stop)

    def fed(self) -> list[str]:
        """What feeding came to, in sentences."""
        return self._next.walk(self._state()).sentences()

    def close(self) -> None:
        """Ends the process that trials shared, if one is alive."""
        if self._shared is not None:
            self._shared.close()

    def results(self) -> None:
        """The full protocol for the points that may be recommended; others are not measured further."""
        if self._next.stage != FULL:
            self._measure_all(FULL, self._next.finalist)

    def exclude(self, reasons: Mapping[str, str]) -> None:
        """Excludes what other workers excluded: points too large for memory, and refused ones, by their names."""
        state = self._state()
        for point in self._next.candidates.open(state):
            if reason := reasons.get(" ".join(point)):
                self.excluded[point] = reason

    def full(self) -> dict[Point, TrialResult]:
        """Every point of the search that was measured in full."""
        state = self._state()
        known = state.known(FULL)
        return {point: known[point] for point in self._next.screened(state) if point in known}

    def available_goals(self, typed: bool) -> Goals:
        """The goals less constraints on a quality that the reference lacks; UserError where the user typed them."""
        goals, reference = self._study.goals, self._study.reference
        of_quality = [constraint for constraint in goals.constraints if constraint.metric.startswith(QUALITY)]
        if all(
            reference.get(constraint.metric) is not None and constraint.bound_for(reference) is not None
            for constraint in of_quality
        ):
            return goals
        known = all(reference.get(constraint.metric) is not None for constraint in of_quality)
        what = "zero or less, so it has no share to lose" if known else "unknown (no references in the data?)"
        if typed:
            raise UserError(f"the reference's quality is {what}: leave the constraint on quality out")
        self._report(f"excluded: the constraints on quality: the reference's is {what}")
        return replace(goals, constraints=goals.without(QUALITY).constraints)

    def _measure_all(self, stage: str, choose: Callable[[StudyState], Point | None]) -> None:
        """Measures what is chosen until nothing is left, here or with another worker, or the budget is used.

        A trial of another worker is waited for: it may be lost with it, and then it is this worker's to measure.
        """
        spent: str | None = None
        while True:
            state = self._state()
            try:
                point = choose(state)
                if point is not None:
                    self._measured(point, stage, state)
                    continue
                spent = None
            except SpentError as error:
                spent = str(error)
            if not state.claimed(stage):
                self.ended = spent or self.ended
                return
            self._wait(f"measures {len(state.claimed(stage))} of this stage")

    def _measured(self, point: Point, stage: str, state: StudyState) -> TrialResult | None:
        """Measures one point and stores its result; None where another worker was first.

        SpentError before it begins, Interrupted after it ended.
        """
        self._next.budget_state.seconds_left(state, stage, self._plan.reference)
        if self._shared is None or not self._shared.alive:  # it holds its cards from its first trial to its end
            self._ready()
        with deferred():  # a claim is released or completed, whatever signal comes; the trial takes signals itself
            claimed = self._study.claim(point, stage)
            result = None if claimed is None else self._result(*claimed)
        if result is not None and (result.outcome.stopped_by or result.outcome.status == "interrupted"):
            raise Interrupted(result.outcome.stopped_by or "SIGINT")
        return result

    def _result(self, claim: Claim, before: StudyState) -> TrialResult | None:
        """Measures what was claimed and reports it to the study; None where it did not begin."""
        try:
            limit_s = self._next.budget_state.seconds_left(before, claim.stage, self._plan.reference)
        except SpentError:  # other workers took what was left at the same moment
            self._study.release(claim)
            raise
        self._waiting = False
        outcome = self._run(claim, before, limit_s)
        if busy.refused_as_busy(outcome):
            self._study.release(claim)
            return None
        if SHARED not in outcome.flags and self._study.joined(claim):
            outcome = replace(outcome, flags=(*outcome.flags, SHARED))
        result = TrialResult(claim.point, claim.stage, outcome, self._study.card)
        if claim.point == self._plan.reference and claim.stage == FULL:
            self._study.reference = result.metrics
            self._next.candidates.tries = outcome.tries
        self._study.tell(claim, outcome)
        try:
            self._next.candidates.tell(claim.point, outcome)
        except OSError as error:  # a full disk, or a lock that another process holds: the study has the result
            self._report(f"what fits in memory is not remembered: {error}")
        state = self._state()
        self._report(of_trial(result, self._plan.goals, self._next, self._plan.budget, self._plan.finalists, state))
        return result

    def _run(self, claim: Claim, before: StudyState, limit_s: float | None) -> Outcome:
        stage_overrides = self._plan.overrides(claim.stage, claim.point)
        shared = any(running.worker.get("where") == claim.worker["where"] for running in before.claims)
        further = (*(("shared_host=true",) if shared else ()), *self._early_stopping(claim, before))
        overrides = merged((*stage_overrides, *further), claim.point)
        with self._study.beating(claim):
            own = claim.point == self._plan.reference or (claim.stage == FULL and not self._plan.preliminary)
            if self._shared is not None and not own:
                self._points[tuple(overrides)] = claim.point
                return self._screened(overrides, limit_s)
            return self._measure(overrides, limit_s)

    def _screened(self, overrides: Sequence[str], limit_s: float | None) -> Outcome:
        """A trial in the process that has its model; another one where that has another model."""
        assert self._shared is not None
        outcome = self._shared(overrides, limit_s)
        if outcome is not None:
            return outcome
        if stop := self._end_shared():
            public = tuple(map(tracking.public_override, overrides))
            return Outcome(
                public, exit_code(stop), "interrupted", f"stopped by {stop} before it began", stopped_by=stop
            )
        outcome = None if self._shared is None else self._shared(overrides, limit_s)
        return self._measure(overrides, limit_s) if outcome is None else outcome

    def _end_shared(self) -> str | None:
        """Checks the shared process and ends it; names a stop.

        Where the check disagrees another one follows if the machine changed, once, and none if the process did.
        """
        assert self._shared is not None
        shared = self._shared
        try:
            check = shared.check(self._check_seconds()) if shared.to_check else None
        except SpentError as error:
            self._report(f"carry-over not checked: {error}")
            check = None
        shared.close()
        if check is None:
            return None
        if check.agrees is False and not check.last.stopped_by:
            check = self._with_own_process(check)
        self._keep(check)
        if check.agrees is False:
            self._disagreed += 1
            if self._disagreed > 1 or not check.drifted:
                self._shared = None
            self._doubted([each for each in self._study.results() if each.outcome.process == check.process])
        return check.stopped_by

    def _with_own_process(self, check: Check) -> Check:
        """The check with its setting in a process of its own, as far as the budget has room for it."""
        try:
            return replace(check, alone=self._measure(to_the_end(check.overrides), self._check_seconds()))
        except SpentError as error:
            self._report(f"not measured in a process of its own: {error}")
            return check

    def _check_seconds(self) -> float | None:
        return self._next.budget_state.check_seconds(self._state(), self._plan.reference)

    def _keep(self, check: Check) -> None:
        """Stores the check in the study and reports it."""
        self._study.keep_check(self._points[tuple(check.overrides)], check)
        again = "; what may be recommended is measured again" if check.agrees is False else ""
        self._report(f"{check}{again}")

    def _early_stopping(self, claim: Claim, before: StudyState) -> tuple[str, ...]:
        """The option that ends the trial early; none for the reference, to which all others are relative."""
        if claim.point == self._plan.reference:
            return ()
        return early_stopping.overrides(
            before.known(claim.stage), self._study.goals, self._study.reference, claim.stage
        )

    def _state(self) -> StudyState:
        state = self._study.state()
        while self._study.lost:
            self._report(self._study.lost.pop(0))
        return state

    def _wait(self, why: str) -> None:
        """Sleeps a little, and reports once that another worker is waited for."""
        if not self._waiting:
            self._report(f"waits: another worker {why}")
        self._waiting = True
        time.sleep(self._poll_s)
