"""ML.ENERGY's files, in samples made here in their shape: the leaderboard's lists and a run's own results."""

import json

import pytest

from joulemark.analysis.external import external_run, formats, ml_energy_benchmark, ml_energy_leaderboard

SERVED = {
    "activated_params_billions": 3.0, "architecture": "MoE", "avg_batch_size": 7.9, "avg_output_len": 600.0,
    "avg_power_watts": 700.0, "data_parallel": 1, "energy_per_request_joules": 300.0, "energy_per_token_joules": 0.5,
    "expert_parallel": 1, "gpu_model": "H100", "max_num_seqs": 8, "median_itl_ms": 7.0, "model_id": "o/chat-30B",
    "nickname": "Chat 30B", "num_gpus": 2, "output_throughput_tokens_per_sec": 1400.0, "p90_itl_ms": 8.0,
    "p95_itl_ms": 9.0, "p99_itl_ms": 17.0, "tensor_parallel": 2, "total_params_billions": 30.0,
    "weight_precision": "bfloat16",
}  # fmt: skip
IMAGES = {
    "activated_params_billions": 2.0, "avg_power_watts": 600.0, "batch_latency_s": 2.0, "batch_size": 4,
    "energy_per_image_joules": 300.0, "gpu_model": "B200", "image_height": 1024, "image_width": 768,
    "inference_steps": 20, "model_id": "o/pictures", "nickname": "Pictures", "num_gpus": 1, "ring_degree": 1,
    "throughput_images_per_sec": 2.0, "total_params_billions": 2.0, "ulysses_degree": 1, "weight_precision": "fp8",
}  # fmt: skip


def a_task(folder, *configurations, task="lm-arena-chat", name="task.json"):
    path = folder / name
    path.write_text(json.dumps({"task": task, "task_display_name": task, "configurations": list(configurations)}))
    return path


def a_model(folder, configuration, task="lm-arena-chat"):
    """The same configuration in the file of its model: what all share is beside the list, degrees are below."""
    shared = {"model_id", "total_params_billions", "activated_params_billions", "architecture", "weight_precision"}
    degrees = {key: configuration[key] for key in ("tensor_parallel", "expert_parallel", "data_parallel")}
    listed = {key: value for key, value in configuration.items() if key not in {*shared, *degrees, "nickname"}}
    listed |= {"parallelization": {**degrees, "notes": ""}, "output_length_distribution": {"bins": [1], "counts": [2]}}
    path = folder / "model.json"
    path.write_text(
        json.dumps({"task": task, "configurations": [listed], **{key: configuration[key] for key in shared}})
    )
    return path


def a_result(folder, changes=None, task="gpqa"):
    """A served run's results.json in the folders where the benchmark saves it."""
    values = {
        "date": "20251201-101112", "model_id": "o/chat-30B", "gpu_model": "H100", "num_gpus": 1, "max_num_seqs": 128,
        "num_prompts": 100, "completed": 100, "duration": 120.0, "steady_state_duration": 80.0,
        "steady_state_energy": 40_000.0, "steady_state_energy_per_token": 0.1, "total_output_tokens": 60_000,
        "request_throughput": 0.83, "output_throughput": 500.0, "mean_ttft_ms": 150.0, "mean_e2el_ms": 8000.0,
        "median_e2el_ms": 7500.0, "p99_e2el_ms": 9900.0, "request_rate": None, "seed": 1,
        "results": [{"prompt": "a secret", "output_text": "a confession", "energy": 60.0}],
        "timeline": {"power": {"device_instant": {"0": [[0.0, 500.0]]}}},
    }  # fmt: skip
    place = folder / "run/llm" / task / "results/o/chat-30B/H100/num_gpus+1"
    place.mkdir(parents=True)
    (place / "results.json").write_text(json.dumps({**values, **(changes or {})}))
    return place / "results.json"


def a_diffusion(folder, **changes):
    values = {
        "model_id": "o/pictures", "batch_size": 2, "num_iterations": 5, "height": 512, "width": 512,
        "inference_steps": 20, "seed": 1, "total_images": 10, "total_time": 20.0, "throughput_images_per_sec": 0.5,
        "total_energy": 4000.0, "energy_per_image": 400.0,
        "energy_measurement": {"time": 20.0, "gpu_energy": {"0": 4000.0}},
        "configurations": {"ulysses_degree": 1, "ring_degree": 1},
    }  # fmt: skip
    (folder / "results.json").write_text(json.dumps({**values, **changes}))
    return folder / "results.json"


def read_one(path):
    (result,) = formats.read([path]).results
    return result, external_run.metrics(result)


def test_a_configuration_is_a_request_of_the_gpus_alone_and_has_no_total(tmp_path):
    result, metrics = read_one(a_task(tmp_path, SERVED))
    assert metrics["energy/gpu_wh_per_1k"] == pytest.approx(300 * 1000 / 3600)
    assert not [name for name in metrics if "total" in name or "cpu" in name or name.startswith(("latency", "quality"))]
    assert (metrics["power/gpu_mean_w"], metrics["throughput/units_per_s"]) == (700.0, 1400.0)
    assert "throughput/requests_per_s" not in metrics  # none is stated
    assert (result.model, result.task, result.dataset) == ("o/chat-30B", "chat", "LMArena human preference")
    assert (result.hardware, result.users, result.parameters) == ("2 x NVIDIA H100", 8, 30_000_000_000)
    assert external_run.params(result)["precision"] == "bf16"
    assert external_run.tags(result)["method.gpu"] == "counter"
    assert "CPU, RAM and loading not counted" in result.boundary


