"""My use: exact joules times calls, the site's own figures, intervals carried, nonsense refused."""

from dataclasses import replace

import pytest

from joulemark.analysis import emissions, named_metrics
from joulemark.analysis.impact.amount import Amount
from joulemark.analysis.impact.usage import DAYS, Cost, cost, my_use, use
from joulemark.analysis.impact.usage_text import sentences, table
from joulemark.core import markdown
from joulemark.core.errors import UserError
from joulemark.core.machine import Site
from tests.records import a_record

HERE = Site("here", zone="FRA", g_per_kwh=50.0, pue=1.2, price_per_kwh=0.25, currency="EUR",
            heat_reuse=0.5, heat_replaces="heat_pump")  # fmt: skip


def a_cost(**values):
    return Cost(**{"model": "m", "task": "t", "device": "card", "batch_size": 1, "per_1k": Amount(100.0, 90.0, 110.0),
                   "site": HERE, **values})  # fmt: skip


def test_a_week_and_a_year_are_the_calls_times_what_a_call_takes():
    mine = my_use(use(30, "week"), a_cost())
    assert mine.week.wh == Amount(pytest.approx(3.0), pytest.approx(2.7), pytest.approx(3.3))
    assert mine.year.wh.mean == pytest.approx(3.0 * 365 / 7)
    assert mine.year.grams.mean == pytest.approx(mine.year.wh.mean / 1000 * 1.2 * 50)
    assert mine.year.money.mean == pytest.approx(mine.year.wh.mean / 1000 * 1.2 * 0.25)
    assert mine.year.building_wh.mean == pytest.approx(mine.year.wh.mean * 1.2)
    assert mine.year.money.low / mine.year.money.mean == pytest.approx(0.9)
    assert mine.year.heat_wh.mean == pytest.approx(mine.year.wh.mean * 0.5 / 3)  # no PUE, and a heat pump's third


@pytest.mark.parametrize("per", DAYS)
def test_the_same_use_in_another_span_takes_the_same(per):
    a, b = my_use(use(7, "week"), a_cost()), my_use(use(DAYS[per], per), a_cost())
    assert a.year.wh.mean == pytest.approx(b.year.wh.mean)


def test_what_the_site_does_not_say_is_none_and_named():
    mine = my_use(use(30, "week"), a_cost(site=Site("somewhere")))
    assert (mine.year.grams, mine.year.money, mine.year.heat_wh) == (None, None, None)
    text = " ".join(sentences(mine))
    assert "no price (site.price_per_kwh=…) and no zone (site.zone=…)" in text
    assert "money" not in "\n".join(markdown.table(table(mine)))


def test_the_heat_is_taken_off_nothing():
    with_heat, without = (
        my_use(use(9, "day"), a_cost()),
        my_use(use(9, "day"), a_cost(site=replace(HERE, heat_reuse=None, heat_replaces=None))),
    )
    assert with_heat.year.grams == without.year.grams
    assert "taken off nothing" in " ".join(sentences(with_heat))
    assert "heating" not in " ".join(sentences(without))


def test_idle_energy_batching_and_waiting_are_caveats():
    mine = my_use(use(1, "day"), a_cost(idle_wh_per_1k=40.0, batch_size=8, idle_w=100.0, per_s=2.0, load_wh=0.2))
    text = " ".join(sentences(mine))
    assert "40% of an inference's energy at batch 8 is idle (static) energy" in text
    assert "calls that come one at a time cost more" in text
    assert mine.waiting_wh == pytest.approx(100 * 168 * (1 - 0.5 / 86400))
    assert "Loading the model once takes 200 mWh, as much as 2 inferences" in text


def test_more_calls_than_a_card_can_answer_are_named():
    mine = my_use(use(86400 * 3, "day"), a_cost(per_s=2.0))
    assert mine.busy_share == pytest.approx(1.5)
    assert mine.busy_share > 1
    assert "would take 2 of them" in " ".join(sentences(mine))
    assert mine.waiting_wh is None


def test_an_evenings_game_stands_beside_a_week():
    assert "1/300 of an evening's game" in " ".join(sentences(my_use(use(30, "week"), a_cost())))
    assert "10 times as much as an evening's game" in " ".join(sentences(my_use(use(90000, "week"), a_cost())))


def test_what_no_coin_pays_is_below_one_and_no_number_has_an_exponent():
    text = "\n".join(markdown.table(table(my_use(use(1, "year"), a_cost()))))
    assert "below 0.01 EUR" in text
    assert "e-" not in text


def test_a_record_gives_its_own_energy_and_site():
    record = a_record()
    metrics = named_metrics.metrics(record)
    run_cost = cost(record, metrics)
    assert run_cost.per_1k.mean == metrics["energy/total_wh_per_1k"]
    assert run_cost.batch_size == 2
    mine = my_use(use(1000, "week"), run_cost)
    assert mine.week.grams is None if record.site.g_per_kwh is None else mine.week.grams
    assert cost(record, {**metrics, "energy/total_wh_per_1k": None}) is None
    assert "100% of this energy was estimated" in " ".join(sentences(mine))


def test_a_use_of_a_thousand_is_what_the_run_itself_says_of_a_thousand():
    joules = 100.0 * 3600 / 1000
    own = emissions.metrics(joules, HERE)
    mine = my_use(use(1000, "week"), a_cost())
    assert mine.week.grams.mean == pytest.approx(own["emissions/g_per_1k"])
    assert mine.week.money.mean == pytest.approx(own["cost/per_1k"])
    assert mine.week.heat_g.mean == pytest.approx(own["heat/credit_g_per_1k"])


@pytest.mark.parametrize("count", [0, -3, float("nan"), float("inf"), "many", None, True])
def test_nonsense_is_refused_in_one_line(count):
    with pytest.raises(UserError, match="type how many inferences, a number above 0") as raised:
        use(count, "week")
    assert "\n" not in str(raised.value)


def test_an_unknown_span_is_refused_with_the_nearest():
    with pytest.raises(UserError, match=r"did you mean use\.per=week"):
        use(3, "weeks")
