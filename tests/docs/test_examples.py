"""Every example of the documentation is run on the built-in models, composed as its command would, or says why not."""

import ast
import itertools
import json
import os
import re
import shlex
import subprocess
import sys

import pytest
import yaml

import joulemark
from joulemark.cli import compare
from joulemark.cli.main import COMMANDS
from joulemark.config.compose import composed
from joulemark.config.options import composed as composed_options
from joulemark.config.options import conf_found
from joulemark.core.paths import CONF, PACKAGE
from joulemark.hardware import devices
from tests.docs import pages
from tests.docs.pages import FILE, NOT_RUN, RUN, SHELL
from tests.paths import ROOT
from tests.test_packaging import EXTRAS

BLOCKS = [block for page in pages.PAGES for block in pages.blocks(page)]
COMPOSED = [block for block in BLOCKS if block.language in SHELL and not block.note]
RUNNING = [page for page in pages.PAGES if any(block.note == RUN for block in pages.blocks(page))]

# What a reader puts in place of a placeholder
FILLED = {"tuned=NAME": "tuned=none", "format=NAME": "format=csv", "RUN…": "1f24b7b4", "[key=value …]": "", "…": ""}
# A few inputs and one short window, of one process where three are evidence
TINY = ("protocol=smoke", "protocol.idle_s=0.1", "samples=8")
# Lines of other programs, and why they are not run
OTHERS = {
    "mlflow": "a server that stays; make test-cluster starts one",
    "optuna-dashboard": "a program of its own, which nothing here needs",
    "eval": "the shell's; tests/cli/test_help.py completes in bash",
}


def words_of(line):
    """The words of a command line, its program and command first; None where it is no command of this program."""
    for pair in FILLED.items():
        line = line.replace(*pair)
    words = [word for word in shlex.split(line) if not re.fullmatch(r"[A-Z_]+=.*", word)]
    if words[:2] == ["python", "-m"] and words[2].startswith("src."):
        return [words[2].removeprefix("src."), *words[3:]]
    return words[1:] if words[:1] == ["joulemark"] else None


def grid(overrides):
    """The single runs of options with commas between their values."""
    several = [[f"{key}{equals}{value}" for value in split(values)] for key, equals, values in parts(overrides)]
    return map(list, itertools.product(*several))


def parts(overrides):
    return [override.partition("=") for override in overrides]


def split(values):
    return [values] if values[:1] in ("[", "{", "'", '"') else values.split(",")


def check(line):
    """Composes what a line would; another program's is a target of Make's, or pip's with files and extras we have."""
    words = words_of(line)
    if words is None:
        return check_other(shlex.split(line))
    command, *arguments = words
    assert command in COMMANDS, line
    if {"--help", "--help-all"} & set(arguments):
        return None
    if command == "compare":
        return compare.arguments(arguments)
    overrides = [word for word in arguments if word != "-m"]
    if command in ("run", "predict"):
        named = any(key == "hardware" for key, _, _ in parts(overrides))
        overrides += [] if named else ["hardware=h100"]  # on which every option is possible
        with conf_found():
            for one in grid(overrides) if "-m" in arguments else [overrides]:
                composed(one, devices.unseen)
    elif (CONF / f"{command}.yaml").is_file():
        with conf_found():
            composed_options(command, [word for word in overrides if "=" in word])
    return None


def check_other(words):
    if words[0] == "make":
        targets = re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.M)
        assert words[1] in targets
    elif words[0] not in OTHERS:
        assert words[:2] == ["pip", "install"], f"{words}: not a command of ours; say <!-- not run: WHY -->"
        for word in words[2:]:
            assert set(re.findall(r"\w+", "".join(re.findall(r"\[(.*)\]", word)))) <= set(EXTRAS)
            assert not word.endswith(".txt") or (ROOT / word).is_file()


