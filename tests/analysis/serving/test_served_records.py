"""What a record of a served run says: its metrics, flags and words, and with what it compares."""

import json
from dataclasses import replace

import pytest

from joulemark.analysis import (
    audit,
    caveats,
    comparability,
    comparison,
    description,
    flags,
    named_metrics,
    result_table,
)
from joulemark.core.measurement import Reading
from joulemark.core.record_json import from_json, to_json
from joulemark.core.serving import EngineFacts, ScenarioFacts, Schedule
from joulemark.core.traffic import Timing
from tests.analysis.serving.served import SCENARIO, served
from tests.analysis.serving.test_traffic import four, queue
from tests.analysis.serving.timings import answered
from tests.records import a_record


def test_the_metrics_of_a_case_by_hand():
    metrics = named_metrics.metrics(served())
    expected = {
        "energy/j_per_output_token": 1000 / 66,
        "energy/j_per_total_token": 1000 / 666,
        "energy/j_per_request": 1000 / 6,
        "energy/j_per_good_request": 1000 / 6,
        "energy/wh_per_day_at_rate": 100 * 24,
        "serving/idle_share": 0.4,
        "serving/rate_attained_per_s": 6 / 3.5,
        "serving/goodput_requests_per_s": 6 / 3.5,
        "serving/goodput_tokens_per_s": 66 / 3.5,
        "serving/output_tokens_per_s": 66 / 3.5,
        "serving/ttft_p50_s": 0.25,
        "serving/tpot_p99_s": 0.075,
        "serving/latency_p90_s": 1.0,
        "serving/mean_concurrency": 6 / 3.5,
        "serving/busy_share": 1.0,
        "serving/users": 2,
        "serving/generator_cpu_s": 0.5,
        "serving/steady_s": 1.75,
        "energy/steady_j_per_request": 175 / 4,
        "power/steady_mean_w": 100.0,
        "energy/unattributed_share": 0.65,
        "latency/ttft_s": 0.25,
    }
    assert {name: metrics[name] for name in expected} == pytest.approx(expected)
    assert metrics["serving/itl_p50_s"] == pytest.approx(0.075, rel=0.001)
    assert 0 < metrics["energy/prefill_share"] < 1
    for name in ("serving/rate_asked_per_s", "serving/kept_up"):  # of a closed loop
        assert metrics[name] is None


def test_what_is_not_known_is_none_and_never_nothing():
    whole = [answered(n, n, first_s=None, finished_s=n + 1.0, tokens=(None, None)) for n in range(4)]
    metrics = named_metrics.metrics(served(whole, idle=False))
    for name in ("ttft_p50_s", "tpot_p50_s", "goodput_requests_per_s", "input_tokens", "output_tokens", "idle_share"):
        assert metrics[f"serving/{name}"] is None, name
    for name in ("j_per_output_token", "j_per_total_token", "j_per_good_request", "prefill_share"):
        assert metrics[f"energy/{name}"] is None, name
    assert metrics["energy/j_per_request"] == pytest.approx(250.0)
    assert metrics["latency/ttft_s"] is None
    assert metrics["serving/steady_s"] is None


def test_energy_is_over_all_answers_and_good_ones_apart():
    late = [answered(n, n, first_s=n + 0.6, finished_s=n + 1.0, tokens=(5, 7)) for n in range(3)]  # TTFT above 0.5 s
    metrics = named_metrics.metrics(served([*late, answered(3, 3.0, first_s=3.1, finished_s=4.0, tokens=(5, 7))]))
    assert metrics["energy/j_per_output_token"] == pytest.approx(1000 / 28)
    assert metrics["energy/j_per_good_request"] == pytest.approx(1000.0)
    assert named_metrics.metrics(served(late))["energy/j_per_good_request"] is None  # of none


def test_a_run_of_fixed_batches_has_no_metric_of_traffic():
    assert not [name for name in named_metrics.metrics(a_record()) if name.startswith("serving/")]


def test_joules_of_a_window_that_lacks_a_component_are_none():
    record = served()
    (window,) = record.measurement.windows
    other = Reading("rapl", 10.0, cpu_j=100.0, method={"cpu": "rapl"})
    lost = replace(window, readings=(replace(window.readings[0], gpu_j=-1.0), other))
    metrics = named_metrics.metrics(replace(record, measurement=replace(record.measurement, windows=(lost,))))
    for name in ("energy/j_per_request", "energy/wh_per_day_at_rate", "energy/steady_j_per_output_token"):
        assert metrics[name] is None, name


def raised(record):
    return flags.measurement_flags(record.measurement, "hub")


def test_one_window_of_traffic_is_not_called_unconverged():
    record = served()
    assert raised(record) == ()
    batches = replace(record.measurement, traffic=None)
    assert "not_converged" in flags.measurement_flags(batches, "hub")


def test_requests_that_failed_or_timed_out_raise_a_flag_that_says_why():
    record = served(four(), Schedule(4, (0.0, 1.0, 2.0, 4.0)))
    record = replace(record, flags=raised(record))
    assert "errors" in record.flags
    assert audit.verdict(record)[0] == "doubtful"
    (line,) = [line for line in caveats.warnings(record) if line.startswith("errors")]
    assert line.endswith("(1 failed, 1 timed out; 1 x 503)")


def test_a_rate_that_was_not_kept_up_with_is_overload_and_one_that_was_is_none():
    at_s = [number / 10 for number in range(400)]
    over = served(queue(10.0, 0.2), Schedule(400, at_s))
    assert "overloaded" in raised(over)
    text = caveats.warnings(replace(over, flags=raised(over)))
    assert any("50% of 10 requests/s were kept up with" in line for line in text)
    assert "overloaded" not in raised(served(queue(10.0, 0.099), Schedule(400, at_s)))


