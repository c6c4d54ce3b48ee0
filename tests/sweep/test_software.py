"""Results of other code, configuration or packages are another study, and a user says so to go on with one."""

from types import SimpleNamespace

import pytest

from joulemark.core.errors import UserError
from joulemark.core.paths import CONF
from joulemark.hardware import host
from joulemark.sweep import identity, siblings
from joulemark.sweep.result import several
from joulemark.sweep.software import changes, digest, software
from joulemark.sweep.storage import open_study
from joulemark.sweep.trial import Outcome
from tests.sweep.landscape import REFERENCE, SPACE, wanted

NOW = {"code": "a", "configuration": "b", "torch": "2.12", "diffusers": None}
BEFORE = {"code": "a", "configuration": "b", "torch": "2.11", "diffusers": "0.4"}
LINE = "efficiency-0123456789-"


def a_run(**config):
    return SimpleNamespace(task=object(), model=object(), meters=(), config=config)


def a_study(folder, used, trials=1, name=None):
    name = name or f"{LINE}{digest(used)}"
    study = open_study(None, folder, name, SPACE, wanted(), 0, software=used)
    for _ in range(trials):
        claim, _ = study.claim(REFERENCE, "full")
        study.tell(claim, Outcome((), 143, "timed_out"))
    return study


def test_what_a_sweep_measures_with_is_its_code_its_configuration_and_its_packages(monkeypatch):
    used = software(a_run(task={"prompt": "x"}))
    assert used["torch"] == host.version("torch")
    assert changes(used, software(a_run(task={"prompt": "x"}, tracking_uri="sqlite:///y", shared_host=True))) == ""
    assert changes(used, software(a_run(task={"prompt": "y"}))) == "configuration"
    monkeypatch.setattr(host, "code_digest", lambda: "0")
    monkeypatch.setattr(host, "version", lambda name: "0")
    assert changes(used, software(a_run(task={"prompt": "x"}))).startswith("code, torch ")
    assert changes(BEFORE, NOW) == "torch 2.11 and 2.12, diffusers 0.4 and absent"


def test_a_task_of_ones_own_is_code_too(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "own_task_of_a_test.py").write_text("class Task: pass")
    import own_task_of_a_test

    run = a_run()
    run.task = own_task_of_a_test.Task()
    used = software(run)
    (tmp_path / "own_task_of_a_test.py").write_text("class Task: more = 1")
    assert changes(used, software(run)) == "code"


def test_settings_that_a_sweep_saved_are_no_other_program(monkeypatch, tmp_path):
    for name in ("conf/tuned", "conf/task"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.setattr(host, "CONF", tmp_path / "conf")
    before = host.code_digest.__wrapped__()
    (tmp_path / "conf/tuned/mine.yaml").write_text("batch_size: 8")
    assert host.code_digest.__wrapped__() == before
    (tmp_path / "conf/task/mine.yaml").write_text("x: 1")
    assert host.code_digest.__wrapped__() != before
    assert CONF.is_dir()


def test_a_study_of_the_same_line_and_other_software_is_named_and_not_gone_on_with(tmp_path):
    assert siblings.sentences(a_study(tmp_path, BEFORE, trials=2), None, tmp_path, LINE, BEFORE) == []
    now = a_study(tmp_path, NOW)
    (tmp_path / f"{LINE}broken.journal").write_text("nonsense")
    a_study(tmp_path, {"code": "empty"}, trials=0)
    assert siblings.sentences(now, None, tmp_path, LINE, NOW) == [
        "another study of this line has 2 trials of other software (torch 2.11 and 2.12, diffusers 0.4 and absent); "
        f"sweep.resume={LINE}{digest(BEFORE)} goes on with it all the same"
    ]


def test_a_study_that_is_resumed_says_what_differs_and_that_its_results_are_mixed(tmp_path):
    name = a_study(tmp_path, BEFORE).study.study_name
    resumed = a_study(tmp_path, NOW, name=name)
    (warning,) = siblings.warnings(resumed, NOW)
    assert warning.startswith("resumed though this differs since it began: torch 2.11 and 2.12")
    results = resumed.results()
    assert [result.software for result in results] == [digest(BEFORE), digest(NOW)]
    assert any(line.startswith("mixed: ") for line in several(results))
    assert several(results[:1]) == []


def test_only_a_study_of_this_line_can_be_resumed(tmp_path):
    a_study(tmp_path, BEFORE)
    name = f"{LINE}{digest(BEFORE)}"
    assert identity.study_name(None, LINE, NOW, tmp_path, None) == f"{LINE}{digest(NOW)}"
    assert identity.study_name(name, LINE, NOW, tmp_path, None) == name
    for wrong, says in ((f"{LINE}ffffff", "there is no such study"), ("latency-1", "of another line")):
        with pytest.raises(UserError, match=says):
            identity.study_name(wrong, LINE, NOW, tmp_path, None)
