"""A record in words: what a reader must see beside the numbers."""

from dataclasses import replace

from src import describe, summary
from src.core import Reading
from tests.records import a_record

REASON = "meter=rapl: only root may read the counters; type sudo chmod a+r …"


def absent(record, **reasons):
    return replace(record, environment={**record.environment, "meters_absent": reasons})


def test_a_sensor_without_permission_is_named_with_its_remedy_on_the_terminal_and_in_the_page():
    record = absent(a_record(), rapl=REASON)
    assert f"not read: {REASON}" in describe.warnings(record)
    assert f"> not read: {REASON}" in describe.markdown(record, summary.metrics(record)).splitlines()


def test_a_card_that_was_not_asked_for_is_no_missing_sensor():
    record = absent(a_record(), nvml="meter=nvml: no card", trace="meter=trace: no card")
    assert describe.absent(record) == []
    card = replace(record, hardware={**record.hardware, "uuid": "GPU-b"})
    assert describe.absent(card) == ["not read: meter=nvml: no card", "not read: meter=trace: no card"]


def test_the_socket_has_a_line_only_where_it_was_read():
    record = a_record()
    found = record.measurement
    assert not any("socket" in what for what, _, _ in describe.rows(record, summary.metrics(record)))
    windows = tuple(
        replace(w, readings=(*w.readings, Reading("wall", w.duration_s, wall_j=110.0 * w.duration_s)))
        for w in found.windows
    )
    read = replace(record, measurement=replace(found, windows=windows, idle=()))
    line = next(row for row in describe.rows(read, summary.metrics(read)) if "socket" in row[0])
    assert line[2] == "external meter; the components are 50% of it"
