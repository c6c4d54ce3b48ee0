"""The command as a user types it: a mistake is one line and exit code 2, before torch, and nothing is written."""

import subprocess
import sys

import pytest

from joulemark.cli.command_line import expanded
from tests.paths import ROOT

pytestmark = pytest.mark.processes

# A stand-in that makes any import of a heavy package an error: a refusal must come before it
TRAP = "raise SystemExit('a heavy package was imported before the options were checked')"


def left():
    """What Hydra's own way of many runs would leave in the working directory."""
    return {*ROOT.glob("multirun*"), *ROOT.glob("multirun/**/*")}


@pytest.fixture
def command(tmp_path):
    trap = tmp_path / "trap"
    trap.mkdir()
    for package in ("torch", "transformers", "mlflow", "codecarbon", "datasets"):
        (trap / f"{package}.py").write_text(TRAP)
    home, before = tmp_path / "home", left()

    def run(*options):
        done = subprocess.run(
            [sys.executable, "-m", "src.run", *options],
            cwd=ROOT,
            env={"PYTHONPATH": str(trap), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "JOULEMARK_HOME": str(home)},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert set(home.rglob("*")) <= {home / "spool"}  # no store, no record
        assert left() == before
        return done

    return run


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["model=blomz"], "model=blomz does not exist; did you mean model=bloomz? choose from: albert_base"),
        (["task=summarisation"], "did you mean task=summarization?"),
        (["modle=bloomz"], "unknown key modle; did you mean model=…?"),
        (["batchsize=8"], "unknown key batchsize; did you mean batch_size=…?"),
        (["+batchsize=8"], "unknown key batchsize; did you mean batch_size=…?"),
        (["model.revison=abc"], "unknown key model.revison; did you mean model.revision=…?"),
        (["model.sise=7b1"], "unknown key model.sise; did you mean model.size=…?"),
        (["batch_size=many"], "batch_size=many is not a whole number"),
        (["model=bloomz", "model.size=7b"], "did you mean model.size=7b1?"),
        (["precision=f16"], "did you mean precision=fp16"),
        (["site.zone=FRANC"], "did you mean site.zone=FRA"),
        (["model=distilbert_sst2", "task=summarization"], "cannot do task=summarization"),
        (["hardware=cuda"], "this machine shows none"),
        (["task.dataset=file", "task.path=nowhere.csv"], "task.path=nowhere.csv is not a file"),
        (["samples=50000"], "rows, 50000 are requested"),
        (["-m", "model=embedded,blomz"], "model=blomz does not exist; did you mean model=bloomz?"),
        (["-m", "batchsize=8,9"], "unknown key batchsize; did you mean batch_size=…?"),
        (["-m", "model=embedded,embedded_tagger"], "(run 2 of 2: model=embedded_tagger)"),
        (["-m", "task.dataset=auto,embedded"], "runs 1 and 2 are the same: task.dataset=embedded; leave one out"),
        (["-m", "batch_size=1,2", "hydra.sweeper.max_batch_size=1"], "hydra.sweeper.max_batch_size"),
        (["task.datasets=1"], "task.datasets=1: this key holds others"),
        (["~model"], "model"),
        (["foo"], "is not key=value"),
        (["--batch_size", "8"], "options are written batch_size=8"),
        (["--model=gpt2"], "options are written model=gpt2"),
        (["model=hub"], "type model=hub model.checkpoint="),
        (["precision=float16"], "did you mean precision=fp16?"),
        (["batch_size=64", "samples=10"], "batch_size=64 is more than samples=10"),
        (["tracking_uri=127.0.0.1:5000"], "http:// missing? type tracking_uri=http://127.0.0.1:5000"),
        (["task.dataset=file", "task.path=~/nothing.csv"], "/nothing.csv is not a file"),
        (["prepare_processes=4"], "prepare_processes is now called preprocessing_workers"),
        (["model=hub", "model.weights=random", "model.checkpoint=a/b"], "model"),
        (["model=gpt2", "model.weights=random", "task=text_generation", "model.shape=null"], "model.shape"),
    ],
)
def test_a_mistake_is_one_line_that_says_what_to_type(command, options, says):
    done = command(*options)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert says in done.stderr
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1


def test_a_launcher_that_would_run_all_in_one_process_is_refused(command, tmp_path):
    done = command("-m", "batch_size=1,2", "hydra/launcher=basic", f"hydra.sweep.dir={tmp_path}/sweep")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "error: hydra/launcher: only fresh, slurm and ray give each run a process of its own; leave it out\n"
    )


def test_help_names_every_group_and_choice_and_gives_examples(command):
    done = command("--help")
    assert done.returncode == 0
    for option in (
        "model",
        "task",
        "hardware",
        "meter",
        "protocol",
        "site",
        "bloomz",
        "summarization",
        "model.weights=random",
        "batch_size=",
    ):
        assert option in done.stdout, option


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("out=~/page", "out='/home/me/page'"),
        ("task.path='~/my file.csv'", "task.path='/home/me/my file.csv'"),
        ("task.path=~/a.csv,~/b.csv", "task.path='/home/me/a.csv','/home/me/b.csv'"),
        ('runs=[~/a.json,"~/b.json"]', "runs=['/home/me/a.json',\"/home/me/b.json\"]"),
        ("--config-dir=~/conf", "--config-dir=/home/me/conf"),
        ("title=about ~/page", "title=about ~/page"),
        ("batch_size=8", "batch_size=8"),
    ],
)
def test_a_path_of_the_home_folder_is_one_in_lists_and_sweeps_too(typed, read, monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    assert expanded(typed) == read
