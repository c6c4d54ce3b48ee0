"""Files of other programs and of anybody: results to ingest and rows of data, cut, mistyped or hostile.

Each is refused in one line or read; no figure of it is not finite, or below zero.
"""

import csv
import io
import json
import tempfile
from functools import cache
from math import isfinite
from pathlib import Path

import pyarrow
import soundfile
from hypothesis import given, strategies
from PIL import Image
from pyarrow import parquet

from joulemark.analysis.external import codecarbon, external_run, formats, study_tables
from joulemark.core.errors import BadRowError, UserError
from joulemark.data.audio import clip
from joulemark.data.dataset import Dataset
from joulemark.data.images import encoded_image
from tests.data.test_bad_rows import LABELS, TASKS
from tests.fuzz.cases import examined
from tests.fuzz.mutations import mutated

CODECARBON = {
    "timestamp": "2026-01-01T00:00:00", "project_name": "p", "run_id": "r", "duration": "10.5", "emissions": "0.001",
    "emissions_rate": "0.1", "cpu_power": "40", "gpu_power": "200", "ram_power": "20", "cpu_energy": "0.001",
    "gpu_energy": "0.01", "ram_energy": "0.002", "energy_consumed": "0.013", "country_iso_code": "FRA", "os": "Linux",
    "codecarbon_version": "3.3.2", "gpu_count": "1", "gpu_model": "1 x NVIDIA H100", "cpu_model": "x", "pue": "1.0",
    "tracking_mode": "machine",
}  # fmt: skip
SCORE = {"task": "text_generation", "model": "o/m", "gpu_wh_per_1000": "2.5", "stars": "4"}
ENERGY = {"unit": "kWh", "cpu": 0.001, "gpu": 0.01, "ram": 0.001, "total": 0.012}
LATENCY = {"unit": "s", "mean": 0.5, "p50": 0.5, "p90": 0.6, "p95": 0.7, "p99": 0.8}
OPTIMUM = {
    "config": {
        "name": "x",
        "backend": {"name": "pytorch", "model": "gpt2", "task": "text-generation", "device": "cuda", "device_ids": "0",
                    "torch_dtype": "float16"},
        "scenario": {"input_shapes": {"batch_size": 2, "sequence_length": 16}, "generate_kwargs": {"max_new_tokens": 9},
                     "energy": True},
        "environment": {"optimum_benchmark_version": "0.6.0", "cpu": "x", "gpu": ["NVIDIA H100"]},
    },
    "report": {name: {"energy": ENERGY, "latency": LATENCY} for name in ("load", "prefill", "decode", "generate")},
}  # fmt: skip
BLOCK = {"unit": "ms", "avg": 500.0, "p50": 490.0, "p90": 600.0, "p95": 700.0, "p99": 800.0}
GPU = {"gpu_index": 0, "gpu_name": "NVIDIA H100", "gpu_uuid": "GPU-0",
       "metrics": {"nvidia_energy_consumption": {"unit": "MJ", "avg": 0.004}}}  # fmt: skip
