"""The table of a suite: a ratio only where the noise carries one, a warning once, nothing made up."""

from dataclasses import replace

from joulemark.reporting.table import FAILED, Row, below, markdown

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
    tags={**SPECIALIST.tags, "role": "general_purpose", "flags": "estimated, not_converged"},
)


def beside(*rows):
    return [line for line in below(rows) if "quality" in line]


def energy(row, wh, spread):
    return replace(row, metrics={**row.metrics, "energy/total_wh_per_1k": wh, "energy/ci95_rel": spread})


def test_a_general_model_is_told_in_multiples_of_the_specialist_on_the_same_inputs():
    assert beside(SPECIALIST, GENERAL) == [
        "text_classification: large costs 7.1× (6.6× to 7.6×) the energy of small, quality 0.95 against 0.91"
    ]
    assert beside(GENERAL) == []
    assert beside(SPECIALIST, replace(GENERAL, inputs="task=text_classification task.dataset=imdb")) == []
    assert beside(SPECIALIST, replace(GENERAL, tags={**GENERAL.tags, "dataset": "imdb"})) == []


def test_intervals_that_overlap_are_a_tie_and_without_an_interval_there_is_no_ratio():
    (tie,) = beside(SPECIALIST, energy(GENERAL, 2.1, 0.03))
    assert "tie on energy" in tie
    (apart,) = beside(SPECIALIST, energy(GENERAL, 2.2, 0.03))
    assert "1.1×" in apart
    (rough,) = beside(energy(SPECIALIST, 2.0, 1.2), energy(GENERAL, 14.2, 0.04))
    assert "large costs at least 3.1× the energy" in rough
    (unknown,) = beside(SPECIALIST, energy(GENERAL, 14.2, None))
    assert "no ratio" in unknown


def test_the_specialist_beside_it_is_the_one_that_answers_best():
    better = energy(
        replace(SPECIALIST, model="better", metrics={**SPECIALIST.metrics, "quality/primary": 0.94}), 4.0, 0.01
    )
    assert "of better" in beside(SPECIALIST, better, GENERAL)[0]
    blind = [replace(row, metrics={**row.metrics, "quality/primary": None}) for row in (better, SPECIALIST, GENERAL)]
    (line,) = beside(*blind)
    assert "of small" in line
    assert "no quality to compare" in line


def test_a_warning_is_said_once_with_whom_it_concerns():
    lines = [line for line in below([SPECIALIST, GENERAL]) if line.startswith("!")]
    assert len(lines) == 2
    assert lines[0].startswith("! estimated: more of this energy was estimated")
    assert lines[0].endswith("(every run)")
    assert lines[1].endswith("(large on text_classification)")


def test_what_was_not_read_is_a_dash_and_a_failure_says_why():
    failed = Row("summarization", "large", status=FAILED, error="out of memory")
    text = markdown([failed, SPECIALIST])
    assert "| summarization | large | n/a | n/a | n/a | n/a | n/a | failed |" in text
    assert "| text_classification | small | 0.91 accuracy | 2 | 3% | n/a | n/a |  |" in text
    assert "- summarization, large failed: out of memory" in text
