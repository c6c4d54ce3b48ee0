"""A record in words: what a reader must see beside the numbers."""

from dataclasses import replace

from joulemark.analysis import audit, caveats, description, named_metrics, result_table
from joulemark.core.measurement import Reading, Work
from tests.records import a_record

REASON = "meter=rapl: only root may read the counters; type sudo chmod a+r …"


def absent(record, **reasons):
    return replace(record, environment=replace(record.environment, meters_absent=reasons))


def test_a_sensor_without_permission_is_named_with_its_remedy_on_the_terminal_and_in_the_page():
    record = absent(a_record(), rapl=REASON)
    assert f"not available: {REASON}" in caveats.warnings(record)
    assert f"> not available: {REASON}" in description.markdown(record, named_metrics.metrics(record)).splitlines()


def test_a_part_of_the_row_above_is_further_in_where_leading_spaces_are_not_shown():
    record = a_record()
    metrics = named_metrics.metrics(record)
    shown = [line for line in description.markdown(record, metrics).splitlines() if line.startswith("| ")][1:]
    told = [what for what, _, _ in result_table.rows(record, metrics)]
    assert [line.startswith("| &emsp;") for line in shown] == [what.startswith(" ") for what in told]
    assert any(what.startswith(" ") for what in told)


def test_a_card_that_was_not_requested_is_no_missing_sensor():
    record = absent(a_record(), nvml="meter=nvml: no card", trace="meter=trace: no card")
    assert caveats.absent(record) == []
    card = replace(record, hardware=replace(record.hardware, device="cuda", uuid="GPU-b"))
    assert caveats.absent(card) == ["not available: meter=nvml: no card", "not available: meter=trace: no card"]


def test_the_socket_has_a_line_only_where_it_was_read():
    record = a_record()
    measurement = record.measurement
    assert not any("socket" in what for what, _, _ in result_table.rows(record, named_metrics.metrics(record)))
    windows = tuple(
        replace(w, readings=(*w.readings, Reading("wall", w.duration_s, wall_j=110.0 * w.duration_s)))
        for w in measurement.windows
    )
    read = replace(record, measurement=replace(measurement, windows=windows, idle=()))
    line = next(row for row in result_table.rows(read, named_metrics.metrics(read)) if "socket" in row[0])
    assert line[2] == "external meter; the components are 50% of it"


def of_two_cards(record):
    """The record as if two cards had been read by their counters."""
    cards = {"device": "cuda", "gpu_name": "NVIDIA H100", "uuid": "GPU-1a2b3c4d-0000", "beside": ((1, "GPU-b"),)}
    windows = tuple(
        replace(w, readings=(Reading("nvml", w.duration_s, gpu_j=600.0, method={"gpu": "counter"}), *w.readings))
        for w in record.measurement.windows
    )
    return replace(
        record, hardware=replace(record.hardware, **cards), measurement=replace(record.measurement, windows=windows)
    )


def test_a_sum_of_two_cards_says_so_with_their_uuids_and_their_number_in_the_title():
    record = of_two_cards(a_record())
    line = next(row for row in result_table.rows(record, named_metrics.metrics(record)) if row[0].strip() == "GPU")
    assert line[2] == "counter, 2 GPUs, summed (GPU-1a2b3c4d…, GPU-b)"
    assert "2 x NVIDIA H100" in description.title(record)
    single = replace(record, hardware=replace(record.hardware, beside=()))
    line = next(row for row in result_table.rows(single, named_metrics.metrics(single)) if row[0].strip() == "GPU")
    assert (line[2], "2 x" in description.title(single)) == ("counter", False)


def test_nobody_is_advised_to_calibrate_two_cards_which_cannot_be():
    record = of_two_cards(a_record())
    record = replace(record, measurement=replace(record.measurement, work=Work(1e9, 1e6)))
    floor = next(
        row for row in result_table.rows(record, named_metrics.metrics(record)) if row[0].startswith("lower bound")
    )
    assert (floor[1], "calibrate" in floor[2]) == ("n/a", False)
    single = replace(record, hardware=replace(record.hardware, beside=()))
    floor = next(
        row for row in result_table.rows(single, named_metrics.metrics(single)) if row[0].startswith("lower bound")
    )
    assert "type python -m src.calibrate" in floor[2]


def test_net_and_being_on_say_how_each_of_their_components_was_known():
    measurement = a_record().measurement
    parts = tuple(
        Reading(
            "fake",
            1.0,
            gpu_j=watts,
            cpu_j=10.0,
            method={"gpu": "counter", "cpu": "estimated"},
        )
        for watts in (99.0, 100.0, 101.0)
    )
    windows = tuple(
        replace(w, readings=(replace(parts[0], duration_s=w.duration_s, gpu_j=300.0 * w.duration_s),))
        for w in measurement.windows
    )
    record = replace(a_record(), measurement=replace(measurement, idle=parts, windows=windows))
    evidence = {what.strip(): how for what, _, how in result_table.rows(record, named_metrics.metrics(record))}
    by = "GPU counter, CPU estimated"
    assert evidence["idle (static)"] == f"idle power x time; GPU idle 100 W ± 2.5 W (95 %): {by}"
    assert evidence["dynamic (above idle)"] == f"gross less idle, the marginal cost: {by}"
    read = replace(record, measurement=replace(record.measurement, idle=tuple(replace(p, cpu_j=None) for p in parts)))
    evidence = {what.strip(): how for what, _, how in result_table.rows(read, named_metrics.metrics(read))}
    assert evidence["dynamic (above idle)"] == "gross less idle, the marginal cost: GPU counter"


def test_the_page_answers_in_its_first_sentence_with_interval_quality_and_verdict_before_it_lists():
    record = a_record()
    metrics = named_metrics.metrics(record)
    lines = [line for line in description.markdown(record, metrics).splitlines() if line and not line.startswith(">")]
    assert lines[0].startswith(f"**fake needs {metrics['energy/total_wh_per_1k']:.4g} Wh per 1,000 inferences**, ± ")
    state, reason = audit.verdict(record)
    assert lines[0].endswith(f": **{state}** ({reason}).")
    assert f"{len(record.measurement.windows)} windows of one process" in lines[0]
    assert f"at {record.task.metric} {metrics['quality/primary']:.3g} (" in lines[0]
    assert lines[1] == description.title(record)
    listed = next(place for place, line in enumerate(lines) if line.startswith("|"))
    assert listed > 1


def test_a_run_without_windows_or_quality_says_so_in_its_first_sentence_and_invents_neither():
    record = replace(a_record(), flags=())
    nothing = replace(record, measurement=replace(record.measurement, windows=()), status="failed", error="it broke")
    first = description.markdown(nothing, named_metrics.metrics(nothing)).splitlines()[0]
    assert first == "**fake: no window was measured**: **failed** (it broke)."
    unscored = replace(record, scores={"accuracy": None, "primary": None}, request_summary=None, requests=())
    first = description.markdown(unscored, named_metrics.metrics(unscored)).splitlines()[0]
    assert "accuracy" not in first


def test_titles_that_read_the_same_say_what_differs():
    record = a_record()
    more = replace(record, task=replace(record.task, samples=7, digest="f" * 16))
    other = replace(record, task=replace(record.task, digest="e" * 16))
    title = description.title(record)
    assert description.titles([record, record]) == [title, title]
    assert description.titles([record, more]) == [f"{title}, {record.task.samples} inputs", f"{title}, 7 inputs"]
    first, second = description.titles([record, other])
    assert (first, second) == (f"{title}, inputs {record.task.digest[:8]}", f"{title}, inputs eeeeeeee")