def test_a_load_generator_that_is_late_or_busy_is_overload():
    late = [answered(n, n, n + 0.02, n + 0.3, n + 1.0) for n in range(9)]  # 20 of 300 ms
    assert "overloaded" in raised(served(late))
    prompt = [answered(n, n, n + 0.01, n + 0.3, n + 1.0) for n in range(9)]
    record = served(prompt)
    assert "overloaded" not in raised(record)
    busy = replace(record.measurement.traffic, generator_cpu_s=5.0)  # of 9 s
    assert "overloaded" in raised(replace(record, measurement=replace(record.measurement, traffic=busy)))


def test_requests_that_were_never_sent_raise_a_flag():
    record = served([answered(first_s=0.5), Timing(1, 1, 0.5)])
    assert raised(record) == ("unsent",)
    assert any("1 were not" in line for line in caveats.warnings(replace(record, flags=raised(record))))


def lines(record):
    return {
        what.strip(): (value, evidence)
        for what, value, evidence in result_table.rows(record, named_metrics.metrics(record))
    }


def test_the_table_of_a_served_run_shows_the_traffic_and_no_batches():
    shown = lines(served())
    assert shown["traffic"] == ("concurrency, 2 users", "6 answered, in 3.5 s")
    assert shown["goodput"][1] == "6 of 6 answers within TTFT 0.5 s"
    assert shown["energy per output token"][0] == "15.15 J"
    assert shown["steady part, per output token"][1] == "from 0.75 to 2.5 s, 4 requests, by mean power"
    assert shown["time to first token, p50 / p90 / p99"][0] == "0.25 / 0.25 / 0.25 s"
    assert shown["energy per 1,000"][1].startswith("one window of traffic")
    assert "throughput" not in shown
    assert "throughput" in lines(a_record())
    assert "traffic" not in lines(a_record())


def test_the_table_says_why_there_is_no_steady_part_and_no_share():
    shown = lines(served([answered(0, first_s=None, finished_s=0.05)]))
    assert shown["steady part"][1] == "answers come whole: no first token is known"
    assert "resolve" in shown["energy of each request"][1]


def test_the_description_names_engine_and_load_and_holds_every_row():
    record = served()
    text = description.markdown(record, named_metrics.metrics(record))
    assert "m · t · fp32 · continuous · concurrency, 2 users" in text
    assert "15.15 J per output token" in text
    assert description.title(a_record()).split(" · ")[3].startswith("batch")


def test_a_record_with_traffic_is_read_as_it_was_written():
    record = served()
    again = from_json(json.loads(json.dumps(to_json(record))))
    assert named_metrics.metrics(again) == named_metrics.metrics(record)


def test_runs_of_another_load_or_engine_do_not_compare():
    record = served()
    assert list(comparability.differences(record, record)) == []
    faster = replace(record, scenario=ScenarioFacts("concurrency", {**SCENARIO.options, "users": 4}))
    assert list(comparability.differences(record, faster)) == ["scenario users: 2 and 4"]
    other = replace(record, engine=EngineFacts("vllm", "0.11"))
    assert list(comparability.differences(record, other)) == ["engine: continuous and vllm"]
    assert list(comparability.differences(record, other, across_engines=True)) == []
    assert comparison.compare(record, other).reasons
    assert not comparison.compare(record, other, across_engines=True).reasons


def test_the_keys_of_stored_runs_say_the_same():
    record = served()
    keys = comparability.tags(record)
    other = comparability.tags(replace(record, engine=EngineFacts("vllm", "0.11")))
    assert keys["compare.key"] == other["compare.key"]  # so that engines can be ranked together where that is asked
    assert (keys["engine"], other["engine"]) == ("continuous", "vllm")
    faster = replace(record, scenario=ScenarioFacts("concurrency", {**SCENARIO.options, "users": 4}))
    assert comparability.tags(faster)["compare.key"] != keys["compare.key"]


def test_a_cell_is_of_one_engine_with_its_version_and_settings_and_of_one_load():
    record = served()
    tuned = EngineFacts("continuous", "5.17", {"max_batch_tokens": 512})
    newer = EngineFacts("continuous", "5.18", {"max_batch_tokens": 256})
    others = [replace(record, engine=engine) for engine in (tuned, newer, EngineFacts())]
    others.append(replace(record, scenario=ScenarioFacts("concurrency", {"users": 4})))
    cells = {comparability.cell_of(each) for each in (record, *others)}
    assert len(cells) == 5
    assert comparability.cell_of(replace(record, id="other")) in cells


def test_fixed_batches_keep_the_digests_that_stores_already_hold():
    record = replace(served(), engine=EngineFacts(), scenario=ScenarioFacts())
    with_options = replace(record, scenario=ScenarioFacts(options={"timeout_s": 9.0}), engine=EngineFacts(version="5"))
    tags = comparability.tags(record)
    assert comparability.tags(with_options) == tags
    assert (tags["compare.key"], tags["compare.cell"]) == ("c949d79c1f01", "ff92defcdd8a")


def test_two_processes_of_one_side_are_one_engine_setting():
    record = served()
    tuned = replace(record, engine=EngineFacts("continuous", "5.17", {"max_batch_tokens": 512}))
    assert any("max_batch_tokens 256 and 512" in line for line in comparison.compare([record, tuned], record).reasons)
