"""A mix of jobs on one card: exact energies, laws that hold for any mix, and break-evens where both sides are equal."""

import itertools
import random
import re
from dataclasses import replace

import pytest

from joulemark.analysis import named_metrics
from joulemark.analysis.impact import portfolio as p
from joulemark.analysis.impact import portfolio_text
from joulemark.analysis.impact.amount import Amount
from joulemark.analysis.impact.workload_mix import Measured, Mix, Side, known, measured, mix, sides
from joulemark.core import markdown
from joulemark.core.errors import UserError
from tests.records import a_record

GB = 10**9
IDLE = Amount(100.0, 99.0, 101.0)
MIX = Mix(calls_per_day=1000, shares={"sort": 0.8, "answer": 0.2}, name="two jobs")


def run(model, task, dynamic, **values):
    """A run of so many Wh per 1,000 above idle, ± 5 %."""
    given = {"device": "card", "role": "specialist", "seconds": 0.1, "load_wh": 2.0, "peak_memory_bytes": 10 * GB,
             "idle_w": IDLE, **values}  # fmt: skip
    return Measured(
        model, task, gross=Amount.of(dynamic + 3, dynamic * 0.05), dynamic=Amount.of(dynamic, dynamic * 0.05), **given
    )


def general(dynamic=50.0, **values):
    return Side("big", {t: run("big", t, dynamic, role="general_purpose", **values) for t in MIX.shares})


def specialists(first=10.0, second=20.0, **values):
    return Side(
        "small ones", {"sort": run("s", "sort", first, **values), "answer": run("a", "answer", second, **values)}
    )


def work(result, side, calls):
    """Wh a day above idle of the chosen plan at so many calls."""
    whole = result.a if side == "A" else result.b
    return p.policy_cost(result.mix, whole, side, result.chosen[side], IDLE, calls).work.mean


def test_a_day_that_stays_loaded_is_idle_power_once_and_the_dynamic_energy_of_each_call():
    result = p.portfolio(MIX, general(), specialists(), card_bytes=80 * GB)
    a, b = result.cost("A"), result.cost("B")
    assert (a.idle.mean, a.calls.mean, a.loads.mean) == (2400.0, 50.0, 0.0)
    assert (b.idle.mean, b.calls.mean, b.loads.mean) == (2400.0, pytest.approx(0.8 * 10 + 0.2 * 20), 0.0)
    assert a.wh == Amount(2450.0, pytest.approx(24 * 99 + 47.5), pytest.approx(24 * 101 + 52.5))
    assert a.busy_hours == pytest.approx(1000 * 0.1 / 3600)
    assert result.verdict == "B"
    assert result.turns == ()


def test_models_that_do_not_fit_together_are_loaded_in_rounds():
    jobs = replace(MIX, rounds_per_day=24)
    result = p.portfolio(jobs, general(), specialists(peak_memory_bytes=50 * GB), card_bytes=80 * GB)
    assert result.chosen == {"A": "stay", "B": "swap"}
    assert result.cost("B").loads == Amount.exact(2 * 24 * 2.0)
    assert result.cost("B", "stay").loads.mean == 0
    assert result.verdict == "A"


def test_the_order_turns_where_both_take_the_same():
    result = p.portfolio(MIX, general(), specialists(peak_memory_bytes=50 * GB), card_bytes=80 * GB)
    (turn,) = result.turns
    at = turn.at
    assert at == pytest.approx(96 / (0.050 - 0.012))  # 48 loads of 2 Wh against what a call spares
    assert work(result, "A", at) == pytest.approx(work(result, "B", at))
    assert work(result, "A", at * 0.99) < work(result, "B", at * 0.99)
    assert work(result, "A", at * 1.01) > work(result, "B", at * 1.01)
    for calls, verdict in ((at * 0.5, "A"), (at * 2, "B")):
        again = p.portfolio(replace(MIX, calls_per_day=calls), result.a, result.b, card_bytes=80 * GB)
        assert (again.verdict, again.turns) == (verdict, result.turns)
    edges = [(turn.low * 0.999, "A"), (turn.low * 1.001, "tie"), (turn.high * 0.999, "tie"), (turn.high * 1.001, "B")]
    for edge, verdict in edges:
        again = p.portfolio(replace(MIX, calls_per_day=edge), result.a, result.b, card_bytes=80 * GB)
        assert again.verdict == verdict  # between the ends both tie, beyond them one is less


