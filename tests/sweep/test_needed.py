"""A sweep's plan says what a difference takes on this machine, and of what nothing was measured yet."""

from types import SimpleNamespace

from joulemark.analysis.planning import Windows
from joulemark.core.cell import Cell
from joulemark.store.cells import Remembered
from joulemark.sweep.needed import NOTHING, in_words, sentences

RUN = SimpleNamespace(
    label="m",
    samples=1000,
    task=SimpleNamespace(metric="accuracy"),
    procedure=SimpleNamespace(max_windows=10),
)
KNOWN = Remembered((Cell((1.0, 1.03, 0.97)),), (Windows(3, 0.02), Windows(5, 0.01)), {"m": 0.9, "other": 0.5})


def test_what_was_measured_here_says_how_many_processes_windows_and_samples_a_difference_takes():
    text = in_words(KNOWN, RUN, 0.05)
    assert text.startswith("plan: telling 5 % apart takes ")
    assert "processes a side (repeats=" in text
    assert "3.00% between processes (pooled over 1 setting measured here, 2 degrees of freedom)" in text
    assert "windows in each (2 runs, 10 at most)" in text
    assert "samples for accuracy (by 0.9; 1,000 are given)" in text
    assert "not known" not in text


def test_what_nothing_was_measured_for_is_not_known_yet():
    assert in_words(NOTHING, RUN, 0.05) == (
        "plan: what telling 5 % apart takes is not known yet here: processes (type repeats=3: no setting was measured "
        "in several), windows, samples for accuracy"
    )
    some = Remembered(KNOWN.cells, (Windows(1, 0.1),), {"other": 0.9})
    assert in_words(some, RUN, 0.05).endswith("; not known yet here: windows, samples for accuracy")


def test_a_smaller_difference_takes_more_of_each():
    fine, coarse = ([int(word.replace(",", "")) for word in in_words(KNOWN, RUN, share).split()
                     if word.replace(",", "").isdigit()][1:] for share in (0.02, 0.1))  # fmt: skip
    assert all(more >= fewer for more, fewer in zip(fine, coarse, strict=True))
    assert fine != coarse


def test_a_sweep_that_records_nowhere_remembers_nothing():
    assert sentences(SimpleNamespace(run=RUN, tracking_uri=None)) == []
