"""The second stage of a search on a landscape whose gains are known: what it tries, keeps, and leaves alone."""

from dataclasses import dataclass, field, replace

import pytest

from joulemark.sweep.budget import Budget
from joulemark.sweep.feeding import FeedingPlan, carried
from joulemark.sweep.search import Search
from joulemark.sweep.space import Dimension, Space
from joulemark.sweep.storage import open_study
from joulemark.sweep.trial_state import FEEDING, FULL
from tests.sweep.landscape import REFERENCE, Machine, plan, through

WH = "energy/total_wh_per_1k"
KEYS = ("preprocessing", "prefetch", "compile", "sort")
SMALL = (Dimension("batch_size", ("8", "64", "512")), Dimension("precision", ("fp32", "bf16")))
BEST = ("batch_size=64", "precision=bf16")

# What each line leaves of the energy, and the share that the run's stages say it removes at most
GAINS = {
    "preprocessing=fast": (0.6, 0.5),
    "compile=cudagraphs": (0.9, 0.3),
    "sort=length": (1.1, 0.2),
    "prefetch=2": (0.5, 0.04),
}


@dataclass
class Fed(Machine):
    """The landscape, with gains by options, of which a run that measured its stages tells those that are left."""

    gains: dict = field(default_factory=lambda: GAINS)

    def __call__(self, overrides, limit_s):
        outcome = super().__call__(overrides, limit_s)
        if outcome.status != "finished":
            return outcome
        wh = outcome.metrics[WH]
        for line, (left, _) in self.gains.items():
            wh *= left if line in overrides else 1.0
        unset = [(line, share) for line, (_, share) in self.gains.items() if line not in overrides]
        moves = tuple(sorted(unset, key=lambda pair: -(pair[1] or 0.0)))
        measured = {"protocol.stage_s=0.5", "protocol=standard"} & {*overrides}
        return replace(outcome, metrics={**outcome.metrics, WH: wh}, moves=moves if measured else ())

    def fed(self):
        """What the second stage asked for, without what all of its trials have."""
        shared = ("model=", "protocol", "early_stop_against")
        return [
            tuple(override for override in overrides if not override.startswith(shared))
            for overrides in self.requests
            if "protocol.stage_s=0.5" in overrides
        ]


def feeding(refused=()):
    overrides = ("model=m", "protocol=screening", "protocol.stage_s=0.5")
    return FeedingPlan(KEYS, overrides, lambda overrides: "no" if set(refused) & set(overrides) else None)


def fed_plan(tmp_path, refused=(), **more):
    return plan(tmp_path, dimensions=SMALL, feeding=feeding(refused), **more)


def test_options_are_tried_one_by_one_the_largest_share_first_and_kept_where_they_are_better(tmp_path):
    machine = Fed()
    session, _ = through(fed_plan(tmp_path), machine, tmp_path)
    first = next(place for place, each in enumerate(machine.requests) if "protocol.stage_s=0.5" in each)
    # before it the best one in full, whose stages show what to try
    assert {"protocol=standard", *BEST} <= {*machine.requests[first - 1]}
    assert machine.fed() == [
        (*BEST, "preprocessing=fast"),
        (*BEST, "compile=cudagraphs", "preprocessing=fast"),
        (*BEST, "compile=cudagraphs", "preprocessing=fast", "sort=length"),
        ("batch_size=512", "precision=bf16", "compile=cudagraphs", "preprocessing=fast"),
        ("batch_size=8", "precision=bf16", "compile=cudagraphs", "preprocessing=fast"),
    ]
    kept, taken_back, not_tried = session.fed()
    assert kept == "feeding: better with: preprocessing=fast, compile=cudagraphs"
    assert taken_back == "feeding: no better with: sort=length, batch_size=512, batch_size=8"
    assert not_tried == "feeding: not tried, little to gain: prefetch=2 (at most 4% of its time)"


def test_of_points_that_tie_the_plainest_is_where_options_are_tried(tmp_path):
    machine = Fed(gains={**GAINS, "precision=fp32": (0.303, 0.0)})  # 1 % above bf16
    through(fed_plan(tmp_path), machine, tmp_path)
    assert machine.fed()[0] == ("batch_size=64", "precision=fp32", "preprocessing=fast")
    machine = Fed(gains={**GAINS, "precision=fp32": (0.312, 0.0)})  # 4 % above
    through(fed_plan(tmp_path), machine, tmp_path / "other")
    assert machine.fed()[0] == (*BEST, "preprocessing=fast")


def test_what_was_found_is_measured_in_full_and_the_best_of_it_wins(tmp_path):
    machine, the_plan = Fed(), fed_plan(tmp_path)
    session, _ = through(the_plan, machine, tmp_path)
    full = session.full()
    best = min(full, key=lambda point: full[point].metrics[WH])
    assert best == (*BEST, "compile=cudagraphs", "preprocessing=fast")