def a_random_portfolio(seed):
    draw = random.Random(seed)
    share = draw.uniform(0.05, 0.95)
    jobs = Mix(draw.uniform(1, 1e5), {"sort": share, "answer": 1 - share}, draw.choice([24, 12]), draw.randint(1, 48))
    a = general(draw.uniform(1, 60), load_wh=draw.uniform(0, 9))
    b = specialists(draw.uniform(1, 60), draw.uniform(1, 60), load_wh=draw.uniform(0, 9), peak_memory_bytes=50 * GB)
    return p.portfolio(jobs, a, b, card_bytes=draw.choice([80 * GB, 200 * GB]))


@pytest.mark.parametrize("seed", range(60))
def test_the_laws_of_any_mix(seed):
    result = a_random_portfolio(seed)
    crossings = [turn.at for turn in result.turns]
    counts = [0.0, *sorted(10 ** (power / 8) for power in range(-8, 60))]
    for side in "AB":
        costs = [work(result, side, calls) for calls in counts]
        assert costs[0] == 0  # without a call only the idle power is paid
        assert all(more >= less for less, more in itertools.pairwise(costs))
    for at in crossings:
        assert work(result, "A", at) == pytest.approx(work(result, "B", at), rel=1e-6)

    def order(calls):
        return work(result, "A", calls) < work(result, "B", calls)

    edges = [*crossings, 1e9]
    for left, right in itertools.pairwise([0.0, *edges]):  # between two turns the order never changes
        inside = [left + (right - left) * part for part in (0.01, 0.1, 0.5, 0.9, 0.99)]
        assert len({order(calls) for calls in inside}) == 1, (result.turns, left, right)
    for at in crossings:
        assert order(at * 0.999) != order(at * 1.001)


def test_some_of_these_mixes_turn_and_some_do_not():
    counts = [len(a_random_portfolio(seed).turns) for seed in range(60)]
    assert min(counts) == 0
    assert max(counts) >= 1


def test_a_card_that_is_off_at_night_loads_once_a_day_what_has_calls():
    result = p.portfolio(replace(MIX, hours_on=8), general(), specialists(), card_bytes=80 * GB)
    assert result.cost("A").idle.mean == 800
    assert result.cost("A").loads.mean == 2.0
    assert result.cost("B").loads.mean == 4.0
    rare = p.loaded(replace(MIX, hours_on=8), specialists(), "stay", 2.0)
    assert rare == {"s": 1.0, "a": pytest.approx(0.4)}  # a load for every second day's call


def test_the_idle_power_of_the_time_that_loading_takes_is_not_paid_twice():
    side = general(load_wh=2.0, load_s=36.0)
    assert p.load_wh(side, "big", IDLE) == Amount.exact(2.0 - 1.0)
    assert p.load_wh(general(load_wh=0.5, load_s=36.0), "big", IDLE).mean == 0


def test_one_model_for_two_tasks_is_loaded_and_kept_once():
    both = Side("one", {"sort": run("m", "sort", 5, peak_memory_bytes=3 * GB), "answer": run("m", "answer", 5)})
    assert both.memory_bytes == 10 * GB
    assert p.policy_of(both, 1) == "stay"
    assert p.loaded(MIX, both, "swap", 1000.0) == {"m": 0.0}


def test_intervals_that_meet_tie_and_an_unknown_load_leaves_no_verdict():
    assert p.portfolio(MIX, general(12.3), specialists(), 80 * GB).verdict == "tie"
    assert p.portfolio(MIX, general(15.0), specialists(), 80 * GB).verdict == "B"
    unknown = specialists(load_wh=None, peak_memory_bytes=50 * GB)
    result = p.portfolio(MIX, general(), unknown, 80 * GB)
    assert (result.verdict, result.turns) == ("unknown", None)
    assert "Where the order turns cannot be said." in portfolio_text.sentences(result)
    assert "what loading s, a takes is not available" in " ".join(portfolio_text.sentences(result))


def test_the_idle_power_decides_nothing():
    noisy = general(idle_w=Amount(140.0, 130.0, 150.0))
    result = p.portfolio(MIX, noisy, specialists(), 80 * GB)
    assert result.cost("A").idle == result.cost("B").idle == Amount(2880.0, 99.0 * 24, 150.0 * 24)
    assert result.verdict == "B"


def test_a_mix_without_a_verdict_has_its_reasons():
    missing = Side("small ones", {"sort": run("s", "sort", 10)})
    other_card = specialists(device="another card")
    no_idle = Side("big", {t: replace(general().by_task[t], dynamic=None) for t in MIX.shares})
    for a, b, says in (
        (general(), missing, "run of answer for small ones; measure one"),
        (general(), other_card, "different devices"),
        (no_idle, specialists(), "no idle baseline"),
    ):
        result = p.portfolio(MIX, a, b)
        assert (result.verdict, result.costs, result.turns) == ("unknown", (), ())
        assert says in " ".join(portfolio_text.sentences(result))
        assert portfolio_text.table(result).rows == ()


