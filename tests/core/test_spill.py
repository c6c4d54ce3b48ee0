"""A list that goes to disk beyond its first items, and is a list all the same."""

import tracemalloc

import pytest

from joulemark.core import spill
from joulemark.core.spill import Spilled

ITEMS = [(f"id {number}", "text " * number, number % 3 == 0) for number in range(40)]


@pytest.fixture(params=[0, 7, 100], ids=["all on disk", "some", "none"])
def spilled(request, monkeypatch):
    monkeypatch.setattr(spill, "IN_MEMORY", request.param)
    made = Spilled()
    made.extend(ITEMS)
    return made


def test_what_was_put_in_comes_out_in_order_wherever_it_lies(spilled):
    assert len(spilled) == 40
    assert list(spilled) == ITEMS
    assert list(spilled) == ITEMS
    assert [spilled[place] for place in (39, 0, 7, 6, -1)] == [ITEMS[place] for place in (39, 0, 7, 6, -1)]
    assert spilled[3:12] == ITEMS[3:12]
    assert spilled[::-5] == ITEMS[::-5]
    with pytest.raises(IndexError):
        spilled[40]


def test_it_goes_on_after_it_was_read_and_begins_anew_after_it_was_emptied(spilled):
    assert spilled[20] == ITEMS[20]
    spilled.append("more")
    assert (spilled[39], spilled[40], len(spilled)) == (ITEMS[39], "more", 41)
    spilled.clear()
    spilled.append("new")
    assert list(spilled) == ["new"]


def test_ten_times_the_items_take_little_more_memory(monkeypatch):
    monkeypatch.setattr(spill, "IN_MEMORY", 100)

    def peak(count):
        tracemalloc.start()
        made = Spilled()
        made.extend(f"item {number} " + "x" * 200 for number in range(count))
        assert sum(len(item) > 200 for item in made) == count
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    assert peak(50_000) < 2 * peak(5000)
