"""The search: the reference, a short look at the points, and the full protocol for those near the front.

    reference ── full ──▶ what ratios and losses are relative to
    points ── screening ─▶ all of them where the budget holds them, else those that TPE proposes
    near the front ── full ─▶ results

A point that is known is looked up in the study, never measured twice. The budget is the whole study's.
Any number of workers may go this way on one study: each claims what it measures, and waits at a pass's end for what
others have claimed.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from joulemark.analysis.named_metrics import EARLY_STOPPED
from joulemark.core.errors import UserError
from joulemark.core.signals import Interrupted, deferred
from joulemark.sweep import busy, early_stopping
from joulemark.sweep.budget import SpentError, counted
from joulemark.sweep.busy import Measure, Say
from joulemark.sweep.next_point import Choice, Plan
from joulemark.sweep.objectives import QUALITY, Goals, with_unit
from joulemark.sweep.space import Point, laid
from joulemark.sweep.study import Study
from joulemark.sweep.trial import Outcome
from joulemark.sweep.trial_state import FULL, Claim, Told, View

SHARED = "shared"  # the flag of a trial that was measured beside another one on its machine

# Between two looks at the storage of a worker that waits for others and measures nothing
POLL_S = 3.0


class Search:
    """One worker's way through the study. `ready` returns once a trial may begin on its cards."""

    def __init__(
        self,
        plan: Plan,
        study: Study,
        measure: Measure,
        say: Say,
        poll_s: float = POLL_S,
        ready: Callable[[], None] = lambda: None,
    ) -> None:
        self._plan, self._study, self._measure, self._say = plan, study, measure, say
        self._poll_s, self._ready = poll_s, ready
        self._choice = Choice(plan, study)
        self._waiting = False
        self.ended: str | None = None  # why the search stopped before its end

    @property
    def left_out(self) -> dict[Point, str]:
        """The points that this session does not measure, each with its reason."""
        return self._choice.ground.left_out

    def reference(self) -> Told:
        """The reference in the full protocol, whoever measures it; what becomes of it is the caller's to judge."""
        while True:
            seen = self._look()
            known = seen.known(FULL).get(self._plan.reference)
            if known is not None:
                self._study.reference = known.metrics
                return known
            if self._plan.reference in seen.claimed(FULL):
                self._wait("measures the reference")
            elif measured := self._measured(self._plan.reference, FULL, seen):
                return measured

    def points(self) -> None:
        """Looks at the points of the space, until all are known or the budget's part for it is used."""
        self._through(self._choice.stage, self._choice.next)

    def results(self) -> None:
        """The full protocol for the points near the front; points beyond it are not measured further."""
        if self._choice.stage != FULL:
            self._through(FULL, self._choice.finalist)

    def look_back(self, refused: Mapping[str, str]) -> None:
        """Leaves out what workers left out: points too large for memory, and refused ones, by their words."""
        seen = self._look()
        for point in self._choice.ground.open(seen):
            if reason := refused.get(" ".join(point)):
                self.left_out[point] = reason

    def full(self) -> dict[Point, Told]:
        """Every point of the space that was measured in full."""
        known = self._study.known(FULL)
        return {point: known[point] for point in self._plan.space.points if point in known}

    def judged(self, typed: bool) -> Goals:
        """The goals less limits that need a quality which the reference has not; UserError where they were typed."""
        goals, reference = self._study.goals, self._study.reference
        if not any(one.metric.startswith(QUALITY) and reference.get(one.metric) is None for one in goals.limits):
            return goals
        if typed:
            raise UserError("the reference's answers have no quality (no references in the data?): leave its limit out")
        self._say("left out: the limits of quality: the reference's answers have none")
        return replace(goals, limits=goals.without(QUALITY).limits)

    def _through(self, stage: str, choose: Callable[[View], Point | None]) -> None:
        """Measures what is chosen until nothing is left, here or with another worker, or the budget is used.

        A trial of another worker is waited for: it may be lost with it, and then it is this worker's to measure.
        """
        spent: str | None = None
        while True:
            seen = self._look()
            try:
                point = choose(seen)
                if point is not None:
                    self._measured(point, stage, seen)
                    continue
                spent = None
            except SpentError as error:
                spent = str(error)
            if not seen.claimed(stage):
                self.ended = spent or self.ended
                return
            self._wait(f"measures {len(seen.claimed(stage))} of this pass")

    def _measured(self, point: Point, stage: str, seen: View) -> Told | None:
        """Measures one point and writes down what became of it; None where another worker was first.

        SpentError before it begins, Interrupted after it ended.
        """
        self._choice.purse.afford(seen, stage, self._plan.reference)
        self._ready()
        with deferred():  # a claim is given back or told, whatever signal comes; the trial takes signals itself
            claimed = self._study.claim(point, stage)
            told = None if claimed is None else self._told(*claimed)
        if told is not None and (told.outcome.stopped_by or told.outcome.status == "interrupted"):
            raise Interrupted(told.outcome.stopped_by or "SIGINT")
        return told

    def _told(self, claim: Claim, before: View) -> Told | None:
        """Measures what was claimed and tells the study; None where it did not begin."""
        try:
            limit_s = self._choice.purse.afford(before, claim.stage, self._plan.reference)
        except SpentError:  # other workers took what was left at the same moment
            self._study.give_back(claim)
            raise
        self._waiting = False
        outcome = self._begun(claim, before, limit_s)
        if busy.crossed(outcome):
            self._study.give_back(claim)
            return None
        if SHARED not in outcome.flags and self._study.joined(claim):
            outcome = replace(outcome, flags=(*outcome.flags, SHARED))
        told = Told(claim.point, claim.stage, outcome, self._study.card)
        if claim.point == self._plan.reference and claim.stage == FULL:
            self._study.reference = told.metrics
        self._choice.ground.tell(claim.point, outcome)
        self._study.tell(claim, outcome)
        self._say(line(told, self._plan.goals, len(counted(self._study.told())), self._plan.budget.trials))
        return told

    def _begun(self, claim: Claim, before: View, limit_s: float | None) -> Outcome:
        base = self._plan.full if claim.stage == FULL else self._plan.screening or ()
        beside = any(one.worker.get("where") == claim.worker["where"] for one in before.claims)
        words = laid((*base, *(("shared_host=true",) if beside else ()), *self._rivals(claim, before)), claim.point)
        with self._study.beating(claim):
            return self._measure(words, limit_s)

    def _rivals(self, claim: Claim, before: View) -> tuple[str, ...]:
        """What ends the trial early; nothing for the reference, whose figure all others are relative to."""
        if claim.point == self._plan.reference:
            return ()
        return early_stopping.words(before.known(claim.stage), self._study.goals, self._study.reference)

    def _look(self) -> View:
        seen = self._study.look()
        while self._study.lost:
            self._say(self._study.lost.pop(0))
        return seen

    def _wait(self, why: str) -> None:
        """Sleeps a little, and says once that another worker is waited for."""
        if not self._waiting:
            self._say(f"waits: another worker {why}")
        self._waiting = True
        time.sleep(self._poll_s)


def line(one: Told, goals: Goals, number: int, of: int | None) -> str:
    """One line of progress."""
    begun = f"[{number}{f'/{of}' if of else ''}] {one.stage}: {' '.join(one.point)}"
    if not one.finished:
        return f"{begun}: {one.outcome.status}: {one.outcome.error}"
    shown = [
        f"{goal.name} {with_unit(goal.metric, found)}"
        for goal in goals.objectives
        if (found := one.metrics.get(goal.metric)) is not None
    ]
    ended = " (early_stopped, so ended early)" if EARLY_STOPPED in one.outcome.flags else ""
    return f"{begun}: {', '.join(shown)}{ended}"
