"""Files of other tools: what is read of them, what is left out and said, and what a file of unknown shape lacks."""

import json

import pytest

from joulemark.analysis.external import ai_energy_score, codecarbon, external_run, formats, optimum_benchmark
from joulemark.core.errors import UserError

HEADS2 = (
    "timestamp,project_name,run_id,duration,emissions,emissions_rate,cpu_power,gpu_power,ram_power,cpu_energy,"
    "gpu_energy,ram_energy,energy_consumed,codecarbon_version,gpu_count,gpu_model,tracking_mode,pue"
)
ROW = "2023-09-08T15:16:16,gpt2,r1,10,0.0004,0.1,42.5,400,10,0.0001,0.002,0.0009,0.003,2.3.1,1,1 x NVIDIA T4,machine,1"


def csv_file(folder, *lines, name="emissions.csv", heads=HEADS2):
    path = folder / name
    path.write_text("\n".join([heads, *lines]) + "\n")
    return path


def report(folder, name="benchmark.json", version="0.6.0", unit="kWh", targets=("prefill", "decode")):
    energy = {"unit": unit, "cpu": 0.001, "gpu": 0.002, "ram": 0.0, "total": 0.003}
    latency = {"unit": "s", "mean": 2.0, "p50": 1.9, "p90": 2.5, "p95": 2.6, "p99": 2.7}
    config = {
        "backend": {"model": "gpt2", "task": "text-generation", "device": "cuda", "torch_dtype": "float16"},
        "scenario": {"input_shapes": {"batch_size": 4}},
        "environment": {"optimum_benchmark_version": version, "gpu": ["NVIDIA A10G"]},
    }
    path = folder / name
    path.write_text(
        json.dumps({"config": config, "report": {t: {"energy": energy, "latency": latency} for t in targets}})
    )
    return path


def test_a_codecarbon_row_has_its_energy_by_component_and_nothing_per_inference(tmp_path):
    (result,) = codecarbon.read(csv_file(tmp_path, ROW)).results
    assert (result.gpu_j, result.cpu_j, result.total_j) == pytest.approx((7200, 360, 10800))
    assert result.factor_g_per_kwh == pytest.approx(133.333, rel=1e-4)
    assert "energy/total_wh_per_1k" not in external_run.metrics(result)
    assert external_run.metrics(result)["energy/run_wh"] == 3
    assert result.methods == {"gpu": "counter", "cpu": "unknown", "ram": "estimated"}


def test_told_how_many_inferences_a_codecarbon_row_has_energy_per_thousand(tmp_path):
    contents = codecarbon.completed(codecarbon.read(csv_file(tmp_path, ROW)), "project_name", "text_generation", 100)
    assert (contents.results[0].model, contents.results[0].task) == ("gpt2", "text_generation")
    assert external_run.metrics(contents.results[0])["energy/total_wh_per_1k"] == pytest.approx(30)
    assert external_run.metrics(contents.results[0])["emissions/g_per_1k"] == pytest.approx(4)


def test_version_3_of_codecarbon_is_read_and_a_pue_is_in_the_boundary(tmp_path):
    heads = HEADS2.replace("energy_consumed", "energy_consumed,water_consumed")
    row = ROW.replace("0.003,2.3.1", "0.003,0.1,3.3.2").removesuffix("1") + "1.5"
    (result,) = formats.read([csv_file(tmp_path, row, heads=heads)]).results
    assert result.boundary.startswith("CodeCarbon 3.3.2")
    assert "PUE of 1.5" in result.boundary


def test_a_task_file_of_codecarbon_without_a_gpu_is_read(tmp_path):
    heads = (
        "task_name,timestamp,project_name,run_id,duration,emissions,cpu_energy,gpu_energy,ram_energy,energy_consumed"
    )
    (result,) = formats.read(
        [csv_file(tmp_path, "query,2026-01-01T00:00:00,p,r,1,0.1,0.001,0.0,0.001,0.002", heads=heads)]
    ).results
    assert result.title == "p query"
    assert result.gpu_j is None
    assert "method.gpu" not in external_run.tags(result)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (ROW.replace("0.003,2.3.1", "nan,2.3.1"), "energy_consumed is nan"),
        (ROW.replace("0.003,2.3.1", "0.0,2.3.1"), "nothing was measured"),
        (ROW.replace("r1,10,", "r1,,"), "duration is empty"),
        ("," * HEADS2.count(","), "empty"),
        (ROW.replace("2.3.1", "1.2"), "codecarbon 1.2"),
    ],
)
def test_a_row_that_cannot_be_used_is_reported_and_left_out(tmp_path, row, message):
    contents = codecarbon.read(csv_file(tmp_path, ROW, row))
    assert len(contents.results) == 1
    assert len(contents.left_out) == 1
    assert "row 3" in contents.left_out[0]
    assert message in contents.left_out[0]