@pytest.mark.parametrize("block", COMPOSED, ids=str)
def test_a_line_of_an_example_composes(block, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr("joulemark.hardware.host.cores", lambda: 16)
    for line in block.commands:
        for each in line.split(" && "):
            check(each)


@pytest.mark.parametrize("block", [block for block in BLOCKS if block not in COMPOSED], ids=str)
def test_another_block_is_parsed_run_or_says_why_not(block):
    assert block.note == RUN or block.note.startswith((FILE, NOT_RUN)) or not block.note, block.note
    if block.language == "python":
        tree = ast.parse(block.text)
        named = [n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute) and ast.unparse(n.value) == "jm"]
        assert set(named) <= set(joulemark.__all__)
    elif block.language == "yaml":
        yaml.safe_load(block.text)
    else:
        assert block.language in ("text", *SHELL) or block.note.startswith((FILE, NOT_RUN)), block.language


@pytest.mark.weights
@pytest.mark.processes
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("page", RUNNING, ids=lambda page: page.name)
def test_the_examples_of_a_page_run_one_after_the_other(page, tmp_path):
    runs, python = [], []
    for block in pages.blocks(page):
        if block.note.startswith(FILE):
            file = tmp_path / block.note.removeprefix(FILE)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text)
        elif block.note == RUN and block.language == "python":
            python.append(block.text)
        elif block.note == RUN:
            for line in block.commands:
                runs += of_this_program(words_of(line), runs, tmp_path)
    if python:
        in_python(python, tmp_path)
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".log"] == []


def environment(folder):
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("MLFLOW_", "JOULEMARK_"))}
    return {**kept, "PYTHONPATH": os.pathsep.join([str(PACKAGE.parent), str(ROOT), str(folder)])}


def of_this_program(words, runs, folder):
    """Runs a command with few inputs; returns the ids of its runs, of one process for each setting."""
    command, *arguments = words
    if command == "run":
        tiny = [word for word in TINY if word.partition("=")[0] not in {key for key, _, _ in parts(arguments)}]
        arguments = ["repeats=1" if word == "repeats=3" else word for word in arguments] + tiny
    ids = dict(zip(("RUN_A", "RUN_B"), runs[-2:], strict=False)) | {"RUN": runs[-1] if runs else ""}
    arguments = [ids.get(word, word) for word in arguments]
    done = subprocess.run(
        [sys.executable, "-m", "joulemark", command, *arguments],
        cwd=folder, env=environment(folder), capture_output=True, text=True, timeout=1800, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{words}\n{done.stderr[-3000:]}{done.stdout[-3000:]}"
    if command != "run":
        return []
    last = json.loads(done.stdout.splitlines()[-1])
    return [run["run_id"] for run in last["runs"]] if "runs" in last else [last["run_id"]]


# What a page's Python runs in: short runs of the built-in models; others are composed, and the last record stands for
# theirs, as for an id that the page made up
PRELUDE = """
import joulemark as jm
from joulemark.config.options import overrides_of, run_of

measure, last = jm.run, []

def run(*overrides, timeout_s=None, **options):
    if options.get("model", "embedded").startswith("embedded"):
        few = {**options, "samples": 8, "protocol": "smoke", "protocol.idle_s": 0.1}
        last.append(measure(*overrides, timeout_s=timeout_s, **few))
        globals().update(dict.fromkeys(("a1", "a2", "a3", "b1", "b2", "b3"), last[-1]))
    else:
        run_of(overrides_of(overrides, options))
    return last[-1]

jm.run, jm.load = run, lambda run, tracking_uri=None: last[-1]
train_one_epoch = lambda: sum(range(100_000))
"""


def in_python(blocks, folder):
    """Runs a page's Python in a process of its own, its blocks one after the other."""
    script = folder / "page.py"
    script.write_text("\n".join((PRELUDE, *blocks)))
    done = subprocess.run(
        [sys.executable, script.name], cwd=folder, env=environment(folder), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
