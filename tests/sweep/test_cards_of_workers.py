"""Which card a worker sees, what a busy one means, and what is refused in one line: real processes, made-up cards."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from joulemark.core.coerce import typed
from joulemark.core.errors import UserError
from joulemark.core.machine import Hardware
from joulemark.hardware import devices
from joulemark.hardware.devices import HardwareConf
from joulemark.hardware.gpus import Gpu
from joulemark.sweep import workers
from tests.paths import ROOT

pytestmark = pytest.mark.processes

DRIVER = Path(__file__).parent / "driver"
GPU = "NVIDIA Stand-In 80GB"
CPU = Hardware("cpu", "cpu", ("fp32",))
LINE = ("-m", "sweep=efficiency", "model=embedded_classifier", "protocol=smoke", "batch_size=1,2", "precision=fp32")


@pytest.fixture
def driver(monkeypatch):
    spec = importlib.util.spec_from_file_location("pynvml", DRIVER / "pynvml.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setitem(sys.modules, "pynvml", module)
    for name in ("CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER"):
        monkeypatch.delenv(name, raising=False)


def resolved(device="cuda", **overrides):
    return devices.resolve(device, typed(HardwareConf, {"device": device, **overrides}, "hardware"))


def test_each_worker_sees_one_card_by_its_uuid_and_its_trial_gives_meters_the_drivers_own_number(driver, monkeypatch):
    environments = workers.environments("auto", resolved(), [], None)
    assert [environment["CUDA_VISIBLE_DEVICES"] for environment in environments] == ["GPU-fake-0", "GPU-fake-1"]
    for index, environment in enumerate(environments):
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        own = resolved()  # hardware.index=0 is the first that it sees
        assert (own.uuid, own.index) == (f"GPU-fake-{index}", index)
        assert devices.isolate(own) == "cuda:0"
        assert os.environ["CUDA_VISIBLE_DEVICES"] == str(index)  # CodeCarbon reads 0 J where it finds a UUID


def test_a_started_worker_gets_its_overrides_and_its_environment_and_says_how_it_ended(driver):
    last = "{'status': 'finished', 'ended': ' '.join([os.environ['CUDA_VISIBLE_DEVICES'], *sys.argv[1:]])}"
    say = f"import json, os, sys; print(json.dumps({last}))"
    overrides = workers.overrides_of(("sweep=efficiency", "sweep.workers=2", "batch_size=1,2"), 2, shared=True)
    process = workers.start(overrides, {"CUDA_VISIBLE_DEVICES": "GPU-fake-1"}, (sys.executable, "-c", say))
    end = workers.ended(2, process)
    assert end.ended == "GPU-fake-1 sweep=efficiency batch_size=1,2 sweep.worker=2 shared_host=true"
    process = workers.start(overrides, program=(sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"))
    assert workers.ended(2, process).killed == "SIGKILL"


def test_a_processor_takes_as_many_workers_as_are_requested_and_auto_is_one():
    assert workers.environments(3, CPU, [], None) == ({}, {}, {})
    assert workers.environments("auto", CPU, [], None) == ({},)


@pytest.mark.parametrize("workers_option", [0, -1, True, 1.5, "two", "2"])
def test_a_number_of_workers_that_is_invalid_is_refused(workers_option):
    with pytest.raises(UserError, match=r"sweep\.workers=.*must be 1 or more, or auto"):
        workers.environments(workers_option, CPU, [], None)


def test_more_workers_than_cards_or_a_card_named_for_all_of_them_is_refused(driver, monkeypatch):
    with pytest.raises(UserError, match=r"sweep\.workers=3: this machine shows 2 .*type sweep\.workers=2"):
        workers.environments(3, resolved(), [], None)
    with pytest.raises(UserError, match=r"leave hardware\.index out"):
        workers.environments(2, resolved(), ["hardware.index"], None)
    with pytest.raises(UserError, match=r"leave hardware\.index out"):
        workers.environments(2, resolved(index=(0, 1)), [], None)
    with pytest.raises(UserError, match="sqlite holds one worker"):
        workers.environments(2, resolved(), [], "sqlite:///x.db")
    gpus = [Gpu(0, "GPU-a", GPU, (9, 0), 700.0), Gpu(1, "GPU-b", "NVIDIA Other", (9, 0), 700.0)]
    monkeypatch.setattr(workers, "nvidia_gpus", lambda: gpus)
    with pytest.raises(UserError, match="shows 1 of"):
        workers.environments(2, resolved(), [], None)


# --- two processes, one card

HOLD = """
import sys, time
from joulemark.core.machine import Hardware
from joulemark.hardware.gpu_lock import held
with held(Hardware("cuda", "cuda", ("fp32",), uuid="GPU-fake-0"), 0.0, kind=sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def surroundings(tmp_path):
    own = {key: value for key, value in os.environ.items() if not key.startswith("CUDA")}
    return {**own, "PYTHONPATH": os.pathsep.join([str(DRIVER), str(ROOT / "src")]), "TMPDIR": str(tmp_path),
            "JOULEMARK_LOCKS": str(tmp_path)}  # fmt: skip


@pytest.fixture(params=["", "sweep-"], ids=["a run", "another sweep"])
def holder(request, surroundings):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, request.param],
        cwd=ROOT,
        env=surroundings,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()


def sweep(surroundings, tmp_path, *overrides):
    return subprocess.Popen(
        [sys.executable, "-m", "src.run", *LINE, f"storage=sqlite:///{tmp_path}/study.db", *overrides],
        cwd=ROOT,
        env=surroundings,
        stdout=subprocess.PIPE,
        stderr=(tmp_path / "err").open("w"),
        text=True,
    )


def until(path, overrides, seconds=60):
    end = time.monotonic() + seconds
    while overrides not in path.read_text():
        assert time.monotonic() < end, path.read_text()
        time.sleep(0.05)


def test_a_second_sweep_on_a_card_is_refused_at_once_in_one_line(holder, surroundings, tmp_path):
    process = sweep(surroundings, tmp_path)
    out, _ = process.communicate(timeout=60)
    (line,) = (tmp_path / "err").read_text().splitlines()
    assert (process.returncode, out) == (2, "")
    assert line.startswith(f"error: GPU 0 (GPU-fake-0) is being measured by process {holder.pid}; wait for it, type ")
    assert "sweep.busy=wait" in line


def test_a_second_sweep_waits_where_that_was_requested_and_goes_on(holder, surroundings, tmp_path):
    process = sweep(surroundings, tmp_path, "sweep.busy=wait")
    until(tmp_path / "err", f"waits: GPU 0 (GPU-fake-0) is being measured by process {holder.pid}")
    time.sleep(2)
    assert process.poll() is None
    assert "study efficiency" not in (tmp_path / "err").read_text() or holder.args[-1] == ""
    holder.stdin.close()
    holder.wait()
    until(tmp_path / "err", "study efficiency")
    process.kill()
    process.wait()


def test_the_wait_ends_with_a_signal(holder, surroundings, tmp_path):
    process = sweep(surroundings, tmp_path, "sweep.busy=wait")
    until(tmp_path / "err", "waits: ")
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 130
    assert json.loads(out)["status"] == "interrupted"
