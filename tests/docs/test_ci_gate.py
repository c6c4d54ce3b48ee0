"""The gate of docs/ci-gate.md: its YAML is a pipeline's, and its shell steps do as they stand what the page says."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from joulemark.core.record_json import to_json
from tests.analysis.test_comparison import answered, cell_of
from tests.docs import pages
from tests.paths import ROOT

PAGE = ROOT / "docs" / "ci-gate.md"
GITHUB, GITLAB = (yaml.safe_load(block.text) for block in pages.blocks(PAGE) if block.language == "yaml")
(BASELINE,) = (block.text for block in pages.blocks(PAGE) if block.language == "bash")
(JOB,) = GITHUB["jobs"].values()
STEPS = [step["run"] for step in JOB["steps"] if "run" in step]
SCRIPT = GITLAB["energy"]["script"]
# What GitHub's default shell is, and GitLab's
GITHUB_SHELL, GITLAB_SHELL = ["bash", "-e"], ["bash", "-eo", "pipefail"]
GATES = {"github": (GITHUB_SHELL, STEPS[-1]), "gitlab": (GITLAB_SHELL, SCRIPT[-1])}


@pytest.fixture
def shell(tmp_path):
    """Runs lines of a step in a folder of its own, where `joulemark` is this checkout's."""
    command = tmp_path / "bin" / "joulemark"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m joulemark "$@"\n')
    command.chmod(0o755)
    (tmp_path / "work").mkdir()

    def run(how, lines, **environment):
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("JOULEMARK", "MLFLOW"))}
        path = {"PATH": f"{command.parent}{os.pathsep}{kept['PATH']}", "PYTHONPATH": f"{ROOT / 'src'}"}
        return subprocess.run(
            [*how, "-c", lines],
            cwd=tmp_path / "work",
            env={**kept, **path, **environment},
            capture_output=True,
            text=True,
        )

    run.folder = tmp_path / "work"
    return run


def stored(folder, records):
    """Records as a store's folder of artifacts has them."""
    for number, record in enumerate(records):
        into = folder / "task" / str(number) / "artifacts"
        into.mkdir(parents=True)
        (into / "record.json").write_text(json.dumps(to_json(record)))


def test_both_pipelines_measure_and_hold_against_the_baseline_by_the_same_lines():
    assert JOB["runs-on"] == ["self-hosted", "energy"]
    assert GITHUB[True] == ["pull_request"]  # YAML 1.1 reads `on` so
    assert all(set(step) & {"run", "uses"} for step in JOB["steps"])
    assert "".join(STEPS[:-1]).split("\n")[:-1] == SCRIPT[:-1]
    joined = STEPS[-1].replace("\\\n", " ")
    assert " ".join(SCRIPT[-1].split()) in " ".join(joined.split())
    assert GITLAB["energy"]["allow_failure"] == {"exit_codes": 3}
    assert JOB["env"] == GITLAB["energy"]["variables"]


@pytest.mark.processes
@pytest.mark.parametrize(
    ("b", "correct", "github", "gitlab"),
    [
        ({"mean_w": 100}, 180, 0, 0),
        ({"mean_w": 120}, 180, 1, 1),
        ({"mean_w": 100}, 120, 1, 1),
        ({"mean_w": 104, "between": 0.1}, 180, 0, 3),  # a warning; GitLab's own is `allow_failure`
    ],
)
def test_a_gate_passes_fails_and_warns_as_the_page_says(shell, b, correct, github, gitlab):
    stored(shell.folder / "energy", answered(cell_of(100), 180))
    stored(shell.folder / "mlruns" / "artifacts", answered(cell_of(**{"seed": 10, **b}), correct))
    codes = {"github": github, "gitlab": gitlab}
    for name, (how, line) in GATES.items():
        done = shell(how, line)
        assert done.returncode == codes[name], done.stdout + done.stderr
        assert ("::warning::" in done.stdout) == (name == "github" and gitlab == 3)


@pytest.mark.processes
def test_runs_that_do_not_compare_fail_a_gate(shell):
    b = [replace(record, task=replace(record.task, digest="other")) for record in cell_of(100, 3, 10)]
    stored(shell.folder / "energy", cell_of(100))
    stored(shell.folder / "mlruns" / "artifacts", b)
    for how, line in GATES.values():
        assert shell(how, line).returncode == 2


@pytest.mark.weights
@pytest.mark.processes
@pytest.mark.timeout(900)
def test_what_is_measured_lies_where_baseline_and_gate_look_for_it(shell):
    options = JOB["env"]["OPTIONS"] + " protocol=smoke samples=4 protocol.stage_s=0 protocol.idle_s=0.1"
    subprocess.run(["git", "init", "--quiet"], cwd=shell.folder, check=True)
    done = shell(GITHUB_SHELL, BASELINE, OPTIONS=options)
    assert done.returncode == 0, done.stderr
    added = subprocess.run(["git", "ls-files"], cwd=shell.folder, capture_output=True, text=True).stdout.split()
    names = [Path(name).name for name in added]
    assert names.count("record.json") == names.count("requests.parquet") == 3
    done = shell(GITLAB_SHELL, SCRIPT[-1])
    last = json.loads(done.stdout.splitlines()[-1])
    assert (done.returncode, last["gate"], last["exit"]) == (3, "not established", 3)  # of a smoke run nothing is
    assert "requests.parquet" not in last["quality"]["note"]
