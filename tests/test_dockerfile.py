"""The Dockerfile: its steps run as they stand in an environment of their own, and its image where Docker answers."""

import json
import os
import re
import shutil
import stat
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

import pytest

from joulemark.config.options import run_of
from tests import dockerfile
from tests.docs import pages
from tests.paths import ROOT

TEXT = (ROOT / "Dockerfile").read_text()
STEPS = list(dockerfile.instructions(TEXT))


def values(name):
    return [arguments for instruction, arguments in STEPS if instruction == name]


def test_the_image_rests_on_an_exact_version_and_runs_as_nobody_special():
    (base,) = values("FROM")
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+", base)
    last = max(place for place, (name, _) in enumerate(STEPS) if name in ("RUN", "COPY"))
    users = [(place, arguments) for place, (name, arguments) in enumerate(STEPS) if name == "USER"]
    assert [place > last for place, _ in users] == [True]
    assert not users[0][1].startswith(("0", "root"))


def test_a_change_of_the_program_installs_none_of_what_it_needs_again():
    installs = next(place for place, (name, text) in enumerate(STEPS) if name == "RUN" and "--only-deps" in text)
    before = {word for name, text in STEPS[:installs] if name == "COPY" for word in text.split()[:-1]}
    assert before == {"pyproject.toml", "constraints.txt"}


def test_the_extras_of_the_image_are_the_projects():
    known = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    (extras,) = (value.partition("=")[2] for value in values("ARG") if value.startswith("EXTRAS="))
    assert set(extras.split(",")) <= set(known) - {"dev", "docs"}


def test_records_environments_and_what_git_holds_are_not_sent():
    names = set(dockerfile.sent(ROOT, (ROOT / ".dockerignore").read_text()))
    assert {name.split("/")[0] for name in names} == {
        *("LICENSE", "README.md", "conf", "constraints.txt", "hydra_plugins", "pyproject.toml", "src")
    }
    assert not [name for name in names if "__pycache__" in name]


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """All steps done in an environment in which the packages of this one are found, so that pip downloads few."""
    folder = tmp_path_factory.mktemp("image")
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    packages = folder / "packages"
    packages.mkdir()
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if not entry.name.lower().startswith(("joulemark", "_joulemark", "__editable__", "hydra_plugins", "pip")):
            (packages / entry.name).symlink_to(entry)
    (own,) = folder.glob("venv/lib/python*/site-packages")
    (own / "packages.pth").write_text(f"{packages}\n")
    path = f"{folder / 'venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    environment = {"PATH": path, "PYTHONPATH": "", "PIP_CACHE_DIR": str(folder / "cache")}
    return dockerfile.build(ROOT, dockerfile.Image(folder / "root", environment))


@pytest.mark.processes
@pytest.mark.timeout(900)
def test_every_step_runs_and_the_command_that_it_installs_answers(image):
    assert image.run == values("RUN")
    home = image.at("/home/joulemark")
    assert all(stat.S_IMODE(folder.stat().st_mode) == 0o1777 for folder in (home, home / "mlruns"))
    (entry,), (default,) = values("ENTRYPOINT"), values("CMD")
    environment = {**os.environ, **image.environment, "HOME": str(home)}
    command = [shutil.which(json.loads(entry)[0], path=image.environment["PATH"])]
    assert command[0].startswith(str(image.folder.parent))
    for words in (json.loads(default), ["run", "--cfg", "job"]):
        done = subprocess.run([*command, *words], cwd=home, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert "joulemark" in done.stdout
    found = subprocess.run(
        [image.folder.parent / "venv" / "bin" / "python", "-c", "import joulemark; print(joulemark.__file__)"],
        cwd=home, env=environment, capture_output=True, text=True,
    ).stdout  # fmt: skip
    assert found.startswith(str(image.folder.parent / "venv"))


def test_the_list_of_sensors_that_the_page_gives_for_a_container_is_that_of_a_run(tmp_path, monkeypatch):
    (listed,) = (block for block in pages.blocks(ROOT / "docs" / "docker.md") if block.language == "yaml")
    (tmp_path / "conf" / "meter").mkdir(parents=True)
    (tmp_path / "conf" / "meter" / "host.yaml").write_text(listed.text)
    monkeypatch.chdir(tmp_path)
    meters = run_of(["meter=host", "hardware=cpu"]).meters
    assert [type(sensor).__name__ for sensor in meters] == ["Nvml", "Rapl", "CodeCarbon"]
    assert meters[1].root == "/rapl"


def docker_answers():
    found = shutil.which("docker")
    return bool(found) and subprocess.run([found, "info"], capture_output=True, check=False).returncode == 0


@pytest.mark.processes
@pytest.mark.timeout(3600)
@pytest.mark.skipif(not docker_answers(), reason="no Docker daemon answers here")
def test_the_image_builds_and_measures_as_its_user(tmp_path):
    folder = tmp_path / "mlruns"
    folder.mkdir(mode=0o777)
    folder.chmod(0o777)
    built = subprocess.run(["docker", "build", "--quiet", "."], cwd=ROOT, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    words = ["docker", "run", "--rm", "-v", f"{folder}:/home/joulemark/mlruns", built.stdout.strip()]
    done = subprocess.run([*words, "run", "protocol=smoke"], capture_output=True, text=True)
    assert json.loads(done.stdout.splitlines()[-1])["status"] == "finished", done.stderr