def test_components_that_miss_the_total_are_reported_and_the_row_is_taken(tmp_path):
    contents = codecarbon.read(csv_file(tmp_path, ROW.replace("0.003,2.3.1", "0.004,2.3.1")))
    assert len(contents.results) == 1
    assert "0.003 kWh and not to the 0.004 kWh" in contents.left_out[0]


def test_an_entry_of_the_energy_score_is_the_gpu_alone(tmp_path):
    path = csv_file(tmp_path, "asr,openai/whisper-tiny,13.4,5", "asr,x,NaN,1", heads="task,model,gpu_wh_per_1000,stars")
    contents = formats.read([path])
    (result,) = contents.results
    assert external_run.metrics(result)["energy/gpu_wh_per_1k"] == pytest.approx(13.4)
    assert "energy/total_wh_per_1k" not in external_run.metrics(result)
    assert result.task == "speech_recognition"
    assert external_run.params(result)["stars"] == "5"
    assert "row 3" in contents.left_out[0]
    assert ai_energy_score.recognises(path)
    assert not codecarbon.recognises(path)


def test_prefill_and_decode_of_a_batch_are_one_inference_of_each_of_its_inputs(tmp_path):
    (result,) = formats.read([report(tmp_path)]).results
    contents = external_run.metrics(result)
    assert contents["energy/total_wh_per_1k"] == pytest.approx(2 * 3 / 4 * 1000)
    assert contents["latency/mean_s"] == 4
    assert contents["latency/ttft_s"] == 2
    assert "latency/p50_s" not in contents
    assert "energy/ram_wh_per_1k" not in contents
    assert "quality/primary" not in contents
    assert contents["throughput/requests_per_s"] == 1


def test_a_whole_generation_is_taken_before_its_parts(tmp_path):
    (result,) = formats.read([report(tmp_path, targets=("prefill", "decode", "generate"))]).results
    assert external_run.metrics(result)["energy/total_wh_per_1k"] == pytest.approx(3 / 4 * 1000)
    assert external_run.metrics(result)["latency/p50_s"] == 1.9


@pytest.mark.parametrize(
    ("changed", "message"),
    [({"version": "0.2.1"}, "optimum-benchmark 0.2.1"), ({"unit": "J"}, "is in J, not kWh")],
)
def test_a_report_of_another_version_or_unit_is_refused(tmp_path, changed, message):
    with pytest.raises(UserError, match=message):
        formats.read([report(tmp_path, **changed)])


EMPTY = {"memory": None, "latency": None, "throughput": None, "energy": None, "efficiency": None}


def as_saved(folder, generate_kwargs=None, device_ids="1"):
    """A text generation's files in the shape in which version 0.6.0 saved one: a key for every field."""

    def target(kwh, mean):
        statistics = dict.fromkeys(("mean", "p50", "p90", "p95", "p99"), mean)
        return {
            "memory": {"unit": "MB", "max_ram": 607.8, "max_global_vram": None, "max_reserved": None},
            "latency": {"unit": "s", "values": [mean], "count": 1, "total": mean, **statistics, "stdev": 0},
            "throughput": {"unit": "tokens/s", "value": 2094.9},
            "energy": {"unit": "kWh", "cpu": kwh, "ram": kwh, "gpu": kwh, "total": 3 * kwh},
            "efficiency": {"unit": "tokens/kWh", "value": 1.0},
        }  # fmt: skip

    config = {
        "name": "gpt", "print_report": False, "log_report": True,
        "backend": {
            "name": "pytorch", "version": "2.8.0",
            "model": "gpt2", "processor": "gpt2", "task": "text-generation", "library": "transformers",
            "device": "cuda", "device_ids": device_ids, "torch_dtype": None, "autocast_enabled": True,
            "autocast_dtype": "bfloat16", "quantization_scheme": "bnb", "quantization_config": {},
        },
        "scenario": {
            "name": "inference", "iterations": 5, "duration": 2, "warmup_runs": 2, "energy": True, "new_tokens": None,
            "input_shapes": {"batch_size": 2, "sequence_length": 16}, "generate_kwargs": generate_kwargs or {},
        },
        "launcher": {"name": "process", "numactl": False, "numactl_kwargs": {}},
        "environment": {
            "cpu": " AMD EPYC", "cpu_count": 2, "gpu": ["NVIDIA T4", "NVIDIA A10G"], "gpu_count": 2,
            "optimum_benchmark_version": "0.6.0", "optimum_benchmark_commit": None, "transformers_version": "4.55.0",
        },
    }  # fmt: skip
    saved = {
        "load_model": target(1e-7, 0.05) | {"throughput": None, "efficiency": None},
        "first_generate": target(1e-7, 0.02) | {"throughput": None, "efficiency": None},
        "generate": target(8e-8, 0.009) | {"memory": None}, "prefill": target(2e-8, 0.002),
        "decode": target(6e-8, 0.007), "per_token": {**EMPTY, "latency": target(1, 0.001)["latency"]},
    }  # fmt: skip
    (folder / "benchmark_config.json").write_text(json.dumps(config))
    (folder / "benchmark_report.json").write_text(json.dumps(saved))
    return config, saved


