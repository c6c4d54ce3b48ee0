"""Any words behind `export`, `explore`, `predict` and `ingest`: an exit code that means something, and no traceback."""

import json
import sys
from functools import cache

import pytest
from hydra.core.global_hydra import GlobalHydra
from hypothesis import given, settings, strategies

from joulemark.cli import explore, export, ingest, predict
from joulemark.core.record_json import to_json
from joulemark.reporting.exports import format as formats
from tests.fuzz.cases import LONGEST_S, WAITED_S, at_most
from tests.fuzz.mutations import texts
from tests.fuzz.test_configurations import SIGNS, value_of_any_kind
from tests.fuzz.test_foreign_files import DOCUMENTS
from tests.reporting.exports.runs import a_record

MAINS = {"export": export.main, "explore": explore.main, "predict": predict.main, "ingest": ingest.main}
KEYS = {
    "export": ("format", "requests", "infra_type", "site", "site.zone", "site.pue", "site.utilization", "embodied",
               "embodied.gpu_kg", "runs", "hydra.help", "hydra.run.dir"),
    "explore": ("tasks", "sweep_id", "runs", "filter", "title", "ui", "hydra.job.name"),
    "predict": ("model", "task", "precision", "batch_size", "samples", "protocol", "hardware", "scenario", "seed"),
    "ingest": ("rows.model", "model", "task", "inferences", "tables", "dry_run", "files"),
}  # fmt: skip
CODES = {0, 1, 2, 130, 143}
# What would write elsewhere than below the case's folder is another test's
OUTS = ("x", "a/b.html", "", ".", "x" * 300, "b.csv", "~", "'a b'")


@strategies.composite
def commands(draw):
    """A command with what it needs, or without it, and a few words of any kind."""
    name = draw(strategies.sampled_from(sorted(MAINS)))
    words = [{"export": "RECORD", "ingest": "FOREIGN"}[name]] if name in ("export", "ingest") else []
    words = words if draw(strategies.integers(0, 9)) else []
    if name == "export":
        words.append(f"format={draw(strategies.sampled_from(formats.names()))}")
    if name == "predict":
        words.append("hardware=cpu")
    for _ in range(draw(strategies.integers(0, 3))):
        kind = draw(strategies.integers(0, 9))
        key = draw(strategies.sampled_from(KEYS[name]) if kind else texts())
        words.append(f"{draw(strategies.sampled_from(SIGNS))}{key}={draw(value_of_any_kind())}")
    if name in ("export", "explore") and draw(strategies.integers(0, 3)) == 0:
        words.append(f"out={draw(strategies.sampled_from(OUTS))}")
    if draw(strategies.integers(0, 9)) == 0:
        words.append(draw(strategies.sampled_from(("--help", "-m", "--cfg", "--batch_size", "-x", "--", "-"))))
    return name, [word for word in words if "\0" not in word]


@cache
def _document():
    return json.dumps(to_json(a_record()))


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """A folder of the case's own, in which nothing of this machine is written or asked."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JOULEMARK_HOME", str(tmp_path / "mlruns"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlruns/mlflow.db")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("joulemark.store.external.save_external", lambda uri, results, report: len(results))  # slow
    (tmp_path / "record.json").write_text(_document())
    (tmp_path / "foreign.json").write_text(json.dumps(DOCUMENTS[2]))
    return tmp_path


@settings(max_examples=25 if settings.default.max_examples == 50 else settings.default.max_examples // 4)
@given(commands())
def test_any_words_end_in_an_exit_code_of_the_convention_and_one_line(capfd, monkeypatch, case):
    name, words = case
    files = {"RECORD": "record.json", "FOREIGN": "foreign.json"}
    monkeypatch.setattr(sys, "argv", [f"joulemark {name}", *(files.get(word, word) for word in words)])
    GlobalHydra.instance().clear()
    capfd.readouterr()
    with at_most(LONGEST_S, WAITED_S):
        try:
            code = MAINS[name]()
        except SystemExit as left:
            code = left.code
    said = capfd.readouterr()
    assert code in CODES, said.err
    assert "Traceback" not in said.err
    if code == 2:
        assert len([line for line in said.err.splitlines() if line.startswith("error: ")]) == 1, said.err
