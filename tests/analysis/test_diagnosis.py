"""What decides the energy of a run: records like those of an H100 (idle 119 W, limit 700 W), one cause each."""

from dataclasses import replace

import pytest

from joulemark.analysis import description, diagnosis, named_metrics, result_table
from joulemark.core.calibration import Calibration, Rate
from joulemark.core.environment import Environment
from joulemark.core.machine import Hardware, Site
from joulemark.core.measurement import Measurement, Reading, StageWindow, Window, Work
from joulemark.core.model import Capabilities, Settings
from joulemark.core.record import ModelFacts, Record, Request, TaskFacts
from tests.fakes import procedure

# shared/measurement.md: 679 TFLOP/s bf16 at 1.02 pJ/FLOP, 51 TFLOP/s fp32 at 13.2, a copy of 3.02 TB/s at 131 pJ/byte
H100 = Calibration(
    "GPU-1", "H100", "gpu", "nvml", "counter", 0.1, 119.0,
    {"fp32": Rate(51e12, 1.0, 673.0), "bf16": Rate(679e12, 1.0, 692.0), "fp16": Rate(679e12, 1.0, 700.0)},
    Rate(3.02e12, 1.0, 396.0), "2026-11-24", 8192,
)  # fmt: skip

TEXT = Request("a", "out", None, None, 1, 0.1, input_tokens=9)


def window(seconds, watts, busy=None, cpu=None):
    reading = Reading("nvml", seconds, gpu_j=watts * seconds, method={"gpu": "counter"}, gpu_utilization=busy)
    return Window(seconds, (reading,), 1, 10, 10, [seconds / 10] * 10, cpu)


def run(
    watts,
    busy,
    phases,
    precision="fp32",
    batch=1,
    kind="causal_lm",
    cpu=None,
    requests=(TEXT,),
    work=None,
    capabilities=None,
):
    """A run of ten requests at these watts; `phases` are the milliseconds of each stage."""
    return Record(
        id="r", status="finished", started_at="",
        model=ModelFacts("m", weights="random", kind=kind, checkpoint="c", capabilities=capabilities),
        task=TaskFacts("t", "token", "accuracy", 1000, source="s", digest="d"),
        hardware=Hardware(
            "h100", "cuda", ("fp32", "tf32", "bf16", "fp16"), uuid="GPU-1", gpu_name="H100", power_limit_w=700.0
        ),
        protocol=procedure(), site=Site("unknown"), settings=Settings(batch_size=batch, precision=precision),
        environment=Environment(cpu_cores=16, cpu="c", calibration=H100),
        measurement=Measurement(
            idle=(Reading("nvml", 5.0, gpu_j=595.0, method={"gpu": "counter"}),),
            batch_sizes=[1] * 10,
            windows=(window(10.0, watts, busy, cpu),),
            stages=tuple(StageWindow(name, window(ms / 100, watts)) for name, ms in phases.items()),
            work=work,
        ),
        scores={}, requests=requests,
    )  # fmt: skip


RESNET_18 = run(
    121.0, 0.09, {"preprocessing": 11.0, "model": 3.4, "postprocessing": 0.2},
    kind="image_classifier", requests=(replace(TEXT, input_tokens=None),),
    capabilities=Capabilities(reads_images=True),
)  # fmt: skip
GPT2 = run(
    123.0, 0.12, {"preprocessing": 0.5, "prefill": 9.0, "decode": 75.0, "postprocessing": 0.5}, "fp16", cpu=1.05 / 16
)
SD_2_1 = run(651.0, 0.97, {"text_encoding": 10.0, "denoising": 8000.0, "image_decoding": 200.0}, kind="text_to_image")
SDXL = run(
    356.0, 0.46, {"text_encoding": 30.0, "denoising": 5000.0, "image_decoding": 300.0}, "fp16", kind="text_to_image"
)


def the(record):
    (finding,) = diagnosis.findings(record)
    return finding


