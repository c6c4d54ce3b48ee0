"""Every YAML of conf/engine that asks a server: composed, made, and honest about where it was tried."""

import re

import pytest
import yaml

from joulemark.config.serving import made_engine
from joulemark.core.model import Checkpoint, Settings
from joulemark.engines.started import Started
from tests.engines.test_endpoint import NamedModel
from tests.paths import ROOT

FOLDER = ROOT / "conf" / "engine"
TEXTS = {path.stem: path.read_text() for path in sorted(FOLDER.glob("*.yaml"))}
STARTED = [name for name, text in TEXTS.items() if "engines.started.Started" in text]


def made(name: str) -> Started:
    node = yaml.safe_load(TEXTS[name])
    given = {key: "x" for key, value in node.items() if value == "???"}
    return made_engine({**node, **given}, name)


def test_the_servers_that_people_run_are_there():
    assert set(STARTED) >= {"transformers_serve", "llama_cpp", "vllm", "sglang", "tgi", "ollama"}


@pytest.mark.parametrize("name", STARTED)
def test_a_command_has_no_placeholder_left_and_no_setting_twice(name):
    engine = made(name)
    model = NamedModel(Checkpoint("o/model"))
    values = engine._values(model, "cuda:0", Settings(precision="bf16"), None, 8000)
    line = engine._command(values)
    assert not [part for part in line if re.search(r"\{\w+\}", part)]
    flags = [part for part in line if part.startswith("--")]
    assert len(flags) == len(set(flags))
    assert "8000" in " ".join([*line, *engine.environment.values()]) or "{port}" in str(engine.environment)


@pytest.mark.parametrize("name", STARTED)
def test_it_says_where_it_was_tried(name):
    first = TEXTS[name].splitlines()[0]
    assert re.search(r"(ran here|written from).*20\d\d-\d\d-\d\d", first), first


@pytest.mark.parametrize("name", STARTED)
def test_its_settings_are_in_the_record_and_nothing_of_this_machine(name):
    options = made(name).options
    assert options["flags"] == yaml.safe_load(TEXTS[name]).get("flags", {})
    assert str(ROOT) not in str(options)
