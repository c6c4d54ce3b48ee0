"""What may be ranked together: the key of joulemark.analysis.comparison, the prompt, and the boundary."""

from dataclasses import replace

import pytest

from joulemark.analysis import comparability
from joulemark.reporting import page_data, recommendation_text, sections
from joulemark.reporting.constraints import Constraints
from joulemark.reporting.decision import decide
from joulemark.reporting.group import groups
from joulemark.reporting.selection import completed
from tests.records import a_record
from tests.reporting.runs import an_entry

CHANGES = {
    "inputs": lambda one: replace(one, task=replace(one.task, digest="other")),
    "task option": lambda one: replace(one, task=replace(one.task, max_new_tokens=99)),
    "protocol": lambda one: replace(one, protocol=replace(one.protocol, window_s=99.0)),
    "samples": lambda one: replace(one, task=replace(one.task, samples=99)),
    "device": lambda one: replace(one, hardware=replace(one.hardware, gpu_name="Card")),
}
SAME = {
    "model": lambda one: replace(one, model=replace(one.model, name="other")),
    "batch": lambda one: replace(one, settings=replace(one.settings, batch_size=99, precision="bf16")),
    "guards": lambda one: replace(one, protocol=replace(one.protocol, audit_rel=0.5, max_windows=99)),
    "where the inputs were found": lambda one: replace(one, task=replace(one.task, source="elsewhere")),
}


@pytest.mark.parametrize("name", [*CHANGES, *SAME])
def test_runs_are_of_one_group_where_src_comparison_finds_no_difference(name):
    a = a_record()
    b = (CHANGES | SAME)[name](a)
    same = not list(comparability.differences(a, b))
    assert same == (name in SAME)
    assert (comparability.tags(a)["compare.key"] == comparability.tags(b)["compare.key"]) == same


def test_the_card_of_two_records_is_told_as_src_comparison_tells_it():
    a = a_record()
    b = replace(a, environment=replace(a.environment, cpu="another"))
    assert (comparability.tags(a)["compare.card"] == comparability.tags(b)["compare.card"]) == (
        comparability.card(a) == comparability.card(b)
    )
    assert comparability.tags(a)["compare.card"] == comparability.tags(a_record())["compare.card"]


def test_a_record_tells_what_its_runs_tags_would():
    found = completed(a_record())
    assert found["windows"] == "3"
    assert len(found["compare.key"]) == 12


def test_a_specialist_stands_beside_the_general_models_of_every_prompt_and_two_prompts_are_two_groups():
    entries = [
        an_entry("specialist"),
        an_entry("one", role="general_purpose", compare__prompt="p1"),
        an_entry("other", role="general_purpose", compare__prompt="p2"),
    ]
    found = groups(entries)
    assert sorted(sorted(one.model for one in group.entries) for group in found) == [
        ["one", "specialist"], ["other", "specialist"],
    ]  # fmt: skip


def test_an_external_run_is_of_its_own_boundary_whatever_else_is_equal():
    entries = [an_entry("ours"), an_entry("theirs", boundary="eight GPUs"), an_entry("others", boundary="one GPU")]
    assert len(groups(entries)) == 3


def test_two_tasks_are_never_one_group_even_with_one_key():
    assert len(groups([an_entry("a"), an_entry("a", task="summarization")])) == 2


def test_a_sweeps_first_looks_stand_behind_what_can_be_quoted_however_many_they_are():
    looks = [an_entry(f"m{number}", flags="preliminary", compare__key="s") for number in range(5)]
    result = an_entry("m", compare__key="f")
    first, last = groups([*looks, result])
    assert first.entries == (result,)
    assert not first.preliminary
    assert last.preliminary
    shown = tuple(decide(group, Constraints()) for group in (last, first))
    assert shown[0].chosen is None
    assert any("preliminary" in line for line in recommendation_text.how_sure(shown[0]))
    assert not any("too short to quote" in line for line in recommendation_text.how_sure(shown[1]))
    assert max(shown, key=page_data._weight) is shown[1]


def test_first_looks_are_not_translated_where_there_is_a_result():
    look, result = (
        an_entry("look", flags="preliminary", compare__key="s"),
        an_entry("result", compare__key="f"),
    )
    records = {one.run_id: a_record() for one in (look, result)}

    def spoken(*entries):
        made = sections.sections([decide(group, Constraints()) for group in groups(entries)], records, {})
        return str([table.rows for section in made for table in section.tables])

    assert "look" not in spoken(look, result)
    assert spoken(look) == "[]"  # nothing is recommended, so there is nothing to translate