def test_a_small_image_model_is_starved_by_the_hosts_preprocessing_which_more_processes_share():
    finding = the(RESNET_18)
    assert finding.what == "the GPU is starved by the host's preprocessing"
    assert "2 W more than idle" in finding.evidence
    assert "77% of the time" in finding.evidence
    assert finding.try_options == "batch_size=8 preprocessing_workers=8"
    batched = replace(RESNET_18, settings=replace(RESNET_18.settings, batch_size=64))
    assert the(batched).try_options == "preprocessing_workers=8"
    confined = replace(batched, environment=replace(batched.environment, usable_cores=4))
    assert the(confined).try_options == "preprocessing_workers=4"


def test_no_option_is_made_up_where_every_core_preprocesses_images_or_the_inputs_are_none():
    every = replace(RESNET_18, settings=replace(RESNET_18.settings, batch_size=64, preprocessing_workers=16))
    sounds = replace(RESNET_18, model=replace(RESNET_18.model, capabilities=Capabilities()))
    for record in (every, sounds):
        assert the(record).try_options is None
        assert "no option makes it faster" in the(record).evidence


def test_a_tokenizer_that_takes_the_time_works_on_more_cores_with_a_larger_batch():
    slow = replace(RESNET_18, requests=(TEXT,))
    assert the(slow).try_options == "batch_size=8"


def test_the_longer_of_the_hosts_two_stages_is_named():
    late = run(121.0, 0.09, {"preprocessing": 1.0, "model": 3.0, "postprocessing": 9.0})
    assert the(late).what == "the GPU is starved by the host's postprocessing"


def test_a_small_generator_at_batch_1_is_launch_bound_and_wants_a_larger_batch():
    finding = the(GPT2)
    assert finding.what == "the GPU waits for the host to launch its work"
    assert finding.evidence == (
        "it was busy 12% of the time, one CPU core all of it, and it drew 4 W more than idle, 1% of what it could"
    )
    assert finding.try_options == "batch_size=8"


@pytest.mark.parametrize(
    ("model", "option"),
    [
        ({"compiles": True, "graphs": False, "caches": ("dynamic", "static")}, "cache=static compile=true"),
        ({"compiles": True, "graphs": True, "caches": ("dynamic",)}, "compile=cudagraphs"),
        ({"compiles": True, "graphs": False, "caches": ("dynamic",)}, "batch_size=64"),
        ({"compiles": False, "graphs": True, "caches": ("dynamic", "static")}, "batch_size=64"),
    ],
)
def test_batches_that_are_launch_bound_still_are_recorded_as_graphs_where_the_model_can_be(model, option):
    def tried(samples=1000, **settings):
        changed = replace(GPT2, settings=replace(GPT2.settings, **settings), task=replace(GPT2.task, samples=samples))
        return the(replace(changed, model=replace(GPT2.model, capabilities=Capabilities(**model)))).try_options

    assert tried(batch_size=8) == option
    assert tried(batch_size=1) == "batch_size=8"
    assert tried(batch_size=8, compile=True) == tried(batch_size=8, compile="graphs") == "batch_size=64"
    assert tried(batch_size=1, samples=1) == (option if "compile" in option else None)


@pytest.mark.parametrize("cpu", [None, 0.3 / 16, 8 / 16])
def test_one_busy_core_is_reported_only_where_it_is_one(cpu):
    load = replace(GPT2.measurement.windows[0], cpu_utilization=cpu)
    assert "core" not in the(replace(GPT2, measurement=replace(GPT2.measurement, windows=(load,)))).evidence


def test_a_card_that_is_busy_by_the_clock_and_draws_nothing_is_launch_bound_all_the_same():
    assert the(run(130.0, 0.95, {"preprocessing": 1.0, "model": 9.0})).what.endswith("launch its work")


def test_a_full_card_is_compute_bound_and_wants_cheaper_flops():
    finding = the(SD_2_1)
    assert finding.what == "the GPU itself is the limit"
    assert finding.try_options == "precision=bf16"
    old = replace(SD_2_1, hardware=replace(SD_2_1.hardware, precisions=("fp32", "fp16")))
    assert the(old).try_options == "precision=fp16"


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_a_full_card_in_half_precision_has_nothing_left_to_type(precision):
    assert the(run(651.0, 0.97, {"denoising": 1.0}, precision)).try_options is None


