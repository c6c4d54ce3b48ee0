"""What a record says of its inputs: of how many classes they are, and in which order they were read."""

from dataclasses import replace

from joulemark.analysis import caveats, comparability
from joulemark.core.task import Inputs, Sample
from joulemark.measure.draft import draft
from tests.fakes import FakeClock
from tests.measure.test_runner import a_run

MIXED = Inputs((Sample("a", "x", "positive"), Sample("b", "y", "negative"), Sample("c", "z", None)))
ALIKE = Inputs((Sample("a", "x", "positive"), Sample("b", "y", "positive"), Sample("c", "z", None)))
UNKNOWN = Inputs((Sample("a", "x"), Sample("b", "y")))


def of(inputs, **changes):
    run = a_run(FakeClock())
    return draft(replace(run, dataset=replace(run.dataset, **changes)), inputs)


def test_inputs_of_one_class_are_flagged_and_those_of_several_or_of_unknown_classes_are_not():
    assert [of(inputs).task.classes for inputs in (MIXED, ALIKE, UNKNOWN)] == [2, 1, None]
    assert of(ALIKE).flags == ("one_class",)
    assert of(MIXED).flags == of(UNKNOWN).flags == ()
    repeated = Inputs((Sample("a", "x", "positive"), Sample("b", "x", "positive")))
    assert of(repeated).flags == ("one_class",)
    single = draft(a_run(FakeClock(), samples=1), Inputs(ALIKE.samples[:1]))
    assert single.flags == ()  # one request cannot be of two classes


def test_another_order_of_reading_is_another_set_of_inputs():
    first, second, same = of(MIXED), of(MIXED, shuffle=1), of(MIXED, shuffle=1)
    assert (first.task.shuffle, second.task.shuffle) == (None, 1)
    assert not any("shuffle" in line for line in comparability.differences(second, same))
    assert any("task shuffle: none and 1" in line for line in comparability.differences(first, second))
    assert comparability.tags(first)["compare.key"] != comparability.tags(second)["compare.key"]
    assert comparability.tags(same)["compare.key"] == comparability.tags(second)["compare.key"]


def test_what_is_known_of_the_inputs_is_said_before_the_model_is_loaded():
    skipped = tuple(f"row {n}: field 'text' is empty" for n in range(5))
    assert caveats.of_inputs(of(MIXED)) == []
    assert caveats.of_inputs(of(replace(ALIKE, skipped=skipped))) == [
        "skipped: row 0: field 'text' is empty",
        "skipped: row 1: field 'text' is empty",
        "skipped: row 2: field 'text' is empty",
        "skipped: 2 further rows",
        f"one_class: {caveats.EXPLAINED['one_class']}",
    ]


def test_rows_that_are_not_like_the_rest_are_flagged_with_how_they_differ():
    inputs = replace(MIXED, sampling_bias="0 % of the first 2 rows are neutral, of all 9 it is 33 %")
    record = of(inputs)
    assert record.flags == ("sorted_rows",)
    assert caveats.of_inputs(record) == [f"sorted_rows: {caveats.EXPLAINED['sorted_rows']} ({inputs.sampling_bias})"]
    assert any(inputs.sampling_bias in line for line in caveats.warnings(record))
    assert comparability.tags(record)["compare.key"] == comparability.tags(of(MIXED))["compare.key"]
    assert of(replace(inputs, samples=ALIKE.samples)).flags == ("one_class",)


def test_few_of_the_declared_labels_are_flagged_unless_the_rows_are_shuffled():
    names = tuple(f"c{n}" for n in range(40))
    held = Inputs(tuple(Sample(str(n), n, f"c{n % 3}") for n in range(40)))
    assert of(held, labels=names).flags == ("sorted_rows",)
    assert (
        of(held, labels=names).task.sampling_bias == "the first 40 rows hold 3 of the 40 labels that the data declares"
    )
    assert of(held, labels=names, shuffle=0).flags == of(held, labels=names[:3]).flags == ()