def test_a_report_as_the_tool_saves_it_is_read_with_the_card_that_ran_and_its_lengths(tmp_path):
    config, saved = as_saved(tmp_path)
    (result,) = formats.read([tmp_path]).results
    assert result.total_j == pytest.approx(3 * 8e-8 * 3.6e6)  # generate: decode and prefill are parts of it
    assert external_run.metrics(result)["energy/total_wh_per_1k"] == pytest.approx(3 * 8e-8 * 1000 * 1000 / 2)
    assert result.hardware == "NVIDIA A10G"  # the second of the machine's two
    assert "mode machine" in result.boundary
    assert "(max_new_tokens 100, sequence_length 16)" in result.boundary  # the tool's own default
    assert result.latency_s == {"mean": 0.009, "p50": 0.009, "p90": 0.009, "p95": 0.009, "p99": 0.009, "ttft": 0.002}
    assert (result.facts["quantization"], result.facts["autocast"]) == ("bnb", "bfloat16")
    assert "precision" not in result.facts
    (tmp_path / "benchmark.json").write_text(json.dumps({"config": config, "report": saved}))
    both = formats.read([tmp_path]).results
    assert {copy.digest for copy in both} == {result.digest}  # one result, however often it lies there


def test_two_reports_of_other_lengths_do_not_share_a_boundary(tmp_path):
    as_saved(tmp_path)
    (hundred,) = formats.read([tmp_path]).results
    as_saved(tmp_path, {"max_new_tokens": 8, "do_sample": False})
    (eight,) = formats.read([tmp_path]).results
    assert eight.boundary != hundred.boundary
    assert "max_new_tokens 8" in eight.boundary


@pytest.mark.parametrize(("ids", "cards"), [("0,1", "NVIDIA T4, NVIDIA A10G"), (None, "NVIDIA T4, NVIDIA A10G"),
                                            ("7", "NVIDIA T4, NVIDIA A10G"), ("0", "NVIDIA T4")])  # fmt: skip
def test_cards_that_are_not_identified_are_all_named(tmp_path, ids, cards):
    as_saved(tmp_path, device_ids=ids)
    assert formats.read([tmp_path]).results[0].hardware == cards


def test_a_report_alone_needs_its_config_beside_it(tmp_path):
    whole = json.loads(report(tmp_path).read_text())
    (tmp_path / "benchmark.json").unlink()
    (tmp_path / "benchmark_report.json").write_text(json.dumps(whole["report"]))
    with pytest.raises(UserError, match=r"benchmark_config\.json beside it"):
        optimum_benchmark.read(tmp_path / "benchmark_report.json")
    (tmp_path / "benchmark_config.json").write_text(json.dumps(whole["config"]))
    assert formats.read([tmp_path]).results[0].model == "gpt2"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "task,model,watts\n", "for ai_energy_score it lacks the columns gpu_wh_per_1000"),
        ("a.csv", HEADS2.replace("duration,", "") + "\n", "for codecarbon it lacks the columns duration"),
        ("a.csv", "", "lacks the columns"),
        ("a.json", '{"config": {}}', "for optimum_benchmark it lacks the keys report"),
        ("a.json", "[1]", "lacks the keys config, report"),
        ("a.json", '{"config": {"logits":', "a.json is not whole JSON (Expecting value: line 1"),
        ("a.bin", "\x00", "is in no known format"),
    ],
)
def test_a_file_of_unknown_shape_is_refused_with_what_the_nearest_format_needs(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(UserError) as error:
        formats.read([tmp_path / name])
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_in_a_folder_a_file_of_unknown_shape_is_reported_with_those_that_are_read(tmp_path):
    csv_file(tmp_path, ROW)
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    contents = formats.read([tmp_path])
    assert len(contents.results) == 1
    assert "other.csv is in no known format" in contents.left_out[0]


def test_words_of_a_file_are_no_markup_in_a_note(tmp_path):
    (result,) = codecarbon.read(csv_file(tmp_path, ROW.replace("gpt2", "<script>alert(1)</script>[x](y)"))).results
    assert "<script>" not in external_run.note(result).replace("\\<", "")
    assert "\\[x\\]" in external_run.note(result)


def test_the_share_that_is_estimated_is_unknown_where_a_method_is_unknown(tmp_path):
    (result,) = codecarbon.read(csv_file(tmp_path, ROW)).results
    assert "energy/estimated_share" not in external_run.metrics(result)