AIPERF = {
    "schema_version": "1.5", "aiperf_version": "0.14.0", "request_count": {"unit": "requests", "avg": 20.0},
    "request_latency": BLOCK, "time_to_first_token": BLOCK, "benchmark_duration": {"unit": "sec", "avg": 10.0},
    "request_throughput": {"unit": "requests/sec", "avg": 2.0}, "error_request_count": {"unit": "requests", "avg": 1.0},
    "input_sequence_length": {"unit": "tokens", "avg": 100.0}, "nvidia_total_gpu_energy": {"unit": "J", "avg": 4000.0},
    "telemetry_data": {"endpoints": {"localhost:9400": {"gpus": {"a": GPU, "b": {**GPU, "gpu_uuid": "GPU-1"}}}}},
    "input_config": {"models": {"items": [{"name": "o/m"}]}, "phases": [{"name": "profiling", "concurrency": 16}]},
    "was_cancelled": False,
}  # fmt: skip
AIPERF_1_0 = {**AIPERF, "input_config": {"endpoint": {"model_names": ["o/m"]}, "loadgen": {"request_rate": 2.0}}}
SERVED = {
    "model_id": "o/m", "gpu_model": "H100", "num_gpus": 1, "max_num_seqs": 8, "energy_per_request_joules": 300.0,
    "avg_power_watts": 700.0, "output_throughput_tokens_per_sec": 900.0, "weight_precision": "bfloat16",
    "total_params_billions": 8.0, "avg_output_len": 600.0, "parallelization": {"tensor_parallel": 1, "notes": ""},
}  # fmt: skip
IMAGES = {
    "model_id": "o/i", "gpu_model": "B200", "num_gpus": 1, "batch_size": 4, "batch_latency_s": 2.0,
    "energy_per_image_joules": 300.0, "throughput_images_per_sec": 2.0, "image_height": 1024, "inference_steps": 20,
}  # fmt: skip
LEADERBOARD = {"task": "lm-arena-chat", "configurations": [SERVED, IMAGES], "weight_precision": "fp8"}
STEADY = {
    "model_id": "o/m", "gpu_model": "H100", "num_gpus": 1, "max_num_seqs": 8, "num_prompts": 100, "completed": 99,
    "total_output_tokens": 60_000, "steady_state_energy_per_token": 0.1, "steady_state_energy": 4e4,
    "steady_state_duration": 80.0, "mean_ttft_ms": 150.0, "p99_e2el_ms": 9e3, "request_throughput": 0.8,
}  # fmt: skip
DIFFUSION = {
    "model_id": "o/i", "batch_size": 2, "num_iterations": 5, "height": 512, "inference_steps": 20, "total_images": 10,
    "total_time": 20.0, "total_energy": 4000.0,
}  # fmt: skip
FORWARD = {**OPTIMUM, "report": {"forward": {"energy": ENERGY, "latency": LATENCY}}}
DOCUMENTS = [OPTIMUM, FORWARD, AIPERF, AIPERF_1_0, LEADERBOARD, STEADY, DIFFUSION]
TABLES = [[CODECARBON, CODECARBON], [{**CODECARBON, "gpu_energy": "0"}], [SCORE, SCORE]]
SEPARATORS = ",;\t|"


def table(rows, separator=","):
    """Rows as CSV, whatever they hold by now."""
    file = io.StringIO()
    rows = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    if not rows:
        return b""
    writer = csv.writer(file, delimiter=separator)
    writer.writerow(list(rows[0]))
    writer.writerows([list(row.values()) for row in rows])
    return file.getvalue().encode("utf-8", "surrogatepass")


def document(value):
    return json.dumps(value).encode()


def lines(rows):
    return b"\n".join(document(row) for row in (rows if isinstance(rows, list) else [rows]))


def columns(rows):
    """The rows as parquet; as lines of JSON where parquet has no type for them."""
    file = io.BytesIO()
    try:
        parquet.write_table(pyarrow.Table.from_pylist(rows), file)
    except (pyarrow.ArrowException, TypeError, AttributeError, ValueError, OverflowError):
        return lines(rows)
    return file.getvalue()


@strategies.composite
def damaged(draw, data):
    """Bytes as they are, or cut, spoiled in a place, in another encoding, or with more in front of them."""
    how = draw(strategies.sampled_from(("whole", "whole", "whole", "cut", "spoiled", "utf-16", "latin", "front")))
    place = draw(strategies.integers(0, max(0, len(data) - 1)))
    if how == "cut":
        return data[:place]
    if how == "spoiled":
        return data[:place] + draw(strategies.binary(max_size=4)) + data[place + 1 :]
    if how == "front":
        return (
            draw(strategies.sampled_from((b"\xef\xbb\xbf", b"sep=,\n", b"\n\n", b"\0", b"PK\x03\x04", b"PAR1"))) + data
        )
    if how in ("utf-16", "latin"):
        return data.decode("utf-8", "replace").encode("utf-16" if how == "utf-16" else "latin-1", "replace")
    return data


