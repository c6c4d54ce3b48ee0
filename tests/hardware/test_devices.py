"""Which cards a run uses: named by number or UUID, one or several of a kind, refused in one line where not there."""

import os

import pytest

from joulemark.core.coerce import typed
from joulemark.core.errors import UserError
from joulemark.hardware import devices
from joulemark.hardware.devices import Gpu, HardwareConf
from tests.composed import built

H100 = "NVIDIA H100 80GB HBM3"
FOUND = [
    Gpu(0, "GPU-aa11-0000", H100, (9, 0), 700.0),
    Gpu(1, "GPU-aa22-0000", H100, (9, 0), 650.0),
    Gpu(2, "GPU-bb33-0000", "NVIDIA A100-SXM4-80GB", (8, 0), 400.0),
]


@pytest.fixture(autouse=True)
def three_cards(monkeypatch):
    monkeypatch.setattr(devices, "nvidia_gpus", lambda: list(FOUND))


def chosen(index, **options):
    return devices.resolve("cuda", typed(HardwareConf, {"device": "cuda", "index": index, **options}, "hardware"))


@pytest.mark.parametrize("index", [1, "GPU-aa22", "gpu-AA22-0000", [1], ["GPU-aa2"]])
def test_one_card_is_named_by_its_number_its_uuid_or_the_beginning_of_it(index):
    hardware = chosen(index)
    assert (hardware.index, hardware.uuid, hardware.beside) == (1, "GPU-aa22-0000", ())
    assert (hardware.power_limit_w, hardware.device_name(None)) == (650.0, H100)


@pytest.mark.parametrize("index", [[0, 1], [1, 0], ["GPU-aa1", "GPU-aa2"], [1, "GPU-aa1"]])
def test_several_cards_are_the_same_run_however_they_are_named(index):
    hardware = chosen(index)
    assert (hardware.indices, hardware.uuids) == ((0, 1), ("GPU-aa11-0000", "GPU-aa22-0000"))
    assert (hardware.index, hardware.uuid, hardware.gpu_name) == (0, "GPU-aa11-0000", H100)
    assert hardware.power_limit_w == 1350.0
    assert hardware.device_name(None) == f"2 x {H100}"


def test_a_limit_that_one_card_does_not_tell_is_no_sum(monkeypatch):
    monkeypatch.setattr(devices, "nvidia_gpus", lambda: [FOUND[0], Gpu(1, "GPU-c", H100, (9, 0), None)])
    assert chosen([0, 1]).power_limit_w is None
    assert chosen([0, 1], power_limit_w=600.0).power_limit_w == 1300.0


@pytest.mark.parametrize(
    ("index", "says"),
    [
        (3, r"hardware\.index=3: this machine shows 3 GPU\(s\), counted from 0"),
        (-1, r"hardware\.index=-1: this machine shows 3 GPU\(s\)"),
        ([0, 3], r"hardware\.index=3: this machine shows 3"),
        ("GPU-ff", r"hardware\.index=GPU-ff is the UUID of no GPU here; type more of one of: GPU-aa11-0000, GPU-aa22"),
        ("", "is the UUID of no GPU here"),
        (
            "GPU-aa",
            r"hardware\.index=GPU-aa begins the UUIDs of several GPUs; type more of one of: GPU-aa11-0000, GPU-a",
        ),
        ([1, 1], r"names GPU 1 \(GPU-aa22-0000\) twice"),
        ([1, "GPU-aa22"], "twice"),
        ([], r"hardware\.index=\[\] names no GPU"),
        ([1, 2], r"GPU 1 is a 'NVIDIA H100 80GB HBM3' and GPU 2 a 'NVIDIA A100-SXM4-80GB', .*name GPUs of one model"),
    ],
)
def test_cards_that_are_not_there_not_alike_or_named_twice_are_refused_in_one_line(index, says):
    with pytest.raises(UserError, match=says) as refused:
        chosen(index)
    assert "\n" not in str(refused.value)


def test_the_process_sees_the_chosen_cards_by_number_and_no_other(monkeypatch):
    for name in ("CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER"):
        monkeypatch.setenv(name, "unset")
    assert devices.isolate(chosen([1, 0])) == "cuda:0,cuda:1"
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "0,1"
    assert devices.isolate(chosen(1)) == "cuda:0"
    assert (os.environ["CUDA_VISIBLE_DEVICES"], os.environ["CUDA_DEVICE_ORDER"]) == ("1", "PCI_BUS_ID")


def test_the_options_of_the_command_line_reach_the_cards():
    run = built("model=gpt2", "task=text_generation", "model.weights=random", "hardware.index=[0,1]")
    assert (run.hardware.indices, run.chosen["hardware.index"]) == ((0, 1), [0, 1])
    assert built("hardware.index=GPU-aa22-0000").hardware.index == 1
    assert built("hardware.index=[GPU-aa22,GPU-aa11]").hardware.indices == (0, 1)


@pytest.mark.parametrize(("model", "task"), [("sdxl", "image_generation"), ("rwkv", "text_generation")])
def test_a_model_that_cannot_be_spread_is_refused_before_torch_is_imported(model, task):
    options = (f"model={model}", f"task={task}", "model.weights=random")
    assert built(*options, "hardware.index=1").hardware.beside == ()
    with pytest.raises(UserError, match=rf"hardware\.index=\[0, 1\]: model={model} cannot be spread over several GPUs"):
        built(*options, "hardware.index=[0,1]")
