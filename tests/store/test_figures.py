"""The figures of a run: valid SVG that stands alone, estimates hatched, and none where nothing was measured."""

import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from joulemark.analysis import named_metrics
from joulemark.core.measurement import Measurement
from joulemark.store import figures
from tests.records import a_record

pytestmark = pytest.mark.data  # matplotlib takes a second to import


def drawn(record):
    return figures.latency(record), figures.energy(record, named_metrics.metrics(record))


def test_both_figures_are_svg_that_needs_nothing_from_outside():
    for svg in drawn(a_record()):
        assert ET.fromstring(svg).tag.endswith("svg")
        assert "<script" not in svg
        assert not [line for line in svg.splitlines() if "href=" in line and 'href="#' not in line]


def test_an_estimate_is_hatched_and_a_reading_is_not():
    record = a_record()
    estimated = figures.energy(record, named_metrics.metrics(record))
    windows = tuple(
        replace(w, readings=tuple(replace(r, method=dict.fromkeys(r.method, "counter")) for r in w.readings))
        for w in record.measurement.windows
    )
    counted = replace(record, measurement=replace(record.measurement, windows=windows))
    assert "<pattern" in estimated
    assert "<pattern" not in figures.energy(counted, named_metrics.metrics(counted))
    assert "CPU" in estimated
    assert "GPU" not in estimated


def test_a_name_from_a_file_cannot_break_out_of_the_figure():
    record = replace(a_record(), model=replace(a_record().model, name="</svg><script>alert(1)</script> $x_$"))
    for svg in drawn(record):
        assert "<script" not in svg


def test_one_value_and_equal_values_can_be_drawn():
    record = a_record()
    window = replace(record.measurement.windows[0], batch_s=[0.5])
    assert figures.latency(replace(record, measurement=replace(record.measurement, windows=(window,))))


def test_without_a_window_there_is_nothing_to_draw():
    assert drawn(replace(a_record(), measurement=Measurement())) == (None, None)
