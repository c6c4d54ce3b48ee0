"""What a terminal shows of many runs: the lowest with its verdict, failures, and what makes a verdict."""

from dataclasses import replace

from joulemark.core.answer import MOST
from joulemark.reporting import table_answer
from joulemark.reporting.table import FAILED, Row
from tests.reporting.test_table import GENERAL, SPECIALIST, energy, repeated

REPEAT = "next: the same line with repeats=3, fresh processes of each setting in turn"


def lines(rows, asked=None):
    return table_answer.of(rows, len(rows) if asked is None else asked).brief()


def test_one_process_of_each_setting_establishes_nothing_and_says_what_does():
    assert lines([SPECIALIST, GENERAL]) == [
        "text classification: small takes the least of 2: 2.00 ± 0.06 Wh per 1,000, accuracy 0.910 (indicated, not "
        "established)",
        "   large: 14.2 ± 0.6 Wh, 7.10×, accuracy 0.950",
        "indicated, not established: 1 process of a setting, where 3 are needed",
        "flags: warmup_not_converged (1 of 2), each explained by -v",
        REPEAT,
    ]


def test_processes_that_decide_nothing_are_not_told_to_be_measured_the_same_way_again():
    short = [replace(row, tags={**row.tags, "flags": "preliminary"}) for row in (SPECIALIST, GENERAL)]
    shown = lines([*short, *short, *short])
    assert shown[-1] == "next: the same line with protocol=standard repeats=3, on a machine that does nothing else"


def test_three_processes_of_each_establish_it_and_a_tie_is_a_set():
    shown = lines([*repeated(SPECIALIST, 2.0), *repeated(GENERAL, 14.2)])
    assert shown[0].endswith("(established)")
    assert shown[2] == "established, by 3 processes of each setting or more"
    assert REPEAT not in shown
    twins = lines([*repeated(SPECIALIST, 2.0), *repeated(replace(SPECIALIST, model="twin"), 2.0)])
    assert twins[0].startswith("text classification: small and twin tie for the least of 2: ")


def test_what_failed_and_what_was_not_begun_stand_beside_the_answer():
    failed = Row("summarization", "large", status=FAILED, error="out of memory")
    assert lines([SPECIALIST, failed], asked=5)[:3] == [
        "text classification: small: 2.00 ± 0.06 Wh per 1,000, accuracy 0.910",
        "1 of 5 failed: large: out of memory",
        "3 of 5 not begun",
    ]
    late = replace(energy(GENERAL, 0.1, 0.01), status=FAILED, error="out of memory")
    assert lines([SPECIALIST, late])[:2] == [
        "text classification: small: 2.00 ± 0.06 Wh per 1,000, accuracy 0.910",
        "1 of 2 failed: large: out of memory",
    ]
    assert lines([failed]) == ["no run was measured", "1 of 1 failed: large: out of memory"]


def test_rows_of_other_inputs_are_held_against_each_other_in_no_line():
    other = replace(energy(GENERAL, 0.1, 0.01), inputs="task=text_classification samples=7")
    shown = lines([SPECIALIST, other])
    assert not any("takes the least" in line for line in shown)
    assert [line.partition(": ")[0] for line in shown[1:3]] == [
        "text classification", "text classification, samples=7",
    ]  # fmt: skip
    batch = replace(energy(SPECIALIST, 0.1, 0.01), inputs="task=text_classification batch_size=8", model="b8")
    assert "b8 takes the least of 2" in lines([SPECIALIST, batch])[0]


def test_many_tasks_are_counted_with_what_a_general_purpose_model_takes():
    rows = [
        replace(energy(row, wh, 0.03), task=task, inputs=f"task={task}")
        for place, task in enumerate("abcdefghij")
        for row, wh in ((SPECIALIST, 2.0), (GENERAL, 4.0 + place))
    ]
    shown = lines(rows)
    assert shown[0] == (
        "20 runs of 10 tasks: a general-purpose model takes 2.00× (a) to 6.50× (j) the energy of the specialist"
    )
    assert "10 of 10 indicated, not established: 1 process of a setting, where 3 are needed" in shown
    assert len(shown) == MOST
