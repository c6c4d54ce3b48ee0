"""What Make's targets do first: who only measures waits for nothing that only tests need."""

import re
import shutil
import subprocess

import pytest
import yaml

from joulemark.core import extras
from tests.paths import ROOT

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="no make here")


def lines(*words, folder):
    """The commands that Make would run in a checkout without an environment."""
    command = ["make", "--dry-run", f"VENV={folder / 'venv'}", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def installed(text):
    return [set(words.split(",")) for words in re.findall(r'--editable "\.\[([a-z,]+)\]"', text)]


@pytest.mark.parametrize("target", ["run", "demo", "report", "ui"])
def test_who_measures_gets_the_program_and_what_its_built_in_models_need(target, tmp_path):
    assert installed(lines(target, folder=tmp_path)) == [{"detection"}]


def test_tests_and_checks_get_everything_once_and_later_than_the_program(tmp_path):
    for target in ("test", "check"):
        first, everything, *docs = installed(lines(target, folder=tmp_path))
        assert first == {"detection"}
        assert everything == (set(extras.MODULES) - set(extras.NOT_OF_SETUP)) | {"dev"}
        assert docs in ([], [{"docs"}])
    (tmp_path / "venv").mkdir()
    for made in (".core", ".ready", ".docs"):
        (tmp_path / "venv" / made).touch()
    assert installed(lines("test", "run", "check", folder=tmp_path)) == []


def test_the_demo_needs_no_extra_that_is_not_installed_with_the_program():
    tasks = {cell["task"] for cell in yaml.safe_load((ROOT / "conf" / "suite" / "demo.yaml").read_text())["cells"]}
    assert "object_detection" in tasks  # what detection is installed for
    assert not tasks & {"speech_recognition"}  # what speech would be


def test_the_demo_says_how_many_runs_it_makes(tmp_path):
    cells = yaml.safe_load((ROOT / "conf" / "suite" / "demo.yaml").read_text())["cells"]
    runs = sum(len(cell["models"]) for cell in cells)
    repeated = sum(
        2 * len(cell["models"]) for cell in cells if cell["task"] in ("text_classification", "question_answering")
    )
    assert runs + repeated == 20
    assert '"Twenty runs' in lines("demo", folder=tmp_path)


def test_the_port_that_is_typed_is_the_servers(tmp_path):
    assert "-m src.ui port=5001" in lines("ui", "PORT=5001", folder=tmp_path)
    assert "port=" not in lines("ui", folder=tmp_path)
