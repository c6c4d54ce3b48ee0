"""By which energy a report ranks its runs, and that it says which and why."""

import json

import pytest

from joulemark.core.errors import UserError
from joulemark.reporting import compared, constraints, files, recommendation_text
from joulemark.reporting.cells import merged
from joulemark.reporting.decision import decide
from joulemark.reporting.group import groups
from joulemark.reporting.stored_entry import entry
from tests.reporting.runs import a_page, a_run


def processes(model, gross, dynamic, busy=0.2, flags="host_busy", **changes):
    """Three processes of a setting, their energies a hundredth apart."""
    return [
        a_run(
            model, gross * share, gross * 0.1, flags=flags, compare__cell=f"cell of {model}",
            metrics={
                **({"utilization/gpu": busy} if busy is not None else {}),
                **({"energy/dynamic_wh_per_1k": dynamic * share, "energy/dynamic_ci95_rel": 0.02} if dynamic else {}),
            },
            **changes,
        )
        for share in (0.99, 1.0, 1.01)
    ]  # fmt: skip


def ranked(*settings, option="auto"):
    """The one recommendation of the runs of some settings, and what was left out."""
    runs = [run for setting in settings for run in setting]
    entries, left_out = compared.compared([entry(run, run.tags) for run in runs], option)
    (group,) = groups(merged(entries))
    return decide(group, constraints.constraints({})), left_out


# Waiting made the first one's gross energy high: it does less work
WAITING, WORKING = ("waiting", 2.0, 0.3), ("working", 1.0, 0.6)


def test_on_a_shared_host_whose_gpu_mostly_waits_dynamic_energy_decides_and_elsewhere_gross():
    result, _ = ranked(processes(*WAITING), processes(*WORKING))
    assert (result.chosen.model, result.group.quantity.name, result.sure) == ("waiting", "dynamic", "established")
    assert result.lead.ratio == pytest.approx(2.0)
    for changes in ({"busy": 0.8}, {"flags": "truncated"}, {"busy": None}):
        other, _ = ranked(processes(*WAITING, **changes), processes(*WORKING, **changes))
        assert (other.chosen.model, other.group.quantity.name) == ("working", "gross")


@pytest.mark.parametrize(("option", "chosen"), [("gross", "working"), ("dynamic", "waiting")])
def test_the_option_decides_whatever_the_host_was(option, chosen):
    for flags in ("host_busy", "truncated"):
        settings = processes(*WAITING, flags=flags), processes(*WORKING, flags=flags)
        result, _ = ranked(*settings, option=option)
        assert (result.chosen.model, result.group.quantity.reason) == (chosen, "as asked")
    with pytest.raises(UserError, match="quantity=net does not exist"):
        compared.check("net")


def test_one_run_without_dynamic_energy_leaves_gross_unless_dynamic_is_typed():
    settings = processes(*WAITING), processes("unknown", 0.5, None)
    result, left_out = ranked(*settings)
    assert (result.chosen.model, result.group.quantity.name, left_out) == ("unknown", "gross", ())
    assert "3 of 6 runs have no dynamic energy" in result.group.quantity.reason
    result, left_out = ranked(*settings, option="dynamic")
    assert result.chosen.model == "waiting"
    assert {run.reason for run in left_out} == {compared.LACKING}


def test_a_process_that_decides_nothing_does_not_choose_for_the_others():
    settings = [processes(*each, flags="truncated") for each in (WAITING, WORKING)]
    result, _ = ranked(*settings, processes("bad", 0.1, 0.1, flags="contaminated")[:1])
    assert result.group.quantity.name == "gross"


def test_a_specialist_is_ranked_by_one_quantity_whatever_prompt_it_stands_beside():
    runs = processes("specialist", 1.0, 0.3)
    for prompt, busy in (("a", 0.1), ("b", 0.9)):
        runs += processes(f"general-{prompt}", 3.0, 1.0, busy=busy, compare__prompt=prompt)
    entries, _ = compared.compared([entry(run, run.tags) for run in runs], "auto")
    assert {group.quantity.name for group in groups(merged(entries))} == {"dynamic"}


def test_the_words_the_markdown_the_page_and_the_json_say_which_energy_and_why():
    page = a_page([*processes(*WAITING), *processes(*WORKING)])
    (result,) = page.recommendations
    (said,) = [line for line in recommendation_text.how_sure(result) if line.startswith("Compared by")]
    assert said.startswith("Compared by dynamic energy: the host is shared and the GPU was busy for 20%")
    assert "the dynamic energy" in recommendation_text.runner_up(result)
    assert said in files.markdown(page)
    facts = dict(recommendation_text.facts(result))
    assert next(iter(facts)) == "dynamic energy per 1,000"
    assert facts["energy per 1,000"].startswith("2.00 ± ")
    assert facts["dynamic energy per 1,000"].startswith("300 ± ")
    (written,) = json.loads(files.as_json(page, {}))["recommendations"]
    assert (written["quantity"], "busy for 20%" in written["quantity_reason"]) == ("dynamic", True)
    assert (written["chosen"]["wh_per_1k"], written["chosen"]["dynamic_wh_per_1k"]) == pytest.approx((2.0, 0.3))
    drawn = page.data
    assert drawn["groups"][0]["quantity"] == "dynamic"
    assert (drawn["numbers"]["energy"], drawn["numbers"]["gross_wh"]) == ([0.3, 0.6], [2, 1])
    assert "gross_wh" not in a_page(processes(*WORKING, busy=0.9)).data["numbers"]
