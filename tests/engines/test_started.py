"""A server that the program starts itself: it comes up, is asked, and ends with all its processes, however that is."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from joulemark.core.errors import UserError
from joulemark.core.model import Checkpoint, Settings
from joulemark.core.serving import Call
from joulemark.engines import supervisor
from joulemark.engines.endpoint_server import EndpointServer
from joulemark.engines.started import Started
from joulemark.models.backend import random_files
from tests.engines.test_endpoint import LONG_S, Monotonic, NamedModel, Prompted, asked
from tests.fakes import CPU
from tests.paths import ROOT

SCRIPT = Path(__file__).with_name("openai_server.py")


def engine(*arguments: str, **options: Any) -> Started:
    command = ["{python}", str(SCRIPT), "--port", "{port}", *arguments]
    given = {"command": command, "served_model": "tiny", "remedy": "type pip install it", **options}
    return Started(name="made_up", **given)


@contextmanager
def started(*arguments: str, **options: Any) -> Iterator[EndpointServer]:
    server = engine(*arguments, **options).start(NamedModel(), Prompted(), "cpu", Settings(), Monotonic())
    try:
        yield server
    finally:
        server.close()


def refused(*arguments: str, precision: str = "fp32", **options: Any) -> str:
    made, model = engine(*arguments, **options), NamedModel()

    def begin() -> None:
        made.check(model, Prompted(), CPU)
        made.start(model, Prompted(), "cpu", Settings(precision=precision), Monotonic()).close()

    with pytest.raises(UserError) as error:
        begin()
    assert "\n" not in str(error.value)
    return str(error.value)


def eventually(holds: Any) -> bool:
    until_s = time.monotonic() + LONG_S
    while not holds() and time.monotonic() < until_s:
        time.sleep(0.02)
    return bool(holds())


def gone(processes: Any) -> bool:
    return not any(psutil.pid_exists(each) and psutil.Process(each).status() != "zombie" for each in processes)


pytestmark = pytest.mark.processes


def test_a_server_comes_up_answers_and_is_gone_with_its_child_once_it_is_closed():
    with started("--child") as server:
        assert asked(server, "one two")[-1].prediction.output == "one two"
        processes = server.processes
        assert len(processes) >= 3  # the supervisor, the server and its child
        assert not gone(processes)
    assert gone(processes)


def test_one_that_ends_in_the_middle_is_told_by_its_last_words():
    with started("--dies-at", "2") as server:  # the first request was the short one at the start
        server.send(Call(0, "one two three", None, 8))
        with pytest.raises(RuntimeError, match="engine=made_up has died: RuntimeError: CUDA error"):
            until_dead(server)


def until_dead(server: EndpointServer) -> None:
    until_s = time.monotonic() + LONG_S
    while time.monotonic() < until_s:
        server.events(until_s)


def test_one_that_never_comes_up_is_refused_by_its_last_words():
    assert refused("--dies", "ValueError: no such model") == (
        "engine=made_up ended before it answered: ValueError: no such model"
    )


def test_one_that_takes_too_long_is_refused_and_ended():
    before = set(psutil.Process().children(recursive=True))
    message = refused("--never-ready", start_timeout_s=1.0)
    assert message.startswith("engine=made_up is not up after 1 s: ")
    assert not set(psutil.Process().children(recursive=True)) - before


def test_a_stubborn_server_is_ended_by_force(monkeypatch):
    monkeypatch.setattr(supervisor, "GRACE_S", 0.5)
    before = set(psutil.Process().children(recursive=True))
    with started("--stubborn") as server:
        processes = server.processes
    assert gone(processes)
    assert not set(psutil.Process().children(recursive=True)) - before


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_run_that_is_killed_takes_its_server_with_it(number, tmp_path):
    told = tmp_path / "processes"
    code = f"""
