"""What a device pays for a FLOP and for a byte: measured, kept, and turned into a floor."""

import errno
import json
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir

from joulemark.analysis import lower_bound, named_metrics, result_table
from joulemark.cli import calibrate
from joulemark.core.calibration import Calibration, Rate
from joulemark.core.errors import UserError
from joulemark.core.machine import Hardware
from joulemark.core.measurement import Work
from joulemark.core.paths import CONF
from joulemark.hardware.gpu_lock import held
from joulemark.measure import calibration as measuring
from joulemark.measure.calibration import CalibrationOptions, Kernels
from joulemark.measure.instruments import Instruments
from joulemark.meters.amd import Amd
from joulemark.meters.codecarbon import CodeCarbon
from joulemark.meters.nvml import Nvml
from joulemark.meters.rapl import Rapl
from joulemark.meters.replay import Replay
from tests.fakes import FakeClock, FakeMeter
from tests.paths import ROOT
from tests.records import a_record

GPU = Hardware("h100", "cuda", ("fp32", "bf16"), uuid="GPU-1", gpu_name="NVIDIA H100 80GB HBM3", power_limit_w=700.0)

# A card that idles at 100 W, does 1e12 FLOP a second in bf16 at 300 W, and moves 1e9 bytes a second at 200 W
KNOWN = Calibration(
    key="GPU-1",
    device="NVIDIA H100 80GB HBM3",
    component="gpu",
    meter="nvml",
    method="counter",
    tick_s=0.1,
    idle_w=100.0,
    products={"bf16": Rate(5e12, 5.0, 1500.0)},
    copy=Rate(5e9, 5.0, 1000.0),
    measured_at="2026-11-24T20:00:00+00:00",
    side=8192,
)


class Card(FakeMeter):
    """A counter whose watts depend on what runs."""

    def stop(self):
        reading = super().stop()
        return replace(reading, gpu_j=reading.gpu_j + self.extra_j)

    def start(self):
        self.extra_j = 0.0
        super().start()


class Kernel:
    """Does `amount` in `seconds`, at `watts` above idle."""

    def __init__(self, meter, amount, seconds, watts):
        self.meter, self.amount, self.seconds, self.watts = meter, amount, seconds, watts

    def run(self, count):
        self.meter.clock.sleep(count * self.seconds)
        self.meter.extra_j += count * self.seconds * self.watts


def calibrated(edge_s=0.0, **changes):
    clock, lines = FakeClock(), []
    meter = Card(clock, {"gpu": 100.0}, method="counter", edge_s=edge_s)
    meter.extra_j = 0.0
    kernels = Kernels(
        wake=lambda device: lines.append("wake"),
        product=lambda device, precision, side: lines.append(precision) or Kernel(meter, 1e12, 0.01, 500.0),
        copy=lambda device, size: lines.append("copy") or Kernel(meter, 4e9, 0.02, 300.0),
        release=lambda: lines.append("release"),
        side=8192,
        copy_bytes=2**30,
    )
    plan = CalibrationOptions(**{"seconds": 5.0, "idle_s": 5.0, "rest_s": 3.0, "warmup_s": 1.0, **changes})
    return measuring.calibrate(plan, GPU, kernels, Instruments([meter], clock)), lines


@pytest.fixture(autouse=True)
def no_driver(monkeypatch):
    monkeypatch.setattr("joulemark.hardware.devices.isolate", lambda device: "cuda:0")
    monkeypatch.setattr("joulemark.hardware.devices.gpu_state", lambda device: {"driver": "580.1"})


@pytest.mark.parametrize("edge_s", [0.0, 0.1])
def test_every_price_is_gross_joules_over_work_whatever_the_counter_waits_for_its_tick(edge_s):
    calibration, lines = calibrated(edge_s)
    assert lines == ["wake", "fp32", "release", "bf16", "release", "copy"]
    assert calibration.idle_w == pytest.approx(100.0)
    bf16 = calibration.products["bf16"]
    assert bf16.per_s == pytest.approx(1e14)
    assert bf16.pj == pytest.approx(600 / 1e14 * 1e12)
    assert bf16.dynamic_pj(calibration.idle_w) == pytest.approx(500 / 1e14 * 1e12)
    assert calibration.copy.per_s == pytest.approx(2e11)
    assert calibration.copy.pj == pytest.approx(400 / 2e11 * 1e12)
    assert (calibration.key, calibration.component, calibration.method, calibration.driver) == (
        "GPU-1",
        "gpu",
        "counter",
        "580.1",
    )


