"""What energy is said to be worth: sourced, in sensible numbers, computers first and cars last."""

import re

import pytest
import yaml

from joulemark.analysis.impact import equivalences
from joulemark.analysis.impact.equivalences import KINDS, known
from joulemark.core.errors import UserError

ENERGIES = [10 ** (power / 3) for power in range(-20, 40)]


@pytest.mark.parametrize("thing", known(), ids=lambda thing: thing.name)
def test_every_thing_says_who_says_so_and_when(thing):
    assert thing.kind in KINDS
    assert len(thing.source) > 20
    assert 2005 <= thing.year <= 2026
    assert thing.version >= 1


def test_the_figures_follow_from_what_their_sources_state():
    things = {thing.name: thing for thing in known()}
    assert things["stream"].watts == 77
    assert things["search"].units[0].wh == pytest.approx(0.0003 * 1000)
    assert things["kettle"].units[1].wh == pytest.approx(4186 * 85 / 3600 / 0.9, rel=1e-3)
    assert things["phone"].units[1].wh == pytest.approx(4.0 * 3.85 / 0.8)
    assert things["car"].units[1].wh == pytest.approx(33700 / 99 / 1.609344, rel=1e-3)
    for thing in things.values():
        sizes = [unit.wh for unit in thing.scale]
        assert sizes == sorted(sizes)


@pytest.mark.parametrize("thing", known(), ids=lambda thing: thing.name)
def test_a_number_lies_between_a_tenth_and_a_thousand_or_is_left_out(thing):
    for wh in ENERGIES:
        phrase = thing.phrase(wh)
        if phrase is not None:
            number = float(re.search(r"[\d.,]+", phrase)[0].replace(",", ""))
            assert 0.1 <= number <= 1000, phrase
        else:
            assert wh / thing.scale[0].wh < 0.1 or wh / thing.scale[-1].wh >= 1000


@pytest.mark.parametrize("thing", known(), ids=lambda thing: thing.name)
def test_a_phrase_is_the_energy_again_to_its_two_digits(thing):
    for wh in ENERGIES:
        phrase = thing.phrase(wh)
        if phrase is None:
            continue
        number = float(re.search(r"[\d.,]+", phrase)[0].replace(",", ""))
        units = [u.wh for u in thing.scale if phrase.startswith((f"{number:g} {u.singular}", f"{number:g} {u.plural}"))]
        assert any(number * size == pytest.approx(wh, rel=0.051) for size in units), (phrase, wh)


def test_computers_come_first_and_cars_last():
    for wh in ENERGIES:
        order = [KINDS.index(thing.kind) for thing in known() if thing.phrase(wh)]
        assert order == sorted(order)
    assert known()[0].name == "game"
    assert known()[-1].kind == "car"


def test_a_count_of_1_is_in_the_singular():
    assert equivalences.named("game").phrase(300) == "1 hour of a game on a gaming PC with its display"
    assert equivalences.named("game").phrase(600).startswith("2 hours")
    assert equivalences.sentences(300, 1) == ("about 1 hour of a game on a gaming PC with its display",)


def test_an_energy_that_is_no_number_of_anything_has_no_equivalence():
    assert equivalences.sentences(0.0) == ()
    assert equivalences.table(1e-12).rows == ()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("kind: rocket", "rocket does not exist"),
        ("basis: guess", "guess does not exist"),
        ("watts: null", "either watts or units"),
        ("watts: 0", "above 0"),
        ("sentence: hours of it", "must hold {amount}"),
        ("watts: -1", "above 0"),
        ("power: 3", "power=… does not exist"),
    ],
)
def test_a_broken_file_is_refused_in_one_line(tmp_path, text, says):
    whole = {"kind": "computer", "order": 1, "sentence": "{amount} of it", "basis": "physics", "source": "s",
             "year": 2020, "version": 1, "watts": 3}  # fmt: skip
    key, _, value = text.partition(": ")
    (tmp_path / "one.yaml").write_text(yaml.safe_dump({**whole, key: yaml.safe_load(value)}))
    with pytest.raises(UserError, match=re.escape(says)) as raised:
        known(tmp_path)
    assert "\n" not in str(raised.value)


def test_the_page_of_documentation_has_every_source():
    from joulemark.core import markdown
    from joulemark.core.paths import CONF

    page = (CONF.parent / "docs" / "impact.md").read_text()
    for line in "\n".join(markdown.table(equivalences.sources())).splitlines()[2:]:
        assert line in page  # print("\n".join(markdown.table(sources()))) is the table to put there