def test_where_nothing_is_to_gain_nothing_is_tried_and_one_line_says_so(tmp_path):
    machine = Fed(gains={line: (left, 0.05) for line, (left, _) in GAINS.items()})
    session, _ = through(fed_plan(tmp_path), machine, tmp_path)
    assert machine.fed() == []
    (sentence,) = session.fed()
    assert sentence.startswith("feeding: not tried, little to gain: ")
    assert all(line in sentence for line in GAINS)


def test_an_option_whose_share_is_not_known_is_tried(tmp_path):
    machine = Fed(gains={"compile=cudagraphs": (0.5, None)})
    through(fed_plan(tmp_path), machine, tmp_path)
    assert (*BEST, "compile=cudagraphs") in machine.fed()


def test_what_is_refused_or_typed_by_the_user_is_not_tried(tmp_path):
    machine = Fed(gains={**GAINS, "attention=eager": (0.1, 0.9)})  # no option of this stage
    through(fed_plan(tmp_path, refused=("preprocessing=fast",)), machine, tmp_path)
    tried = {override for overrides in machine.requests for override in overrides}
    assert not {"preprocessing=fast", "attention=eager"} & tried
    assert "compile=cudagraphs" in tried


def test_a_gain_within_what_a_plainer_setting_is_preferred_by_is_none(tmp_path):
    machine = Fed(gains={"preprocessing=fast": (0.985, 0.5)})
    session, _ = through(fed_plan(tmp_path), machine, tmp_path)
    assert session.fed() == ["feeding: no better with: preprocessing=fast"]


def test_an_option_that_breaks_the_run_or_a_constraint_is_taken_back(tmp_path):
    class Breaks(Fed):
        def __call__(self, overrides, limit_s):
            outcome = super().__call__(overrides, limit_s)
            if "compile=cudagraphs" in overrides:
                return replace(outcome, status="failed", error="it cannot be recorded", metrics={}, moves=())
            return outcome

    machine = Breaks()
    session, _ = through(fed_plan(tmp_path), machine, tmp_path)
    assert session.fed()[1].startswith("feeding: no better with: compile=cudagraphs, sort=length")
    assert all("compile=cudagraphs" not in point for point in session.full())


@pytest.mark.parametrize("stop_after", [6, 7, 8, 10])
def test_a_stopped_second_stage_goes_on_and_measures_nothing_twice(tmp_path, stop_after):
    whole = Fed()
    through(fed_plan(tmp_path / "whole"), whole, tmp_path / "whole")
    machine = Fed(stop_after=stop_after)
    through(fed_plan(tmp_path), machine, tmp_path)
    machine.stop_after = None
    through(fed_plan(tmp_path), machine, tmp_path)
    assert machine.fed() == whole.fed()
    assert len(machine.requests) == len(set(machine.requests)) == len(whole.requests)


def test_two_sessions_after_the_end_measure_nothing(tmp_path):
    through(fed_plan(tmp_path), Fed(), tmp_path)
    later = Fed()
    through(fed_plan(tmp_path), later, tmp_path)
    assert later.requests == []


def test_a_point_of_the_stage_that_another_worker_measures_is_waited_for(tmp_path):
    the_plan = fed_plan(tmp_path)
    study = open_study(None, tmp_path, "study", the_plan.space.dimensions, the_plan.goals, the_plan.seed)
    search = Search(the_plan, study, Fed(), [].append)
    search.reference()
    search._measure_all(search._next.stage, search._next.next)
    assert search._next.leader(study.state()) == BEST
    assert search._next.fed(study.state()) is None  # it waits for the stages of the best point
    claim, _ = study.claim(BEST, FULL)
    assert search._next.leader(study.state()) is None
    study.tell(claim, Fed()(("protocol=standard", *BEST), None))
    wanted = search._next.fed(study.state())
    assert wanted == (*BEST, "preprocessing=fast")
    study.claim(wanted, FEEDING)
    assert search._next.fed(study.state()) is None


def test_a_budget_keeps_trials_for_the_second_stage(tmp_path):
    machine = Fed()
    through(fed_plan(tmp_path, budget=Budget(trials=12), finalists=2), machine, tmp_path)
    assert len(machine.requests) <= 12
    assert len(machine.fed()) >= 2
    assert len(machine.points("standard")) == 1 + 2


def test_a_plainer_point_ranks_before_one_with_further_options():
    space = Space(SMALL, ())
    fed = space.with_options(BEST, ["sort=length", "compile=cudagraphs", "batch_size=512"])
    assert fed == ("batch_size=512", "precision=bf16", "compile=cudagraphs", "sort=length")
    assert space.rank(BEST) < space.rank((*BEST, "sort=length")) < space.rank(("batch_size=512", "precision=fp32"))
    assert space.rank(("batch_size=8", "precision=int3")) > space.rank(("batch_size=8", "precision=bf16"))


def test_there_is_no_second_stage_where_no_option_can_be_carried():
    assert carried(KEYS, REFERENCE, lambda overrides: None)
    assert not carried(KEYS, REFERENCE, lambda overrides: "refused")
    assert not carried((), REFERENCE, lambda overrides: None)
