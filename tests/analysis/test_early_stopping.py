"""A run is measured only while it may be better than the results it is held against."""

from dataclasses import replace

import pytest

from joulemark.analysis import audit, caveats, description, named_metrics
from joulemark.analysis.early_stopping import early_stop_against, early_stopped
from joulemark.analysis.verdict import SEPARATED
from joulemark.core.errors import UserError
from joulemark.sweep.early_stopping import overrides
from joulemark.sweep.trial import Outcome
from joulemark.sweep.trial_state import FULL, SCREENING, TrialResult
from tests.composed import built
from tests.fakes import FakeClock, FakeMeter, FakeModel, procedure
from tests.measure.test_runner import a_run, benched
from tests.sweep.landscape import REFERENCE, truth, wanted

WH = "energy/total_wh_per_1k"
P95 = "latency/p95_s"


class Wavering(FakeMeter):
    """Watts that differ from window to window, so that no interval becomes narrow."""

    count = 0

    def stop(self):
        self.count += 1
        self.watts = {"cpu": 100.0 if self.count % 2 else 110.0}
        return super().stop()


def measured(*by, **changes):
    clock = FakeClock()
    plan = procedure(min_windows=3, max_windows=10, ci95_rel=0.001, stage_s=1.0, measure_max_s=1e6, **changes)
    return benched(
        a_run(clock, [Wavering(clock, {"cpu": 100.0})], FakeModel(clock), procedure=plan, early_stop_against=by), clock
    )


def test_a_run_that_is_sure_to_be_worse_ends_early_with_its_interval_its_quality_and_a_flag():
    whole = measured()
    assert (len(whole.measurement.windows), whole.measurement.stopped_early) == (10, False)
    known = named_metrics.metrics(whole)
    early = measured({WH: known[WH] / 2, P95: known[P95] / 2})
    assert early.status == "finished"
    assert len(early.measurement.windows) < 10
    assert named_metrics.metrics(early)["energy/ci95_rel"] is not None
    assert early.scores == whole.scores
    assert early.measurement.stages == ()
    assert early.flags == ("early_stopped", "not_converged", "partial_total")
    assert caveats.EXPLAINED["early_stopped"] in description.markdown(early, named_metrics.metrics(early))
    assert audit.verdict(early)[0] == "doubtful"


def test_it_goes_on_while_one_figure_of_each_rival_is_no_better_or_within_its_interval():
    known = named_metrics.metrics(measured())
    low, high = known[WH] * (1 - known["energy/ci95_rel"]), known[P95]
    for rival in ({WH: low / 2, P95: high}, {WH: known[WH], P95: high / 2}, {WH: low / 2, "latency/ttft_s": 1e-9}):
        assert not measured(rival).measurement.stopped_early, rival
    assert measured({WH: known[WH], P95: high / 2}, {WH: low / 2, P95: high / 2}).measurement.stopped_early


def test_no_run_ends_early_before_there_is_an_interval():
    whole = measured().measurement
    rival = {WH: 1e-9, P95: 1e-9}
    assert not early_stopped(replace(whole, windows=whole.windows[:1]), (rival,))
    assert early_stopped(replace(whole, windows=whole.windows[:3]), (rival,))
    assert not early_stopped(whole, ())


def test_a_run_that_was_at_its_end_anyway_was_not_ended_early():
    clock = FakeClock()
    run = a_run(clock, procedure=procedure(), early_stop_against=({WH: 1e-9, P95: 1e-9},))
    measurement = benched(run, clock).measurement
    assert (measurement.converged, measurement.stopped_early, len(measurement.windows)) == (False, True, 2)
    run = a_run(clock, procedure=procedure(min_windows=2), early_stop_against=({WH: 1e-9, P95: 1e-9},))
    measurement = benched(run, clock).measurement
    assert (measurement.converged, measurement.stopped_early, len(measurement.windows)) == (True, False, 2)


def reported(batch, precision, **metrics):
    point = (f"batch_size={batch}", f"precision={precision}")
    return point, TrialResult(point, "full", Outcome((), 0, "finished", metrics={**truth(batch, precision), **metrics}))


def test_a_sweep_gives_the_front_that_meets_the_constraints_each_as_high_as_its_interval_reaches():
    known = dict([reported(1, "fp32"), reported(8, "fp32"), reported(8, "bf16"), reported(8, "fp16")])
    (override,) = overrides(known, wanted({"quality": {"loss_rel": 0.01}}), truth(1, "fp32"), FULL)
    run = built(override)  # as the real command takes it
    front = [truth(8, "bf16"), truth(1, "fp32")]  # fp16 breaks the limit, batch 8 in fp32 is early_stopped
    least = {WH: pytest.approx(front[0][WH] * 1.01)}  # beyond it nothing is recommended, whatever its latency
    ends = [{WH: pytest.approx(result[WH] * 1.01), P95: result[P95]} for result in front]
    assert run.early_stop_against == (*ends, least)
    (screened,) = overrides(known, wanted({"quality": {"loss_rel": 0.01}}), truth(1, "fp32"), SCREENING)
    assert built(screened).early_stop_against == (*ends, {WH: pytest.approx(front[0][WH] * 1.01 * (1 + SEPARATED))})
    assert "early_stop_against" not in run.command
    assert not any("early_stop_against" in key for key in run.chosen)
    assert built().early_stop_against == ()


def test_a_sweep_gives_none_where_an_early_stopped_trial_could_still_be_on_the_front():
    known = dict([reported(8, "bf16")])
    for objectives in (["energy", "quality"], [{WH: "max"}, "p95"]):
        assert overrides(known, wanted(objectives=objectives), truth(1, "fp32"), FULL) == ()
    assert overrides({}, wanted(), truth(1, "fp32"), FULL) == ()
    failed = TrialResult(REFERENCE, "full", Outcome((), 1, "failed"))
    assert overrides({REFERENCE: failed}, wanted(), truth(1, "fp32"), FULL) == ()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("fast", "a list of results"),
        ([1], "1 is no result"),
        ([{}], "is no result"),
        ([{"quality/primary": 1}], "quality/primary is not known before the run's end"),
        ([{"latency/p94_s": 1}], "did you mean early_stop_against=latency/p9"),
        ([{WH: "low"}], "low is not a number"),
        ([{WH: float("nan")}], "nan is not a number"),
    ],
)
def test_what_is_no_rival_is_refused_in_one_line(given, says):
    with pytest.raises(UserError, match=says) as refused:
        early_stop_against(given)
    assert "\n" not in str(refused.value)
