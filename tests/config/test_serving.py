"""Scenario and engine from what is typed: what goes together, and what no option may name."""

import pytest

from joulemark.core.errors import UserError
from joulemark.core.serving import Limits
from tests.composed import built

LLM = ("model=gpt2", "model.weights=random", "task=text_generation")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("engine=continuous",), "type scenario=offline"),
        (
            ("scenario=offline", "engine=continuous"),
            "engine=continuous runs causal_lm, and model=embedded_classifier is a",
        ),
        (
            ("model=embedded", "task=text_generation", "scenario=offline", "engine=continuous"),
            "a bloom .*model=embedded_llama",
        ),
        (
            (*LLM, "scenario=offline", "engine=endpoint", "engine.url=http://127.0.0.1:1", "batch_size=4"),
            "decides that",
        ),
        ((*LLM, "scenario=server", "scenario.rate=0"), "scenario.rate=0"),
        ((*LLM, "scenario=server", "scenario.limits.ttft_s=0"), "must be above 0"),
        ((*LLM, "scenario=server", "scenario.limits.percentile=95"), "50, 90 or 99"),
        ((*LLM, "scenario=concurrency", "scenario.users=0"), "1 or more"),
        ((*LLM, "scenario=replay"), "scenario.trace has no value"),
        ((*LLM, "scenario=offline", "engine=vllm", "engine.command=[rm,-rf,x]"), "nowhere else"),
        ((*LLM, "scenario=offline", "engine=vllm", "+engine.environment.LD_PRELOAD=x.so"), "nowhere else"),
        (("export.otlp=localhost",), "must be the address of a collector"),
        (("export.prometheus=metrics.txt",), "ends in .prom"),
    ],
)
def test_what_does_not_go_together_is_one_line(options, message):
    with pytest.raises(UserError, match=message) as error:
        built(*options)
    assert "\n" not in str(error.value)


FAR = (*LLM, "scenario=offline", "engine=endpoint", "engine.url=http://192.0.2.1:8000")  # TEST-NET-1, RFC 5737


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (FAR, "192.0.2.1 is another machine, .* meter=wall meter.machine=192.0.2.1 meter.path=FILE.csv"),
        ((*FAR, "meter=wall"), "is another machine"),
        ((*FAR, "meter=replay", "meter.machine=192.0.2.2"), "is another machine"),
        ((*FAR, "meter=replay", "meter.machine=192.0.2.1", "hardware=cpu"), "hardware=cpu is of this machine"),
        (("meter=replay", "meter.machine=192.0.2.1"), "meter.machine=192.0.2.1: what answers is on this machine"),
    ],
)
def test_another_machine_answers_only_where_a_meter_reads_it(options, message):
    with pytest.raises(UserError, match=message) as error:
        built(*options)
    assert "\n" not in str(error.value)


def test_of_another_machine_its_own_meters_alone_are_read_and_its_name_is_the_devices():
    run = built(*FAR, "meter=wall", "meter.machine=192.0.2.1", "precision=fp8")
    assert [meter.name for meter in run.meters] == ["wall"]  # CodeCarbon reads this machine
    assert run.hardware.device_name("the processor here") == run.hardware.machine == "192.0.2.1"
    assert (run.hardware.uuids, run.hardware.gpu_name) == ((), None)


def test_interactive_is_server_with_tighter_limits():
    server, interactive = (built(*LLM, f"scenario={name}").scenario for name in ("server", "interactive"))
    assert type(server) is type(interactive)
    assert interactive.limits == Limits(0.5, 0.03, None, 99.0)
    assert server.limits == Limits(2.0, 0.1, None, 99.0)


def test_a_run_says_its_scenario_and_engine_among_its_params():
    chosen = built(*LLM, "scenario=server", "scenario.rate=3").chosen
    assert (chosen["scenario"], chosen["engine"], chosen["scenario.rate"]) == ("server", "transformers", 3)
