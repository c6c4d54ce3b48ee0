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


def test_net_and_being_on_say_how_each_of_their_components_was_known():
    found = a_record().measurement
    parts = tuple(
        Reading(
            "fake",
            1.0,
            gpu_j=watts,
            cpu_j=10.0,
            method={"gpu": "counter", "cpu": "modelled"},
        )
        for watts in (99.0, 100.0, 101.0)
    )
    windows = tuple(
        replace(w, readings=(replace(parts[0], duration_s=w.duration_s, gpu_j=300.0 * w.duration_s),))
        for w in found.windows
    )
    record = replace(a_record(), measurement=replace(found, idle=parts, windows=windows))
    told = {what.strip(): how for what, _, how in describe.rows(record, summary.metrics(record))}
    by = "GPU counter, CPU estimated (modelled)"
    assert told["of which being on"] == f"idle power x time; GPU idle 100 W ± 2.5 W (95 %): {by}"
    assert told["of which net = marginal"] == f"one more inference while on anyway: {by}"
    read = replace(record, measurement=replace(record.measurement, idle=tuple(replace(p, cpu_j=None) for p in parts)))
    told = {what.strip(): how for what, _, how in describe.rows(read, summary.metrics(read))}
    assert told["of which net = marginal"] == "one more inference while on anyway: GPU counter"
