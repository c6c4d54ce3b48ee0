"""AMD's cards on a module that answers as amdsmi's documentation shows, and what is done where there are none."""

import os
import sys
from dataclasses import dataclass, field, replace
from types import SimpleNamespace

import pytest

from joulemark.analysis import caveats, lower_bound
from joulemark.core.errors import UserError
from joulemark.hardware import devices, gpus
from joulemark.meters import codecarbon
from joulemark.meters.amd import Amd
from joulemark.meters.nvml import needs_card
from tests.composed import built
from tests.fakes import FakeClock
from tests.meters import test_amd
from tests.records import a_record

NVIDIA = gpus.Gpu(0, "GPU-1", "NVIDIA H100 80GB HBM3", (9, 0), 700.0)


@dataclass
class Driver(test_amd.Driver):
    """Two MI300X, which HIP numbers the other way round than amdsmi; `hip` is what amdsmi knows of that."""

    clock: FakeClock = field(default_factory=FakeClock)
    handles: tuple[str, ...] = ("a", "b")
    broken: bool = False

    def amdsmi_init(self):
        if self.broken:
            raise test_amd.AmdSmiException("AMDSMI_STATUS_DRIVER_NOT_LOADED")

    def amdsmi_get_processor_handles(self):
        return list(self.handles)

    def amdsmi_get_gpu_enumeration_info(self, handle):
        return {"drm_render": 128, "drm_card": 0, "hsa_id": 1, "hip_id": {"a": 1, "b": 0}[handle], "hip_uuid": "GPU-x"}

    def amdsmi_get_gpu_asic_info(self, handle):
        return {"market_name": "AMD Instinct MI300X", "vendor_id": 0x1002}


class Old(Driver):
    """An amdsmi from before ROCm 6.4."""

    def __getattribute__(self, name):
        if name == "amdsmi_get_gpu_enumeration_info":
            raise AttributeError(name)
        return super().__getattribute__(name)


