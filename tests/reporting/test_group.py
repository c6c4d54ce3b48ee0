"""What may be ranked together: the key of joulemark.analysis.comparison, the prompt, and the boundary."""

from dataclasses import replace

import pytest

from joulemark.analysis import comparability
from joulemark.reporting import recommendation_text, sections
from joulemark.reporting.constraints import Constraints
from joulemark.reporting.decision import decide
from joulemark.reporting.group import groups
from joulemark.reporting.selection import completed
from tests.records import a_record
from tests.reporting.runs import an_entry

CHANGES = {
    "inputs": lambda record: replace(record, task=replace(record.task, digest="other")),
    "task option": lambda record: replace(record, task=replace(record.task, max_new_tokens=99)),
    "protocol": lambda record: replace(record, protocol=replace(record.protocol, window_s=99.0)),
    "samples": lambda record: replace(record, task=replace(record.task, samples=99)),
    "device": lambda record: replace(record, hardware=replace(record.hardware, gpu_name="Card")),
}
SAME = {
    "model": lambda record: replace(record, model=replace(record.model, name="other")),
    "batch": lambda record: replace(record, settings=replace(record.settings, batch_size=99, precision="bf16")),
    "guards": lambda record: replace(record, protocol=replace(record.protocol, audit_rel=0.5, max_windows=99)),
    "where the inputs were found": lambda record: replace(record, task=replace(record.task, source="elsewhere")),
}


@pytest.mark.parametrize("name", [*CHANGES, *SAME])
def test_runs_are_of_one_group_where_analysis_comparison_finds_no_difference(name):
    a = a_record()
    b = (CHANGES | SAME)[name](a)
    same = not list(comparability.differences(a, b))
    assert same == (name in SAME)
    assert (comparability.tags(a)["compare.key"] == comparability.tags(b)["compare.key"]) == same


def test_the_card_of_two_records_is_compared_as_analysis_comparison_does():
    a = a_record()
    b = replace(a, environment=replace(a.environment, cpu="another"))
    assert (comparability.tags(a)["compare.card"] == comparability.tags(b)["compare.card"]) == (
        comparability.card(a) == comparability.card(b)
    )
    assert comparability.tags(a)["compare.card"] == comparability.tags(a_record())["compare.card"]


def test_a_record_gives_what_its_runs_tags_would():
    tags = completed(a_record())
    assert tags["windows"] == "3"
    assert len(tags["compare.key"]) == 12


def test_a_specialist_is_compared_with_the_general_purpose_models_of_every_prompt_and_two_prompts_are_two_groups():
    entries = [
        an_entry("specialist"),
        an_entry("one", role="general_purpose", compare__prompt="p1"),
        an_entry("other", role="general_purpose", compare__prompt="p2"),
    ]
    result = groups(entries)
    assert sorted(sorted(entry.model for entry in group.entries) for group in result) == [
        ["one", "specialist"], ["other", "specialist"],
    ]  # fmt: skip


def test_an_external_run_is_of_its_own_boundary_whatever_else_is_equal():
    entries = [an_entry("ours"), an_entry("theirs", boundary="eight GPUs"), an_entry("others", boundary="one GPU")]
    assert len(groups(entries)) == 3


def test_two_tasks_are_never_one_group_even_with_one_key():
    assert len(groups([an_entry("a"), an_entry("a", task="summarization")])) == 2


def test_preliminary_runs_of_a_sweep_stand_last_however_many_they_are():
    screening = [an_entry(f"m{number}", flags="preliminary", compare__key="s") for number in range(5)]
    result = an_entry("m", compare__key="f")
    first, last = groups([*screening, result])
    assert first.entries == (result,)
    assert not first.preliminary
    assert last.preliminary
    shown = tuple(decide(group, Constraints()) for group in (last, first))
    assert shown[0].chosen is None
    assert any("preliminary" in line for line in recommendation_text.how_sure(shown[0]))
    assert not any("too short to quote" in line for line in recommendation_text.how_sure(shown[1]))
    assert max(shown, key=lambda each: each.weight) is shown[1]


def test_preliminary_runs_have_no_equivalences_where_there_is_a_result():
    preliminary, result = (
        an_entry("preliminary", flags="preliminary", compare__key="s"),
        an_entry("result", compare__key="f"),
    )
    records = {entry.run_id: a_record() for entry in (preliminary, result)}

    def spoken(*entries):
        made = sections.sections([decide(group, Constraints()) for group in groups(entries)], records, {})
        return str([table.rows for section in made for table in section.tables])

    assert "preliminary" not in spoken(preliminary, result)
    assert spoken(preliminary) == "[]"  # nothing is recommended, so there is nothing to translate
