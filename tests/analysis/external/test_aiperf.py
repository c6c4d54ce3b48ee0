"""AIPerf's summary of a run, in samples made here in its shape: whose energy is known, and of what."""

import json

import pytest

from joulemark.analysis.external import external_run, formats
from joulemark.core.errors import UserError

NAME = "profile_export_aiperf.json"


def a_gpu(number=0, megajoules=0.002, name="NVIDIA H100", key="nvidia_energy_consumption", **more):
    energy = {} if megajoules is None else {key: {"unit": "MJ", "avg": megajoules, **more}}
    power = {"nvidia_power_usage": {"unit": "W", "avg": 400.0, "min": 90.0, "max": 500.0, "p50": 410.0, "std": 9.0}}
    return {
        "gpu_index": number,
        "gpu_name": name,
        "gpu_uuid": f"GPU-{number}",
        "hostname": "n",
        "metrics": power | energy,
    }


def telemetry(*gpus, **endpoints):
    listed = {"localhost:9400": list(gpus), **endpoints}
    gpus = {name: {"gpus": {f"gpu_{gpu['gpu_index']}": gpu for gpu in some}} for name, some in listed.items()}
    return {"summary": {"endpoints_configured": list(listed)}, "endpoints": gpus}


def a_run(**changes):
    """A run of 20 requests whose two GPUs took 4 kJ, as schema 1.5 writes it."""
    values = {
        "schema_version": "1.5", "aiperf_version": "0.14.0", "benchmark_id": "b1",
        "request_count": {"unit": "requests", "avg": 20.0},
        "request_latency": {"unit": "ms", "avg": 2500.0, "min": 2000.0, "max": 3400.0, "p50": 2400.0, "p90": 3000.0,
                            "p95": 3100.0, "p99": 3300.0, "std": 300.0, "count": 20, "sum": 50_000.0},
        "time_to_first_token": {"unit": "ms", "avg": 120.0, "p50": 110.0, "p99": 300.0},
        "request_throughput": {"unit": "requests/sec", "avg": 2.0},
        "output_token_throughput": {"unit": "tokens/sec", "avg": 400.0},
        "input_sequence_length": {"unit": "tokens", "avg": 100.0, "p50": 100.0},
        "output_sequence_length": {"unit": "tokens", "avg": 200.0, "p50": 200.0},
        "benchmark_duration": {"unit": "sec", "avg": 10.0},
        "nvidia_total_gpu_energy": {"unit": "J", "avg": 4000.0},
        "telemetry_data": telemetry(a_gpu(0), a_gpu(1)),
        "input_config": {"models": {"strategy": "round_robin", "items": [{"name": "o/m-8B"}]},
                         "phases": [{"name": "warmup", "concurrency": 1}, {"name": "profiling", "concurrency": 16}]},
        "was_cancelled": False, "error_summary": [], "start_time": "2026-09-06T14:32:00.646759",
    }  # fmt: skip
    return {key: value for key, value in {**values, **changes}.items() if value is not None}


def saved(folder, values):
    (folder / NAME).write_text(json.dumps(values))
    return folder / NAME


def read_one(folder, **changes):
    (result,) = formats.read([saved(folder, a_run(**changes))]).results
    return result, external_run.metrics(result)


def test_a_run_is_the_energy_of_its_gpus_over_the_answered_requests(tmp_path):
    result, metrics = read_one(tmp_path)
    assert metrics["energy/gpu_wh_per_1k"] == pytest.approx(4000 / 20 * 1000 / 3600)
    assert "energy/total_wh_per_1k" not in metrics
    times = [metrics[f"latency/{name}_s"] for name in ("mean", "p50", "p90", "p95", "p99", "ttft")]
    assert times == pytest.approx([2.5, 2.4, 3.0, 3.1, 3.3, 0.12])
    assert (metrics["throughput/requests_per_s"], metrics["throughput/units_per_s"]) == (2.0, 400.0)
    assert metrics["power/gpu_mean_w"] == pytest.approx(400)
    assert (result.model, result.users, result.hardware) == ("o/m-8B", 16, "2 x NVIDIA H100")
    assert external_run.tags(result)["method.gpu"] == "counter"
    assert "2 GPUs that its telemetry saw, whether or not they served" in result.boundary
    assert "mean input tokens 100, mean output tokens 200, 16 at once" in result.boundary


def test_runs_of_other_lengths_or_another_load_do_not_share_a_boundary(tmp_path):
    first, _ = read_one(tmp_path)
    shorter, _ = read_one(tmp_path, output_sequence_length={"unit": "tokens", "avg": 20.0})
    alone, _ = read_one(tmp_path, input_config={"endpoint": {"model_names": ["o/m-8B"]}, "loadgen": {"concurrency": 1}})
    assert len({first.boundary, shorter.boundary, alone.boundary}) == 3


