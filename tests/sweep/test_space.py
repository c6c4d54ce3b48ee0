"""The space: what is left out before a sweep, with its reason, and what may never be searched."""

import pytest

from joulemark.core.errors import UserError
from joulemark.sweep.space import Dimension, require_searchable, space, without_choice

BATCH, PRECISION = Dimension("batch_size", ("1", "8", "64")), Dimension("precision", ("fp32", "bf16"))


def judge(**refused):
    """Refuses overrides by a part of them, with a reason."""

    def judged(overrides):
        text = " ".join(overrides)
        return next((why for part, why in refused.items() if all(w in text for w in part.split("_and_"))), None)

    return judged


def test_every_combination_is_a_point_in_the_order_of_the_overrides():
    result = space([BATCH, PRECISION], ("model=m",), judge())
    assert len(result.points) == 6
    assert result.points[0] == ("batch_size=1", "precision=fp32")
    assert result.excluded == ()


def test_a_override_that_can_be_in_no_point_is_one_line_and_takes_all_its_points():
    result = space([BATCH, PRECISION], (), judge(bf16="this device cannot"))
    assert [str(line) for line in result.excluded] == ["excluded: precision=bf16 (3 points): this device cannot"]
    assert all("precision=bf16" not in point for point in result.points)
    assert len(result.points) == 3


def test_a_pair_that_is_invalid_leaves_its_overrides_in_other_points():
    result = space([BATCH, PRECISION], (), judge(bf16_and_64="too much"))
    assert [line.overrides for line in result.excluded] == [("batch_size=64", "precision=bf16")]
    assert len(result.points) == 5


def test_points_and_those_excluded_are_the_whole_grid():
    for refused in ({}, {"bf16": "a"}, {"bf16_and_64": "b"}, {"bf16": "a", "batch_size=8": "b"}):
        result = space([BATCH, PRECISION], (), judge(**refused))
        assert len(result.points) + sum(line.points for line in result.excluded) == 6


def test_an_option_of_which_only_the_runs_own_value_is_left_is_no_dimension_unless_it_was_typed():
    cache, sort = Dimension("cache", ("dynamic", "static")), Dimension("sort", ("length",))
    made = space([BATCH, cache, sort], (), judge(static="no such cache"))
    narrowed = without_choice(made, ["cache=dynamic", "sort=none"], ())
    assert narrowed.dimensions == (BATCH, sort)
    assert narrowed.points == tuple((size, "sort=length") for size in BATCH.overrides)
    assert narrowed.excluded == made.excluded != ()
    assert without_choice(made, ["cache=dynamic"], ["cache"]) == made
    assert without_choice(made, ["cache=static"], ()) == made


def test_a_reason_that_does_not_name_the_batch_size_is_asked_for_once():
    asked = []

    def refusal(overrides):
        asked.append(overrides)
        return "this device cannot" if "precision=bf16" in overrides else None

    assert len(space([BATCH, PRECISION], (), refusal).points) == 3
    assert len(asked) == 4


def test_an_empty_space_says_why():
    with pytest.raises(UserError, match=r"nothing is left to search: no card"):
        space([BATCH, PRECISION], (), judge(batch="no card"))


@pytest.mark.parametrize("value", ["0", "-1", "x", "1.5"])
def test_a_batch_size_is_a_whole_number(value):
    with pytest.raises(UserError, match=f"batch_size={value}"):
        space([Dimension("batch_size", (value,))], (), judge())


@pytest.mark.parametrize(
    "key", ["task", "task.dataset", "protocol.window_s", "protocol", "seed", "samples", "site.zone", "hardware.index"]
)
def test_what_makes_runs_comparable_cannot_be_searched(key):
    with pytest.raises(UserError, match="cannot be searched"):
        require_searchable(key, ["batch_size", "seed", "samples"], ["task.steps"])


def test_a_key_of_the_task_that_changes_outputs_can_be_searched_where_it_is_named():
    require_searchable("task.steps", [], ["task.steps"])
    with pytest.raises(UserError):
        require_searchable("task.steps", [], [])


def test_a_key_that_no_run_has_is_refused_with_the_nearest():
    with pytest.raises(UserError, match=r"did you mean sweep\.space=batch_size"):
        require_searchable("batch_sise", ["batch_size", "precision"], [])


def test_the_plainest_point_has_the_smallest_batch_and_then_the_first_overrides():
    result = space([PRECISION, BATCH], (), judge())
    ranked = sorted(result.points, key=result.rank)
    assert ranked[0] == ("precision=fp32", "batch_size=1")
    assert ranked[1] == ("precision=bf16", "batch_size=1")
    assert ranked[-1] == ("precision=bf16", "batch_size=64")