def test_images_get_a_smaller_increase_of_the_batch_than_texts():
    finding = the(SDXL)
    assert finding.what == "the GPU waits for the host to launch its work"
    assert finding.try_options == "batch_size=4"


def test_a_busy_card_whose_bytes_take_the_longer_is_memory_bound_only_by_its_floor():
    phases = {"preprocessing": 1.0, "prefill": 9.0, "decode": 300.0}
    decoding = Work(flops=32 * 2 * 7e9, bytes_read=32 * 14e9)
    finding = the(run(400.0, 0.98, phases, "bf16", work=decoding))
    assert finding.what == "the GPU waits for its memory"
    assert finding.try_options == "batch_size=8"
    # a hundred requests that share each reading compute for longer than they read
    shared = Work(flops=32 * 2 * 7e9, bytes_read=32 * 14e9 / 1000)
    assert the(run(600.0, 0.98, phases, "bf16", batch=1000, work=shared)).what == "the GPU itself is the limit"


def test_no_batch_larger_than_the_run_is_proposed():
    assert the(replace(GPT2, settings=replace(GPT2.settings, batch_size=500))).try_options == "batch_size=1000"
    assert the(replace(GPT2, settings=replace(GPT2.settings, batch_size=1000))).try_options is None


@pytest.mark.parametrize("missing", ["utilization", "idle", "limit", "windows", "gpu"])
def test_what_is_not_available_is_not_diagnosed(missing):
    record, finding = GPT2, GPT2.measurement
    if missing == "utilization":
        record = replace(record, measurement=replace(finding, windows=(window(10.0, 123.0),)))
    if missing == "idle":
        record = replace(record, measurement=replace(finding, idle=()))
    if missing == "limit":
        record = replace(record, hardware=replace(record.hardware, power_limit_w=None))
    if missing == "windows":
        record = replace(record, measurement=replace(finding, windows=()))
    if missing == "gpu":
        record = replace(record, hardware=replace(record.hardware, device="cpu"))
    assert diagnosis.findings(record) == []


def test_the_sentence_stands_in_the_table_and_in_the_description_with_the_options_to_type():
    assert the(GPT2).sentence.endswith("; try batch_size=8")
    metrics = named_metrics.metrics(GPT2)
    what, value, how = result_table.rows(GPT2, metrics)[-1]
    assert (what, value) == ("diagnosis", "try batch_size=8")
    assert how.startswith("the GPU waits for the host to launch its work: ")
    assert "| diagnosis | try batch_size=8 | the GPU waits" in description.markdown(GPT2, metrics)


def test_cards_that_wait_for_each_other_say_nothing_of_the_host():
    two = replace(GPT2, hardware=replace(GPT2.hardware, uuid="GPU-a", beside=((1, "GPU-b"),)))
    assert diagnosis.findings(GPT2)
    assert diagnosis.findings(two) == []


def test_watts_of_a_neighbour_are_not_taken_for_the_models():
    assert diagnosis.findings(GPT2)
    assert not diagnosis.findings(replace(GPT2, flags=("contaminated",)))


ABLE = Capabilities(
    accepts=("text",), preprocessings=("transformers", "fast"), overlaps=True, token_budgets=True
)  # fmt: skip
SEEING = Capabilities(
    accepts=("image",), reads_images=True, overlaps=True, preprocessings=("transformers", "fast", "device")
)


def fed(phases, busy=0.5, watts=400.0, capabilities=ABLE, flops=5e12, lengths=(9,), **settings):
    """A run whose stages are the whole second of a request, in bf16."""
    requests = tuple(replace(TEXT, id=str(place), input_tokens=length) for place, length in enumerate(lengths))
    record = run(watts, busy, phases, "bf16", capabilities=capabilities, work=Work(flops, 0.0), requests=requests)
    return replace(record, settings=replace(record.settings, **settings))