import time
from pathlib import Path
from tests.engines.test_started import engine
from tests.engines.test_endpoint import Monotonic, NamedModel, Prompted
from joulemark.core.model import Settings
server = engine("--child").start(NamedModel(), Prompted(), "cpu", Settings(), Monotonic())
made = Path({str(told)!r} + ".new")
made.write_text(" ".join(map(str, server.processes)))
made.rename({str(told)!r})
time.sleep(600)
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
    run = subprocess.Popen([sys.executable, "-c", code], env=environment, cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        assert eventually(told.exists)
        processes = [int(each) for each in told.read_text().split()]
        assert len(processes) >= 3
        run.send_signal(number)
        run.wait(LONG_S)
        assert eventually(lambda: gone(processes))
    finally:
        run.kill()
        run.wait()


def test_settings_are_flags_of_the_command_and_placeholders_are_filled():
    flags = {"max_num_seqs": 8, "eager": True, "cache": False, "unset": None, "dtype": "{precision}"}
    made = engine(flags=flags, precisions={"fp32": "float32"})
    values = made._values(NamedModel(), "cuda:0,cuda:1", Settings(), None, 8123)
    assert made._command(values)[2:] == [
        "--port", "8123", "--max-num-seqs", "8", "--eager", "--no-cache", "--dtype", "float32",
    ]  # fmt: skip
    assert (values["gpus"], values["device"]) == ("2", "cuda")
    other = engine(flags={"n_ctx": 8, "flash_attn": True}, flag_style="values")
    assert other._command(values)[4:] == ["--n_ctx", "8", "--flash_attn", "True"]


def test_what_is_absent_is_one_line_with_the_remedy():
    made = Started(name="vllm", command=["no-such-program"], remedy="type pip install vllm")
    with pytest.raises(UserError, match="no-such-program, which is not on the PATH; type pip install vllm"):
        made.check(NamedModel(), Prompted(), CPU)
    assert "needs the package no_such_module, which is not installed; type pip install it" in refused(
        packages=("no_such_module",)
    )
    assert "engine.file=null: engine=made_up reads a GGUF file" in refused("{file}")


def test_a_precision_that_the_server_has_no_word_for_is_refused():
    message = refused(precision="int4", precisions={"fp32": "float32", "bf16": "bfloat16"})
    assert message == "precision=int4: engine=made_up has none; choose from: fp32, bf16"


def test_the_log_is_private_and_removed(monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with started():
        (log,) = tmp_path.glob("*.log")
        assert log.stat().st_mode & 0o077 == 0
    assert not list(tmp_path.iterdir())


@pytest.mark.weights
def test_random_weights_are_files_for_as_long_as_the_server_runs(monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    shape = {
        "model_type": "gpt2", "vocab_size": 50257, "n_embd": 8, "n_layer": 1, "n_head": 1, "n_positions": 64,
    }  # fmt: skip
    model = NamedModel(Checkpoint("o/random", weights="random", shape=shape))
    server = engine("--model", "{path}", served_model="{path}").start(model, Prompted(), "cpu", Settings(), Monotonic())
    try:
        folder = Path(server.facts["served_model"])
        assert {"config.json", "model.safetensors", "tokenizer.json"} <= {file.name for file in folder.iterdir()}
        from transformers import AutoModelForCausalLM, AutoTokenizer

        assert AutoModelForCausalLM.from_pretrained(folder).generation_config.eos_token_id is None
        tokenizer = AutoTokenizer.from_pretrained(folder)
        talk = [{"role": "user", "content": "hello"}]
        assert tokenizer.apply_chat_template(talk, tokenize=False) == "user: hello\nassistant:"
    finally:
        server.close()
    assert not folder.exists()
    assert not list(tmp_path.glob("joulemark-*"))


@pytest.mark.weights
def test_random_weights_of_a_vocabulary_that_no_tokenizer_fits_are_refused(tmp_path):
    shape = {"model_type": "gpt2", "vocab_size": 99, "n_embd": 8, "n_layer": 1, "n_head": 1}
    checkpoint = Checkpoint("o/random", weights="random", shape=shape)
    with pytest.raises(UserError, match="a vocabulary of 99 tokens is smaller than any tokenizer"):
        random_files.write(tmp_path, "AutoModelForCausalLM", checkpoint, "cpu", Settings())
