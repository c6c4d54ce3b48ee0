"""Others' results in a report: in groups of their own, with what their source counted as their energy."""

from joulemark.reporting import recommendation_text
from joulemark.reporting.group import groups
from joulemark.reporting.selection import GPU, _counted
from joulemark.reporting.stored_entry import ENERGY
from joulemark.store import listing
from tests.reporting.runs import a_page, a_run, an_entry, recommend

OTHERS = {"external": "true", "boundary": "the GPU alone", "record__id": None, "compare__key": None, "command": None}


def test_of_a_result_that_counts_the_gpu_alone_that_is_the_total():
    run = a_run(wh=None, metrics={GPU: 2.0}, **OTHERS)
    assert _counted(run).metrics[ENERGY] == 2.0
    ours = a_run(wh=None, metrics={GPU: 2.0})
    assert ENERGY not in _counted(ours).metrics  # of ours a component that is not available leaves the total unknown


def test_rows_that_hold_loading_too_are_no_measurement_of_inferences():
    assert listing.measured({"external": "true", "external.kind": "mean"})
    assert not listing.measured({"external": "true", "external.kind": "row"})
    assert not listing.measured({"kind": "sweep"})


def test_others_results_are_never_in_a_group_with_ours():
    entries = [an_entry(model="ours"), an_entry(model="theirs", **OTHERS)]
    assert len(groups(entries)) == 2


def test_a_result_whose_settings_are_unknown_is_named_by_its_model_alone():
    entry = an_entry(model="theirs", **OTHERS)
    bare = type(entry)(**{name: getattr(entry, name) for name in entry.__slots__} | {"precision": "", "batch": None})
    assert recommendation_text.headline(recommend([bare])) == "Only choice: theirs."
    assert "theirs" in "".join(
        recommendation_text.headline(recommendation)
        for recommendation in a_page([a_run(model="theirs", **OTHERS)]).recommendations
    )