def test_the_first_schema_is_read_too(tmp_path):
    older = {"endpoint": {"model_names": ["o/m-8B"], "url": "http://x"}, "loadgen": {"request_rate": 2.5}}
    result, metrics = read_one(
        tmp_path, schema_version="1.0", nvidia_total_gpu_energy=None, input_config=older,
        total_gpu_energy={"unit": "J", "avg": 4000.0},
        telemetry_data=telemetry(a_gpu(0, key="energy_consumption"), a_gpu(1, key="energy_consumption")),
    )  # fmt: skip
    assert metrics["energy/gpu_wh_per_1k"] == pytest.approx(4000 / 20 * 1000 / 3600)
    assert (result.rate_per_s, result.users) == (2.5, None)
    assert external_run.tags(result)["scenario.rate"] == "2.5"


def test_without_a_stated_total_the_counters_are_summed_in_their_unit(tmp_path):
    _, metrics = read_one(tmp_path, nvidia_total_gpu_energy=None)
    assert metrics["energy/gpu_wh_per_1k"] == pytest.approx(4000 / 20 * 1000 / 3600)


def test_a_gpu_that_two_exporters_list_is_counted_once(tmp_path):
    doubled = telemetry(a_gpu(0), **{"localhost:9401": [a_gpu(0)]})
    values = a_run(telemetry_data=doubled, nvidia_total_gpu_energy={"unit": "J", "avg": 4000.0})
    contents = formats.read([saved(tmp_path, values)])
    (result,) = contents.results
    assert result.gpu_j == pytest.approx(2000)
    assert result.hardware == "1 x NVIDIA H100"
    assert "listed twice" in contents.left_out[0]


def test_a_total_that_no_counter_bears_out_is_of_unknown_evidence(tmp_path):
    result, _ = read_one(tmp_path, telemetry_data=telemetry(a_gpu(0, megajoules=None)))
    assert external_run.tags(result)["method.gpu"] == "unknown"  # AIPerf may have multiplied mean power by time


def test_readings_of_a_counter_are_no_growth_of_it(tmp_path):
    since_boot = telemetry(a_gpu(0, megajoules=312.0, p50=311.9))
    values = a_run(telemetry_data=since_boot, nvidia_total_gpu_energy=None)
    with pytest.raises(UserError, match="no energy of its GPUs"):
        formats.read([saved(tmp_path, values)])


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"telemetry_data": None, "nvidia_total_gpu_energy": None}, "no energy of its GPUs"),
        ({"telemetry_data": telemetry(a_gpu(0), a_gpu(1, megajoules=None))}, "1 of its 2 GPUs have no energy"),
        ({"was_cancelled": True}, "it was cancelled"),
        ({"request_count": {"unit": "requests", "avg": 0}}, "no request was answered"),
        ({"input_config": {"endpoint": {"model_names": ["a", "b"]}}}, "names no model, or several"),
        (
            {"nvidia_total_gpu_energy": {"unit": "BTU", "avg": 4.0}, "telemetry_data": None},
            "no energy of its GPUs",
        ),
    ],
)
def test_a_run_whose_energy_of_a_request_is_unknown_is_left_out_and_said(tmp_path, changes, why):
    with pytest.raises(UserError, match=why) as error:
        formats.read([saved(tmp_path, a_run(**changes))])
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("changes", "doubt"),
    [
        ({"error_request_count": {"unit": "requests", "avg": 3}}, "3 requests failed"),
        ({"nvidia_total_gpu_energy": {"unit": "J", "avg": 6000.0}}, "sum to 4000 J and not to the 6000 J"),
    ],
)
def test_what_is_odd_about_a_run_is_said_and_the_run_taken(tmp_path, changes, doubt):
    contents = formats.read([saved(tmp_path, a_run(**changes))])
    assert len(contents.results) == 1
    assert doubt in contents.left_out[0]


def test_the_table_of_a_run_gives_way_to_its_json(tmp_path):
    table = tmp_path / "profile_export_aiperf.csv"
    table.write_text("Metric,Value\nTotal GPU Energy (2 GPUs) (J),4000.00\n")
    with pytest.raises(UserError, match=r"type the profile_export_aiperf\.json of the same run"):
        formats.read([table])
    saved(tmp_path, a_run())
    contents = formats.read([tmp_path])
    assert len(contents.results) == 1
    assert not contents.left_out


def test_a_summary_without_its_configuration_is_in_no_known_format(tmp_path):
    values = a_run(input_config=None)
    with pytest.raises(UserError, match="for aiperf it lacks the keys input_config"):
        formats.read([saved(tmp_path, values)])