def test_a_mix_beyond_what_the_card_can_answer_says_so():
    result = p.portfolio(replace(MIX, calls_per_day=2e6), general(), specialists(), 80 * GB)
    assert result.capacity[0] == pytest.approx(86400 / 0.1)
    assert "one device answers about 864,000 calls of this mix a day, not 2,000,000" in " ".join(result.notes)


def test_the_answer_in_words():
    result = p.portfolio(MIX, general(quality=0.9), specialists(peak_memory_bytes=50 * GB), 80 * GB)
    text = " ".join(portfolio_text.sentences(result))
    assert text.startswith("For 1,000 calls a day (80% sort and 20% answer): less with big, 50 Wh (47.5 to 52.5 Wh)")
    assert "The order turns at 2,530 calls a day (2,340 to 2,750)." in text
    assert "Being on around the clock takes 2.4 kWh" in text
    assert "Quality, big against small ones: sort 0.9 against n/a" in text
    estimated = p.portfolio(MIX, general(estimated_share=0.4), specialists(), 80 * GB)
    assert "up to 40% of these energies was estimated, not measured" in estimated.notes
    shown = "\n".join(markdown.table(portfolio_text.table(result)))
    assert "| B: small ones | loaded in rounds (chosen) |" in shown
    never = p.portfolio(MIX, general(), specialists(), 80 * GB)
    assert "no break-even" in " ".join(portfolio_text.sentences(never))
    assert "fit in memory together is unknown" in " ".join(p.portfolio(MIX, general(), specialists()).notes)


def test_the_sides_are_the_widest_general_model_and_the_best_specialists():
    runs = [
        run("big", "sort", 50, role="general_purpose", quality=0.8),
        run("big", "answer", 50, role="general_purpose", quality=0.8),
        run("bigger", "sort", 90, role="general_purpose", quality=0.99),
        run("huge", "other", 9, role="general_purpose"),
        run("good", "sort", 10, quality=0.9), run("cheap", "sort", 1, quality=0.6),
        run("dear", "sort", 20, quality=0.9),
    ]  # fmt: skip
    a, b = sides(MIX, runs)
    assert a.name == "big"
    assert set(a.by_task) == set(MIX.shares)
    assert {task: run_of_record.model for task, run_of_record in b.by_task.items()} == {"sort": "good"}
    nothing = sides(MIX, [])
    assert p.portfolio(MIX, *nothing).verdict == "unknown"


def test_a_records_dynamic_and_idle_energy_are_those_of_its_metrics():
    record = a_record()
    metrics = named_metrics.metrics(record)
    run_of_record = measured(record, metrics)
    assert run_of_record.gross.mean == metrics["energy/total_wh_per_1k"]
    assert (
        run_of_record.dynamic is None
        if metrics["energy/dynamic_wh_per_1k"] is None
        else run_of_record.dynamic.mean >= 0
    )
    if run_of_record.idle_w is not None:  # being on is idle power for as long as an inference takes
        assert run_of_record.idle_w.mean * run_of_record.seconds * 1000 / 3600 == pytest.approx(
            metrics["energy/idle_wh_per_1k"]
        )
    assert measured(record, {**metrics, "energy/total_wh_per_1k": None}) is None


@pytest.mark.parametrize("name", known())
def test_every_mix_of_conf_holds_and_its_tasks_exist(name):
    from joulemark.core.paths import CONF

    assert all((CONF / "task" / f"{task}.yaml").is_file() for task in known()[name].shares)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"calls_per_day": -1}, "mix.calls_per_day=-1: must be 0 or more"),
        ({"calls_per_day": float("nan")}, "must be 0 or more"),
        ({"shares": {"sort": 0.5}}, "add up to 0.5"),
        ({"shares": {"sort": 1.0, "answer": 0.0}}, "leave out what has no calls"),
        ({"hours_on": 25}, "mix.hours_on=25: must be above 0 and at most 24"),
        ({"rounds_per_day": 0}, "must be 1 or more"),
        ({"share": 1}, "mix.share=… does not exist"),
        ({"calls_per_day": "many"}, "mix.calls_per_day=many"),
    ],
)
def test_a_mix_that_cannot_be_is_refused_in_one_line(values, says):
    with pytest.raises(UserError, match=re.escape(says)) as raised:
        mix({"calls_per_day": 10, "shares": {"sort": 1.0}, **values}, "mine")
    assert "\n" not in str(raised.value)