def options(record):
    return [(finding.what, finding.options) for finding in diagnosis.findings(record)]


def test_the_largest_part_that_an_option_removes_comes_first():
    launches, host = "the GPU waits for the host to launch its work", "the host prepares inputs while the GPU waits"
    few = diagnosis.findings(fed({"preprocessing": 200.0, "model": 800.0}))
    assert [finding.what for finding in few] == [launches, host]
    much = diagnosis.findings(fed({"preprocessing": 480.0, "model": 520.0}, flops=5e13))
    assert [finding.what for finding in much] == [host, launches]
    assert much[0].joules == pytest.approx(192.0)
    assert much[0].evidence == "48% of a request's energy"


def test_a_part_below_a_tenth_of_the_energy_is_not_reported():
    assert len(options(fed({"preprocessing": 90.0, "model": 910.0}))) == 1


def test_the_host_is_made_faster_only_by_what_the_model_supports_and_the_run_did_not_set():
    slow = {"preprocessing": 900.0, "model": 100.0}
    assert options(fed(slow))[0][1] == ("preprocessing=fast", "prefetch=2", "batch_size=8")
    assert options(fed(slow, preprocessing="fast", prefetch=2))[0][1] == ("batch_size=8",)
    plain = fed(slow, capabilities=Capabilities(accepts=("text",)))
    assert options(plain)[0][1] == ("batch_size=8",)
    workers = "preprocessing=fast preprocessing_workers=8"
    seeing = ("preprocessing=device", "preprocessing=fast", workers, "prefetch=2")
    images = [fed(slow, capabilities=SEEING, lengths=(None,), batch_size=64, **more)
              for more in ({}, {"preprocessing": "fast"}, {"preprocessing": "device", "prefetch": 2})]  # fmt: skip
    assert [options(record)[0][1] for record in images] == [
        seeing, (seeing[0], "preprocessing_workers=8", "prefetch=2"), ()
    ]  # fmt: skip
    hearing = replace(SEEING, accepts=("audio",), reads_images=False)
    assert workers in options(fed(slow, capabilities=hearing, lengths=(None,), batch_size=64))[0][1]


def test_a_record_that_does_not_tell_what_its_model_can_do_gets_no_advice_that_it_may_refuse():
    phases = {"preprocessing": 300.0, "model": 500.0}
    known = [option for _, lines in options(fed(phases, capabilities=None, batch_size=64)) for option in lines]
    assert known
    assert all(option.startswith("batch_size=") for option in known)


def test_time_between_stages_is_filled_by_preparing_ahead():
    record = fed({"preprocessing": 50.0, "model": 600.0}, busy=0.95)
    assert options(record)[-1] == ("the GPU waits between its stages", ("prefetch=2", "batch_size=8"))
    ahead = replace(record, settings=replace(record.settings, prefetch=2))
    assert options(ahead)[-1][1] == ("batch_size=8",)


def test_padding_is_reported_from_the_lengths_of_the_requests_and_removed_by_sorting():
    phases, mixed = {"preprocessing": 10.0, "model": 990.0}, (10, 90) * 5
    record = fed(phases, busy=0.95, lengths=mixed, batch_size=2)
    what, lines = options(record)[-1]
    assert what == "batches are padded"
    assert lines == ("sort=length", "sort=length batch_size=16 batch_tokens=256")
    assert "44% of the tokens" in diagnosis.findings(record)[-1].evidence
    for change in ({"sort": "length"}, {"batch_tokens": 512}, {"batch_size": 1}):
        assert "batches are padded" not in dict(options(replace(record, settings=replace(record.settings, **change))))
    alike = fed(phases, busy=0.95, lengths=(50,) * 10, batch_size=2)
    assert "batches are padded" not in dict(options(alike))


def test_what_to_try_next_is_in_the_sentence_after_what_to_try():
    first = diagnosis.findings(fed({"preprocessing": 900.0, "model": 100.0}))[0]
    assert first.sentence.endswith("; try preprocessing=fast; then prefetch=2, or batch_size=8")
    assert first.try_options == "preprocessing=fast"