def test_windows_are_as_long_as_requested_and_only_the_requested_precisions_are_measured():
    calibration, _ = calibrated(seconds=2.0, precisions=("bf16",))
    assert set(calibration.products) == {"bf16"}
    assert calibration.products["bf16"].duration_s == pytest.approx(2.0, abs=measuring.BURST_S)


@pytest.mark.parametrize("extra_w", [0.0, -20.0])
def test_work_that_draws_no_more_than_idle_is_refused_not_kept(extra_w):
    clock = FakeClock()
    meter = Card(clock, {"gpu": 100.0}, method="counter")
    meter.extra_j = 0.0
    kernel = Kernel(meter, 1.0, 0.01, extra_w)
    kernels = Kernels(lambda d: None, lambda *w: kernel, lambda *w: kernel, lambda: None, 1, 4)
    with pytest.raises(UserError, match=r"W in fp32 and 100\.0 W idle: let nothing else run"):
        measuring.calibrate(CalibrationOptions(1.0, 1.0, 0.0, 0.1), GPU, kernels, Instruments([meter], clock))


@pytest.mark.parametrize(
    ("device", "meters", "says"),
    [
        (GPU, [Rapl(), CodeCarbon()], "needs a counter: type meter=nvml"),
        (replace(GPU, uuid=None, device="cpu"), [Replay()], "needs a counter: type meter=rapl"),
        (replace(GPU, device="rocm"), [Nvml()], "needs a counter: type meter=amd"),
        (replace(GPU, uuid=None, device="mps"), [Nvml()], "the device mps has not; type hardware=cpu"),
    ],
)
def test_only_the_devices_own_counter_will_do(device, meters, says):
    known = [CodeCarbon(), Nvml(), Amd(), *([] if device.device == "mps" else [Rapl()])]
    with pytest.raises(UserError, match=says):
        measuring.counter(meters, device, known)


def test_a_counter_that_cannot_be_read_is_refused_with_its_reason_and_no_advice_to_estimate():
    clock = FakeClock()
    reason = "meter=nvml: no counter; type meter=codecarbon, which samples"
    meter = FakeMeter(clock, {"gpu": 1.0}, name="nvml", method="counter", absent=reason)
    with pytest.raises(UserError) as refused:
        measuring.counter([meter], GPU)
    assert str(refused.value) == "calibrate needs a counter (a GPU's by NVML, or RAPL): meter=nvml: no counter"
    locked = FakeMeter(clock, {"gpu": 1.0}, method="counter", absent="only root may; type sudo chmod")
    with pytest.raises(UserError, match="type sudo chmod"):
        measuring.counter([locked], GPU)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"precisions": ("fp8",)}, "precisions=fp8 does not exist"),
        ({"seconds": 0.0}, "seconds=0.0"),
        ({"side": 0}, "side"),
    ],
)
def test_what_cannot_be_calibrated_is_refused_before_anything_is_opened(change, says):
    with pytest.raises(UserError, match=says):
        measuring.check(
            CalibrationOptions(**{"seconds": 5.0, "idle_s": 5.0, "rest_s": 0.0, "warmup_s": 1.0, **change}), GPU
        )


def test_a_calibration_is_kept_by_the_cards_uuid_and_comes_back_as_it_was(tmp_path):
    path = lower_bound.save(KNOWN, tmp_path)
    assert path == tmp_path / "GPU-1.json"
    assert lower_bound.kept(GPU, tmp_path) == KNOWN
    assert lower_bound.kept(replace(GPU, uuid="GPU-2"), tmp_path) is None
    lower_bound.save(replace(KNOWN, idle_w=90.0), tmp_path)
    assert lower_bound.kept(GPU, tmp_path).idle_w == 90.0
    assert [file.name for file in tmp_path.iterdir()] == ["GPU-1.json"]