@strategies.composite
def results(draw):
    """A file to ingest: its name and bytes."""
    if draw(strategies.booleans()):
        return "ingest", "a.csv", draw(damaged(table(draw(mutated(TABLES)))))
    return "ingest", "benchmark.json", draw(damaged(document(draw(mutated(DOCUMENTS)))))


@strategies.composite
def rows(draw):
    """A file of rows for a task: the task, the file's name and bytes."""
    task = draw(strategies.sampled_from(sorted(TASKS)))
    row = TASKS[task][1]
    found = draw(mutated([[row, row, row], [row]]))
    kind = draw(strategies.sampled_from(("jsonl", "json", "csv", "tsv", "parquet")))
    if kind == "parquet":
        return task, "a.parquet", draw(damaged(columns(found)))
    if kind in ("csv", "tsv"):
        return task, f"a.{kind}", draw(damaged(table(found, draw(strategies.sampled_from(SEPARATORS)))))
    return task, f"a.{kind}", draw(damaged(document(found) if kind == "json" else lines(found)))


@strategies.composite
def media(draw):
    """A picture or a sound as it came over a bad line."""
    kind, data = draw(strategies.sampled_from(encoded()))
    for _ in range(draw(strategies.integers(1, 3))):
        data = draw(damaged(data)) or b"x"
    return kind, None, data


@cache
def encoded():
    """A picture in each format that cameras and the web have, and a sound."""
    found = []
    for kind in ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "ICO"):
        file = io.BytesIO()
        Image.effect_noise((24, 16), 90).convert("RGB").save(file, kind)
        found.append(("image_classification", file.getvalue()))
    for kind in ("WAV", "FLAC", "OGG"):
        file = io.BytesIO()
        soundfile.write(file, [0.0, 0.1] * 2000, 16000, format=kind)
        found.append(("speech_recognition", file.getvalue()))
    return found


CASES = strategies.one_of(results(), rows(), media())


@cache
def folder():
    """A folder with the picture and the sound that the rows name."""
    here = Path(tempfile.mkdtemp(prefix="fuzz-"))
    Image.new("RGB", (4, 4)).save(here / "good.png")
    soundfile.write(here / "good.wav", [0.0, 0.1] * 2000, 16000)
    return here


def examine(case):
    """Reads a file as `ingest` or a task does, and computes all that is made of it."""
    kind, name, data = case
    if name is None:
        _decode(kind, data)
        return
    path = folder() / name
    path.write_bytes(data)
    if kind == "ingest":
        _ingest(path)
        return
    make, row, optional = TASKS[kind]
    source = Dataset("file", kind, {key: key for key in row}, path=str(path), optional=optional, labels=LABELS)
    for sample in make(source).samples(1, 0).samples:
        assert sample.input is not None


def _decode(kind, data):
    try:
        clip(data, 16000).open() if kind == "speech_recognition" else encoded_image(data, (640, 480)).open()
    except BadRowError as error:
        raise UserError(str(error)) from None


def _ingest(path):
    contents = codecarbon.completed(formats.read([path]), None, "text_generation", 100)
    for result in contents.results:
        for metric, value in external_run.metrics(result).items():
            assert isfinite(value), f"{metric} is {value}"
            assert value >= 0 or metric.startswith("quality/"), f"{metric} is {value}"
        for text in (*external_run.tags(result).values(), *external_run.params(result).values()):
            text.encode()
        if result.began_s is not None:
            int(result.began_s * 1000)
        int((result.duration_s or 0) * 1000)
    study_tables.tables(contents.results)


@given(CASES)
def test_a_file_of_others_is_refused_in_one_line_or_read(case):
    examined(examine, case)
