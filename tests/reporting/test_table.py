"""The table of a suite: a ratio only where the noise carries one, a warning once, nothing made up."""

from dataclasses import replace

from joulemark.core.answer import Answer
from joulemark.reporting.table import FAILED, Row, below, markdown, merged, warnings

SPECIALIST = Row(
    "text_classification",
    "small",
    "task=text_classification",
    metrics={"energy/total_wh_per_1k": 2.0, "energy/ci95_rel": 0.03, "quality/primary": 0.91},
    tags={"role": "specialist", "dataset": "embedded", "metric": "accuracy", "device": "EPYC", "flags": "estimated"},
)
GENERAL = replace(
    SPECIALIST,
    model="large",
    metrics={"energy/total_wh_per_1k": 14.2, "energy/ci95_rel": 0.04, "quality/primary": 0.95},
    tags={**SPECIALIST.tags, "role": "general_purpose", "flags": "estimated, warmup_not_converged"},
)


def against(*rows):
    return [line for line in below(rows) if "quality" in line]


def energy(row, wh, spread):
    return replace(row, metrics={**row.metrics, "energy/total_wh_per_1k": wh, "energy/ci95_rel": spread})


def test_a_general_purpose_model_is_stated_in_multiples_of_the_specialist_on_the_same_inputs():
    small, large = merged(repeated(SPECIALIST, 2.0) + repeated(GENERAL, 14.2))
    assert against(small, large) == [
        "text_classification: large costs 7.10× (6.94× to 7.26×) the energy of small, quality 0.95 against 0.91"
    ]
    assert against(GENERAL) == []
    assert against(SPECIALIST, replace(GENERAL, inputs="task=text_classification task.dataset=imdb")) == []
    assert against(SPECIALIST, replace(GENERAL, tags={**GENERAL.tags, "dataset": "imdb"})) == []


def repeated(row, wh):
    return [energy(row, wh * share, 0.03) for share in (0.99, 1.0, 1.01)]


def test_what_is_indistinguishable_ties_and_one_process_establishes_nothing():
    (tie,) = against(*merged(repeated(SPECIALIST, 2.0) + repeated(GENERAL, 2.005)))
    assert "tie on energy" in tie
    (open_,) = against(SPECIALIST, energy(GENERAL, 14.2, 0.04))
    assert "7.10× the energy, not established (B is indicated" not in open_
    assert "7.10× the energy, not established" in open_
    undecided = replace(GENERAL, tags={**GENERAL.tags, "flags": "not_converged"})
    assert "no value is available" in against(SPECIALIST, undecided)[0]


def test_processes_of_one_setting_are_one_row_and_those_that_decide_nothing_are_left_out_of_its_mean():
    rows = [*repeated(SPECIALIST, 2.0), replace(energy(SPECIALIST, 9.0, 0.5), tags={"flags": "not_converged"})]
    (row,) = merged(rows)
    assert (row.energy, len(row.values)) == (2.0, 3)
    assert merged([Row("t", "m", status=FAILED), Row("t", "m", status=FAILED)]) != []


def test_the_specialist_compared_is_the_one_of_the_highest_quality():
    better = energy(
        replace(SPECIALIST, model="better", metrics={**SPECIALIST.metrics, "quality/primary": 0.94}), 4.0, 0.01
    )
    assert "against better" in against(SPECIALIST, better, GENERAL)[0]
    blind = [replace(row, metrics={**row.metrics, "quality/primary": None}) for row in (better, SPECIALIST, GENERAL)]
    (line,) = against(*blind)
    assert "against small" in line
    assert "no quality to compare" in line


def test_a_warning_is_printed_once_with_the_runs_it_concerns():
    lines = warnings([SPECIALIST, GENERAL])
    assert len(lines) == 2
    assert lines[0].startswith("estimated: more of this energy was estimated")
    assert lines[0].endswith("(every run)")
    assert lines[1].endswith("(large on text_classification)")


def test_a_description_begins_with_the_answer_and_quotes_what_speaks_against_it():
    text = markdown([SPECIALIST, GENERAL], answer=Answer(["small takes the least", "large: 7x"], ["not established"]))
    first, further, sure, warning, *_ = [line for line in text.splitlines() if line]
    assert first == "**small takes the least**"
    assert (further, sure) == ("- large: 7x", "- not established")
    assert warning.startswith("> estimated: ")
    assert text.index("> warmup_not_converged") < text.index("| task |")
    assert "!" not in text


def test_what_is_not_available_is_n_a_and_a_failure_says_why():
    failed = Row("summarization", "large", status=FAILED, error="out of memory")
    text = markdown([failed, SPECIALIST])
    assert "| summarization | large | n/a | n/a | n/a | 0 | n/a | n/a | failed |" in text
    assert "| text_classification | small | 0.91 accuracy | 2 | 3% | 1 | n/a | n/a |  |" in text
    assert "- summarization, large failed: out of memory" in text


def test_two_rows_that_would_read_the_same_show_the_options_in_which_they_differ():
    few, many = (
        replace(SPECIALIST, inputs=f"samples={samples} task.path=mine.csv task=text_classification")
        for samples in (10, 500)
    )
    text = markdown([few, many, GENERAL])
    assert "| text_classification samples=10 | small |" in text
    assert "| text_classification samples=500 | small |" in text
    assert "| text_classification | large |" in text