def test_an_image_waits_for_its_batch_and_its_size_and_steps_are_in_the_boundary(tmp_path):
    result, metrics = read_one(a_task(tmp_path, IMAGES, task="text-to-image"))
    assert metrics["energy/gpu_wh_per_1k"] == pytest.approx(300 * 1000 / 3600)
    assert (metrics["latency/mean_s"], metrics["throughput/requests_per_s"]) == (2.0, 2.0)
    assert (result.task, result.inferences) == ("image_generation", 4)
    smaller, _ = read_one(a_task(tmp_path, {**IMAGES, "image_width": 512}, task="text-to-image"))
    assert smaller.boundary != result.boundary
    assert "image width 768" in result.boundary


def test_a_configuration_in_the_file_of_its_task_and_of_its_model_is_one_result(tmp_path):
    a_task(tmp_path, SERVED)
    a_model(tmp_path, SERVED)
    first, second = formats.read([tmp_path]).results
    assert first.digest == second.digest
    assert external_run.metrics(first) == external_run.metrics(second)
    other, _ = read_one(a_task(tmp_path, {**SERVED, "max_num_seqs": 16}))
    assert other.digest != first.digest


def test_a_task_that_is_none_of_ours_has_the_inputs_of_theirs_and_no_task(tmp_path):
    known, _ = read_one(a_task(tmp_path, SERVED, task="gpqa"))
    assert (known.task, known.dataset) == (None, "GPQA diamond")
    new, _ = read_one(a_task(tmp_path, SERVED, task="audio-to-dance"))
    assert (new.task, new.dataset) == (None, "audio-to-dance")


@pytest.mark.parametrize(
    ("configuration", "why"),
    [
        ({**SERVED, "energy_per_request_joules": None}, "no energy_per_request_joules or"),
        ({**SERVED, "energy_per_request_joules": 0}, "above zero"),
        ({**SERVED, "energy_per_request_joules": float("nan")}, "above zero"),
        ({**SERVED, "model_id": ""}, "no model_id"),
        ({**SERVED, "energy_per_image_joules": 1.0}, "at once"),
        ("text", "above zero"),
    ],
)
def test_a_configuration_without_energy_or_model_is_reported_and_left_out(tmp_path, configuration, why):
    contents = ml_energy_leaderboard.read(a_task(tmp_path, SERVED, configuration))
    assert len(contents.results) == 1
    (line,) = contents.left_out
    assert "configuration 2" in line
    assert why in line


def test_a_run_is_its_steady_energy_of_a_token_times_the_tokens_of_its_answers(tmp_path):
    result, metrics = read_one(a_result(tmp_path))
    assert metrics["energy/gpu_wh_per_1k"] == pytest.approx(0.1 * 60_000 / 100 * 1000 / 3600)
    assert metrics["power/gpu_mean_w"] == 500.0  # of the steady state, not of the whole run
    assert (metrics["latency/mean_s"], metrics["latency/p50_s"], metrics["latency/ttft_s"]) == (8.0, 7.5, 0.15)
    assert metrics["throughput/requests_per_s"] == 0.83
    assert (result.dataset, result.inferences, result.users) == ("GPQA diamond", 100, 128)
    assert "total_wh_per_1k" not in str(metrics)


def test_prompts_and_answers_of_a_run_go_nowhere(tmp_path):
    result, _ = read_one(a_result(tmp_path))
    held = json.dumps([external_run.tags(result), external_run.params(result), result.title])
    assert "secret" not in held
    assert "confession" not in held


@pytest.mark.parametrize(
    ("changes", "doubt"),
    [
        ({"completed": 97}, "3 of 100 requests failed"),
        ({"steady_state_duration": 12.0}, "its steady state lasted 12 s"),
    ],
)
def test_what_is_odd_about_a_run_is_said_and_the_run_taken(tmp_path, changes, doubt):
    contents = formats.read([a_result(tmp_path, changes)])
    assert len(contents.results) == 1
    assert doubt in contents.left_out[0]


def test_a_run_of_a_diffusion_has_all_its_batches_and_names_no_card(tmp_path):
    result, metrics = read_one(a_diffusion(tmp_path))
    assert metrics["energy/gpu_wh_per_1k"] == pytest.approx(400 * 1000 / 3600)
    assert (metrics["latency/mean_s"], metrics["power/gpu_mean_w"]) == (4.0, 200.0)
    assert (result.hardware, result.task, result.dataset) == (None, None, None)  # neither is in the file
    assert "inference steps 20, height 512, width 512" in result.boundary


@pytest.mark.parametrize("changes", [{"total_energy": 0}, {"total_images": None}, {"model_id": 3}])
def test_a_run_without_energy_count_or_model_is_reported_and_left_out(tmp_path, changes):
    contents = ml_energy_benchmark.read(a_diffusion(tmp_path, **changes))
    assert not contents.results
    assert "left out" in contents.left_out[0]
