"""A grid of runs: which, in what words, and none twice."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from src.config import CONF, command
from src.core import UserError
from src.suite import Cell, Suite, jobs

ROOT = Path(__file__).resolve().parent.parent
STUDY = ROOT.parent / "shared" / "data" / "study"
GRID = Suite(
    words=("protocol=smoke",),
    cells=(
        Cell("summarization", ("bloomz-7b1", "gpt2"), ("xsum", "samsum"), ("samples=7",)),
        Cell("text_generation", ("gpt2",)),
    ),
)


def test_a_grid_is_every_model_on_every_dataset_of_its_task():
    found = [job.command for job in jobs(GRID, (), (), ())]
    assert len(found) == 5
    assert found[0] == (
        "python -m src.run model.size=7b1 model=bloomz protocol=smoke samples=7 task.dataset=xsum task=summarization"
    )
    assert found[-1] == "python -m src.run model=gpt2 protocol=smoke task=text_generation"


def test_the_users_words_prevail_and_the_order_of_words_does_not_matter():
    (job,) = jobs(GRID, ("samples=9", "seed=1"), ("summarization",), ("bloomz",))[:1]
    assert "samples=9" in job.words
    assert "samples=7" not in job.words
    assert command(job.words) == command(job.words[::-1])
    assert command([*job.words, "tracking_uri=sqlite:///x.db"]) == job.command


@pytest.mark.parametrize(("tasks", "models"), [(("summarisation",), ()), ((), ("gpt3",))])
def test_a_task_or_model_that_the_suite_has_not_is_refused(tasks, models):
    with pytest.raises(UserError, match="does not exist; did you mean"):
        jobs(GRID, (), tasks, models)


@pytest.mark.parametrize("suite", sorted(path.stem for path in (CONF / "suite").glob("*.yaml")))
def test_every_suite_names_models_tasks_and_datasets_that_exist(suite):
    for cell in yaml.safe_load((CONF / "suite" / f"{suite}.yaml").read_text())["cells"]:
        task = yaml.safe_load((CONF / "task" / f"{cell['task']}.yaml").read_text())
        assert set(cell.get("datasets", ())) <= set(task["datasets"])
        for model in cell["models"]:
            name, _, size = model.partition("-")
            node = yaml.safe_load((CONF / "model" / f"{name}.yaml").read_text())
            assert not size or size in node["sizes"]


@pytest.mark.skipif(not STUDY.is_dir(), reason="the study's public data are not beside the project")
def test_the_study_suite_has_every_model_of_the_study_on_its_tasks_and_thirty_datasets():
    cells = yaml.safe_load((CONF / "suite" / "study.yaml").read_text())["cells"]
    ids = {}
    for cell in cells:
        for model in cell["models"]:
            name, _, size = model.partition("-")
            node = yaml.safe_load((CONF / "model" / f"{name}.yaml").read_text())
            ids.setdefault(cell["task"], set()).add(node["sizes"][size]["checkpoint"] if size else node["checkpoint"])
    with (STUDY / "models.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["hub_id_today_recalled"] for row in rows} == set.union(*ids.values())
    general = {row["hub_id_today_recalled"] for row in rows if row["kind"] == "multi-purpose"}
    for task in ("text_classification", "question_answering", "summarization"):
        assert general <= ids[task]
    assert sum(len(cell["datasets"]) for cell in cells) == 30


@pytest.mark.weights
def test_what_is_measured_is_not_measured_again_and_a_failed_run_does_not_stop_the_rest(tmp_path):
    def suite(*words):
        return subprocess.run(
            [sys.executable, "-m", "src.suite", "tasks=[text_classification]", *words],
            cwd=ROOT,
            env={**os.environ, "MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path}/mlflow.db"},
            capture_output=True,
            text=True,
        )

    short = 'words=["protocol=smoke","samples=4"]'
    first = suite(short, "models=[embedded_classifier]")
    assert first.returncode == 0, first.stderr
    assert json.loads(first.stdout.splitlines()[-1]) == {"runs": 1, "failed": 0}
    again = suite(short)  # one is known, the general model is new
    assert again.returncode == 0, again.stderr
    assert again.stdout.count("measured before") == 1
    broken = suite('words=["protocol=smoke","samples=4","task.max_new_tokens=5000","seed=2"]')
    assert broken.returncode == 1
    assert "no room for input" in broken.stdout
    assert json.loads(broken.stdout.splitlines()[-1]) == {"runs": 2, "failed": 1}