@pytest.mark.parametrize("text", ["{", "{}", json.dumps({"key": "GPU-1"})])
def test_a_broken_calibration_is_refused_not_passed_over(tmp_path, text):
    (tmp_path / "GPU-1.json").write_text(text)
    with pytest.raises(UserError, match="is no calibration"):
        lower_bound.kept(GPU, tmp_path)


def test_on_a_full_disk_the_older_calibration_stays_and_what_was_measured_is_said(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("JOULEMARK_HOME", str(tmp_path))
    assert calibrate.keep(KNOWN) == 0
    before = lower_bound.place(KNOWN.key).read_text()

    def full(path, text, **kwargs):
        with open(path, "w") as file:
            file.write(text[:9])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    assert calibrate.keep(replace(KNOWN, idle_w=1.0)) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert lower_bound.place(KNOWN.key).read_text() == before
    assert [path.name for path in (tmp_path / "calibration").iterdir()] == [lower_bound.place(KNOWN.key).name]


def test_a_processors_calibration_is_kept_by_its_name(tmp_path, monkeypatch):
    monkeypatch.setattr("joulemark.hardware.host.cpu_name", lambda: "AMD EPYC 7763 64-Core/x")
    name = lower_bound.key(replace(GPU, uuid=None))
    assert lower_bound.place(name, tmp_path).name == "cpu-AMD-EPYC-7763-64-Core-x.json"
    monkeypatch.setattr("joulemark.hardware.host.cpu_name", lambda: None)
    assert lower_bound.kept(replace(GPU, uuid=None), tmp_path) is None


def test_joules_of_flops_and_bytes_add_and_idle_power_lasts_as_long_as_the_slower():
    bound = lower_bound.of(Work(flops=2e12, bytes_read=1e9), KNOWN, "bf16")
    assert (bound.flop_s, bound.byte_s) == pytest.approx((2.0, 1.0))
    assert bound.total_j == pytest.approx(2.0 * 200 + 1.0 * 100 + 2.0 * 100)


def test_where_bytes_alone_count_the_floor_is_bytes_at_their_gross_price():
    # shared/measurement.md: 131 pJ/byte; 32 tokens of 1.24e9 weights in bf16 are about 2.9 Wh per 1,000
    h100 = replace(KNOWN, copy=Rate(3.02e12, 1.0, 131e-12 * 3.02e12))
    bound = lower_bound.of(Work(0.0, 32 * 1.24e9 * 2), h100, "bf16")
    assert bound.total_j * 1000 / 3600 == pytest.approx(2.9, rel=0.01)


def test_without_work_a_calibration_or_the_precision_there_is_no_floor():
    assert lower_bound.of(None, KNOWN, "bf16") is None
    assert lower_bound.of(Work(1.0, 1.0), None, "bf16") is None
    assert lower_bound.of(Work(1.0, 1.0), KNOWN, "fp32") is None


def on_cpu(method, work):
    """A record of a run on a processor (50 W, 0.5 s for a batch of two) that had been calibrated."""
    record = a_record()
    known = replace(KNOWN, component="cpu", products={"fp32": KNOWN.products["bf16"]})
    window = record.measurement.windows[0]
    readings = tuple(replace(r, method=dict.fromkeys(r.method, method)) for r in window.readings)

    return replace(
        record,
        environment=replace(record.environment, calibration=known),
        measurement=replace(record.measurement, windows=(replace(window, readings=readings),), work=work),
    )


def test_a_run_says_how_often_its_gross_energy_holds_the_floor():
    record = on_cpu("rapl", Work(flops=1e10, bytes_read=0.0))
    metrics = named_metrics.metrics(record)
    assert metrics["lower_bound/wh_per_1k"] == pytest.approx(3.0 * 1000 / 3600)  # 0.01 s at 300 W
    gross_j = metrics["energy/cpu_wh_per_1k"] * 3.6
    assert metrics["lower_bound/ratio"] == pytest.approx(gross_j / 3.0)
    assert any(
        what == "lower bound (roofline) per 1,000" and "× above it" in how
        for what, _, how in result_table.rows(record, metrics)
    )


def test_an_estimated_energy_is_not_held_against_the_floor():
    metrics = named_metrics.metrics(on_cpu("estimated", Work(flops=1e10, bytes_read=0.0)))
    assert metrics["lower_bound/wh_per_1k"] is not None
    assert metrics["lower_bound/ratio"] is None


def test_a_run_without_a_calibration_has_no_floor_and_still_says_its_work():
    record = on_cpu("rapl", Work(flops=1e10, bytes_read=5e6))
    record = replace(record, environment=replace(record.environment, calibration=None))
    metrics = named_metrics.metrics(record)
    assert metrics["lower_bound/wh_per_1k"] is None
    assert metrics["lower_bound/ratio"] is None
    assert any("10 GFLOP and 5 MB of weights" in how for _, _, how in result_table.rows(record, metrics))


@pytest.mark.weights
def test_products_and_copies_are_of_values_that_differ_and_count_their_own_work():
    from joulemark.models.backend import microbenchmarks

    product = microbenchmarks.product("cpu", "bf16", 64)
    product.run(2)
    assert product.amount == 2 * 64**3
    copy = microbenchmarks.copy("cpu", 4096)
    copy.run(1)
    assert copy.amount == 2 * 4096
    held = {name: cell.cell_contents for kernel in (product, copy) for name, cell in _cells(kernel)}
    for name in ("left", "right", "source", "target"):
        assert len(held[name].unique()) > 16, name
    assert held["out"].equal(held["left"] @ held["right"])
    assert held["target"].equal(held["source"])


def _cells(kernel):
    act = next(c.cell_contents for c in kernel.run.__closure__ if callable(c.cell_contents))
    return zip(act.__code__.co_freevars, act.__closure__, strict=True)


@pytest.mark.processes
def test_on_a_machine_without_a_counter_the_command_is_refused_in_one_line():
    import subprocess
    import sys

    done = subprocess.run(
        [sys.executable, "-m", "src.calibrate", "hardware=cpu", "meter=replay"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: calibrate needs a counter: type meter=rapl\n"


TWO = replace(GPU, beside=((1, "GPU-2"),))


def test_two_cards_have_no_calibration_though_each_of_them_has(tmp_path):
    lower_bound.save(KNOWN, tmp_path)
    assert lower_bound.kept(GPU, tmp_path) == KNOWN
    assert lower_bound.kept(TWO, tmp_path) is None


def test_two_cards_are_refused_since_a_calibration_is_one_cards():
    plan = CalibrationOptions(seconds=5.0, idle_s=5.0, rest_s=0.0, warmup_s=1.0)
    with pytest.raises(
        UserError, match=r"hardware\.index=\[0, 1\]: a calibration is one card's; type hardware\.index=0"
    ):
        measuring.check(plan, TWO)
    with pytest.raises(UserError, match="lock_wait_s=-1: must be 0 or more"):
        measuring.check(replace(plan, lock_wait_s=-1.0), GPU)


def test_a_card_that_is_being_measured_is_not_calibrated_and_waiting_is_an_option(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr("joulemark.hardware.devices.resolve", lambda name, conf: GPU)
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = compose("calibrate", overrides=["meter=nvml", "lock_wait_s=0.2"])
    began_s = time.monotonic()
    with held(GPU, 0.0), pytest.raises(UserError, match=r"being measured by process \d+; .*type lock_wait_s=600"):
        calibrate.run(config)
    assert time.monotonic() - began_s >= 0.2
    held_by = []
    monkeypatch.setattr(calibrate, "counter", lambda meters, device, known: held_by.append(taken(device)) or stop())
    with pytest.raises(UserError, match="enough"):
        calibrate.run(config)
    assert held_by == [True]
    assert not taken(GPU)


def taken(device):
    try:
        with held(device, 0.0):
            return False
    except UserError:
        return True


def stop():
    raise UserError("enough")
