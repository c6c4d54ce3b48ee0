"""A wheel in a fresh environment, without any extra, works from any folder: records, reports, help, own YAMLs."""

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from joulemark.core import extras
from tests.paths import ROOT

pytestmark = [pytest.mark.timeout(900), pytest.mark.processes, pytest.mark.servers, pytest.mark.weights]

# Distributions of the current environment that the fresh one does not see, by the beginning of their files' names
HIDDEN = (
    "joulemark",
    "_joulemark",
    "__editable__",
    "hydra_plugins",
    *(name for names in extras.MODULES.values() for name in names),
)


def call(*words, cwd, **environment):
    kept = {key: value for key, value in os.environ.items() if key in ("PATH", "HOME", "HF_HOME", "OMP_NUM_THREADS")}
    return subprocess.run(
        words, cwd=cwd, env={**kept, **environment}, capture_output=True, text=True, timeout=600, check=False
    )


@pytest.fixture(scope="module")
def joulemark(tmp_path_factory):
    """The command in an environment of its own: the wheel installed, the packages it needs linked, no extra."""
    folder = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "--quiet"]
    build = ["wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(ROOT)]
    done = call(*pip, *build, cwd=folder)
    assert done.returncode == 0, done.stderr
    venv = folder / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    packages = folder / "packages"
    packages.mkdir()
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if not entry.name.lower().startswith(HIDDEN) and entry.suffix != ".pth":
            (packages / entry.name).symlink_to(entry)
    (own,) = venv.glob("lib/python*/site-packages")
    (own / "packages.pth").write_text(f"{packages}\n")
    (wheel,) = folder.glob("*.whl")
    done = call(*pip, "--python", str(venv / "bin" / "python"), "install", "--no-deps", str(wheel), cwd=folder)
    assert done.returncode == 0, done.stderr
    return str(venv / "bin" / "joulemark")


@pytest.fixture(scope="module")
def measured(joulemark, tmp_path_factory):
    """A folder in which a run was made, of the default model and task; `make run` measures the default protocol."""
    folder = tmp_path_factory.mktemp("work")
    return folder, call(joulemark, "run", "protocol=smoke", cwd=folder)


def test_a_run_leaves_its_record_in_the_folder_where_it_was_typed(measured):
    folder, done = measured
    assert done.returncode == 0, done.stderr
    last = json.loads(done.stdout.splitlines()[-1])
    assert last["status"] == "finished"
    assert last["metrics"]["energy/total_wh_per_1k"] > 0
    assert (folder / "mlruns" / "mlflow.db").is_file()
    assert [path.name for path in folder.iterdir()] == ["mlruns"]


def test_what_a_run_says_next_can_be_typed_where_it_ran(measured):
    _, done = measured
    assert "Open this run: joulemark ui, then http" in done.stdout
    for line in ("python -m src", "make "):
        assert line not in done.stdout + done.stderr


def test_a_report_is_made_of_the_store_and_in_the_home_that_are_named(joulemark, measured, tmp_path):
    folder, done = measured
    run_id = json.loads(done.stdout.splitlines()[-1])["run_id"]
    by_home = call(joulemark, "report", cwd=tmp_path, JOULEMARK_HOME=str(folder / "mlruns"))
    assert by_home.returncode == 0, by_home.stderr
    report = json.loads(by_home.stdout.splitlines()[-1])
    assert report["report"] == str(folder / "mlruns" / "reports" / "all" / "report.html")
    assert list(report["recommendations"].values()) == [None]  # a preliminary run decides nothing
    shown = json.loads((folder / "mlruns" / "reports" / "all" / "report.json").read_text())
    assert [run for each in shown["recommendations"] for run in each["runs"]] == [run_id]
    assert list(tmp_path.iterdir()) == []
    uri = f"tracking_uri=sqlite:///{folder / 'mlruns' / 'mlflow.db'}"
    by_uri = call(joulemark, "report", uri, cwd=tmp_path)
    assert json.loads(by_uri.stdout.splitlines()[-1])["runs"] == 1, by_uri.stderr
    assert (tmp_path / "mlruns" / "reports" / "all" / "report.html").is_file()
    assert "decides nothing" in (tmp_path / "mlruns" / "reports" / "all" / "report.md").read_text()


@pytest.mark.parametrize("command", ["run", "suite", "report", "compare", "ui", "calibrate", "ingest", "rescore"])
def test_every_command_has_its_help(joulemark, tmp_path, command):
    done = call(joulemark, command, "--help", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert f"joulemark {command}" in done.stdout
    assert "python -m src" not in done.stdout


def test_the_commands_are_listed_and_a_misspelt_one_is_one_line(joulemark, tmp_path):
    listed = call(joulemark, "--help", cwd=tmp_path)
    assert listed.returncode == 0
    assert "calibrate" in listed.stdout
    unknown = call(joulemark, "runn", cwd=tmp_path)
    assert (unknown.returncode, unknown.stdout) == (2, "")
    assert "did you mean joulemark run?" in unknown.stderr
    assert unknown.stderr.count("\n") == 1


def test_a_yaml_in_the_folders_own_conf_is_a_choice(joulemark, tmp_path):
    (tmp_path / "conf" / "site").mkdir(parents=True)
    (tmp_path / "conf" / "site" / "office.yaml").write_text("defaults: [unknown, _self_]\nzone: FRA\n")
    done = call(joulemark, "run", "site=office", "--cfg", "job", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "zone: FRA" in done.stdout


@pytest.mark.parametrize(
    ("words", "extra"),
    [
        (["precision=int8"], "quantization"),
        (["task=speech_recognition", "model=whisper", "model.weights=random"], "speech"),
        (["task=object_detection", "model=embedded_detector"], "detection"),
        (["tracking_uri=postgresql+psycopg://me@127.0.0.1/runs"], "postgres"),
        (["-m", "sweep=efficiency", "storage=postgresql+psycopg://me@127.0.0.1/study"], "postgres"),
        (["-m", "hydra/launcher=ray", "batch_size=1,2"], "ray"),
    ],
)
def test_an_absent_extra_is_one_line_that_names_it(joulemark, tmp_path, words, extra):
    done = call(joulemark, "run", *words, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert f"pip install 'joulemark[{extra}]'" in done.stderr
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