@pytest.fixture(autouse=True)
def amd_only(monkeypatch):
    for name in ("HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(devices, "nvidia_gpus", list)
    monkeypatch.setattr(devices, "amd_gpus", lambda: gpus.amd_gpus(Driver()))


def test_a_card_has_the_number_that_hip_gives_it_so_that_the_counted_one_is_the_one_that_works(monkeypatch):
    gpus_found = gpus.amd_gpus(Driver())
    assert [(card.index, card.uuid) for card in gpus_found] == [(0, "uuid-b"), (1, "uuid-a")]
    run = built("hardware=rocm", "hardware.index=1", "meter=amd")
    assert (run.hardware.device, run.hardware.uuid, run.hardware.gpu_name) == ("rocm", "uuid-a", "AMD Instinct MI300X")
    monkeypatch.setenv("HIP_VISIBLE_DEVICES", "")  # so that it is put back
    assert devices.isolate(run.hardware) == "cuda:0"  # torch's name for it
    assert os.environ["HIP_VISIBLE_DEVICES"] == "1"
    assert "CUDA_VISIBLE_DEVICES" not in os.environ


def test_a_run_on_an_amd_card_reads_its_counter():
    run = built("hardware=rocm", "meter=amd", "hardware.index=uuid-b")
    clock = FakeClock()
    meter = Amd(Driver(clock), clock.now, clock.sleep)
    meter.open(run.hardware)
    meter.start()
    clock.sleep(10.0)
    assert meter.stop().gpu_j == pytest.approx(test_amd.WATTS * 10.0, rel=1e-3)


def test_auto_takes_nvidias_card_first_then_amds_then_the_processor(monkeypatch):
    assert built("hardware=auto").hardware.device == "rocm"
    monkeypatch.setattr(devices, "nvidia_gpus", lambda: [NVIDIA])
    assert built("hardware=auto").hardware.device == "cuda"
    assert built("hardware=rocm").hardware.device == "rocm"
    monkeypatch.setattr(devices, "nvidia_gpus", list)
    monkeypatch.setattr(devices, "amd_gpus", list)
    assert built("hardware=auto").hardware.device == "cpu"
    with pytest.raises(UserError, match="hardware=rocm needs an AMD GPU that the package amdsmi shows"):
        built("hardware=rocm")


def test_without_amdsmi_or_its_driver_there_is_no_card():
    assert gpus.amd_gpus() == []
    assert gpus.amd_gpus(Driver(broken=True)) == []


def test_cards_whose_number_nobody_tells_are_refused_and_one_alone_needs_none(monkeypatch):
    with pytest.raises(UserError, match="does not report the HIP numbers of several AMD GPUs"):
        gpus.amd_gpus(Old())
    assert [card.uuid for card in gpus.amd_gpus(Old(handles=("a",)))] == ["uuid-a"]
    monkeypatch.setenv("HIP_VISIBLE_DEVICES", "1")
    assert [card.uuid for card in gpus.amd_gpus(Driver())] == ["uuid-a"]
    monkeypatch.setenv("ROCR_VISIBLE_DEVICES", "1")
    with pytest.raises(UserError, match=r"ROCR_VISIBLE_DEVICES=1 .*type HIP_VISIBLE_DEVICES=…"):
        gpus.amd_gpus(Driver())


def test_of_amds_cards_one_is_used_at_a_time():
    with pytest.raises(UserError, match=r"hardware\.index=\[0, 1\]: AMD GPUs are used one at a time"):
        built("hardware=rocm", "hardware.index=[0,1]")


def test_nvidias_sensors_have_nothing_to_read_on_amds_card_and_amds_nothing_on_nvidias(monkeypatch):
    on_amd = built("hardware=rocm").hardware
    with pytest.raises(UserError, match="reads NVIDIA GPUs"):
        needs_card("nvml", on_amd)
    monkeypatch.setattr(devices, "nvidia_gpus", lambda: [NVIDIA])
    with pytest.raises(UserError, match="reads AMD GPUs"):
        Amd(Driver()).open(built("hardware=cuda").hardware)
    assert devices.gpu_state(on_amd) == {}


def test_with_every_sensor_requested_a_missing_one_of_another_maker_is_not_called_missing(monkeypatch):
    reasons = {name: f"meter={name}: no card" for name in ("nvml", "trace", "amd", "rapl")}
    for device, named in (("cuda", ["nvml", "trace", "rapl"]), ("rocm", ["amd", "rapl"]), ("cpu", ["rapl"])):
        record = a_record()
        record = replace(
            record,
            hardware=replace(record.hardware, device=device),
            environment=replace(record.environment, meters_absent=reasons),
        )
        assert caveats.absent(record) == [f"not available: {reasons[name]}" for name in named]


def test_codecarbon_counts_no_gpu_beside_amds_counter():
    assert codecarbon._only_cards(SimpleNamespace(_hardware=[]), built("hardware=rocm").hardware) == ()


@pytest.mark.parametrize(("system", "machine"), [("Linux", "x86_64"), ("Darwin", "x86_64"), ("Linux", "arm64")])
def test_apples_gpu_is_refused_where_there_is_none(monkeypatch, system, machine):
    monkeypatch.setattr("platform.system", lambda: system)
    monkeypatch.setattr("platform.machine", lambda: machine)
    with pytest.raises(UserError, match="hardware=mac needs a Mac with an Apple processor; type hardware=cpu"):
        built("hardware=mac", "meter=apple")


def test_apples_gpu_is_reached_by_options_and_has_no_calibration_of_the_processors(monkeypatch):
    monkeypatch.setattr("platform.system", lambda: "Darwin")
    monkeypatch.setattr("platform.machine", lambda: "arm64")
    monkeypatch.setattr("joulemark.hardware.host.cpu_name", lambda: "Apple M4")
    run = built("hardware=mac", "meter=apple", "precision=fp16")
    assert (run.hardware.device, run.hardware.precisions) == ("mps", ("fp32", "bf16", "fp16"))
    assert devices.isolate(run.hardware) == "mps"
    assert lower_bound.key(run.hardware) is None
    assert lower_bound.key(replace(run.hardware, device="cpu")) == "cpu-Apple M4"
    assert [meter.name for meter in run.meters] == ["apple"]


class NoPermissionError(Exception):
    """What NVML raises for a card that a control group keeps from the process."""


def a_node(handles, monkeypatch):
    """NVML of a node with these cards; None is one that another job has."""

    def opened(number):
        if handles[number] is None:
            raise NoPermissionError
        return handles[number]

    nvml = SimpleNamespace(
        NVMLError=RuntimeError,
        NVMLError_NoPermission=NoPermissionError,
        nvmlInit=lambda: None,
        nvmlDeviceGetCount=lambda: len(handles),
        nvmlDeviceGetHandleByIndex=opened,
        nvmlDeviceGetUUID=lambda handle: f"GPU-{handle}",
        nvmlDeviceGetName=lambda handle: "NVIDIA H100",
        nvmlDeviceGetEnforcedPowerLimit=lambda handle: 700000,
        nvmlDeviceGetCudaComputeCapability=lambda handle: (9, 0),
    )
    monkeypatch.setitem(sys.modules, "pynvml", nvml)


def test_a_job_sees_the_card_that_its_scheduler_gave_it_and_no_other(monkeypatch):
    a_node(["a", "b", "c"], monkeypatch)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2")  # as Slurm and Ray set it
    assert [(card.index, card.uuid) for card in gpus.nvidia_gpus()] == [(2, "GPU-c")]


def test_a_card_that_another_job_has_is_not_counted(monkeypatch):
    a_node([None, "b", None], monkeypatch)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")  # as Slurm counts where it hides the others
    assert [(card.index, card.uuid) for card in gpus.nvidia_gpus()] == [(0, "GPU-b")]
