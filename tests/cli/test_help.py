"""--help fits two screens, --help-all explains every option, and both come from conf/ and the fields of Settings."""

import os
import subprocess
import sys
from dataclasses import fields

import pytest
import yaml
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

import joulemark.config.run  # noqa: F401  # registers the schema of a run
from joulemark.cli import completion
from joulemark.cli import help as pages
from joulemark.cli.command_line import check_flags
from joulemark.cli.main import COMMANDS
from joulemark.config import option_help
from joulemark.core.errors import UserError
from joulemark.core.model import Settings
from joulemark.core.paths import CONF
from tests.paths import ROOT

SCREEN = 48
SETTINGS = dict.fromkeys(setting.name for setting in fields(Settings))
COMPOSED = sorted(path.stem for path in CONF.glob("*.yaml"))
CHOICES = [
    (group.name, choice)
    for command in COMPOSED
    for group in option_help.groups(command)
    for choice in group.choices
    if group.name != "model" and (command == "run" or group.name in ("suite", "mix"))
]


@pytest.mark.parametrize("command", COMPOSED)
def test_help_fits_two_screens_and_lines_of_120_columns(command):
    lines = pages.short(command).splitlines()
    assert len(lines) <= 2 * SCREEN
    assert max(map(len, lines)) <= 124, max(lines, key=len)
    assert "$" not in pages.short(command).replace("${", "")


def test_the_help_of_a_run_names_its_groups_and_how_many_models_there_are():
    page = pages.short("run")
    for group in option_help.groups("run"):
        assert f"{group.name}={group.default}" in page
        assert group.meaning
    assert f"{len(option_help.choices('model'))}, such as" in page
    assert set(pages.EXAMPLES["model"]) <= set(option_help.choices("model"))


@pytest.mark.parametrize("command", COMPOSED)
def test_every_option_has_a_meaning_in_conf(command):
    silent = [option.key for option in option_help.options(command) if not option.meaning]
    assert silent == []


@pytest.mark.parametrize(("group", "choice"), CHOICES)
def test_every_option_of_every_choice_has_a_meaning_in_conf(group, choice):
    assert [option.key for option in option_help.options_of(group, choice) if not option.meaning] == []


@pytest.mark.parametrize("command", ["run", "report", "rescore", "calibrate"])
def test_help_all_has_every_key_that_the_command_composes(command):
    listed = {option.key for option in option_help.options(command)}
    with initialize_config_dir(str(CONF), version_base="1.3"):
        values = OmegaConf.to_container(compose(command))

    def covered(value, key):
        if key in listed or {key, *key.split(".")} & {*option_help.TABLES, *option_help.INTERNAL}:
            return []
        if isinstance(value, dict) and value:
            return [missing for name, inner in value.items() for missing in covered(inner, f"{key}.{name}")]
        return [] if key == "tuned" else [key]

    groups = {group.name for group in option_help.groups(command)}
    assert [m for key, value in values.items() for m in covered(value, key) if key not in groups or value] == []


def test_the_settings_are_listed_once_and_have_the_default_and_the_meaning_of_their_fields():
    listed = [option for option in option_help.options("run") if option.key in SETTINGS]
    assert [option.key for option in listed] == list(SETTINGS)
    for option, setting in zip(listed, fields(Settings), strict=True):
        assert yaml.safe_load(option.default) == setting.default
        assert option.meaning == setting.metadata["meaning"] != ""
    assert not SETTINGS.keys() & yaml.safe_load((CONF / "run.yaml").read_text()).keys()


def test_help_all_shows_the_options_of_the_choice_that_is_typed():
    assert "model.size=560m" in pages.full("run", ["model=bloomz"])
    assert "model.size=560m" not in pages.full("run", [])
    assert "sweep.finalists=3" in pages.full("run", [])


def test_commands_are_written_as_they_are_typed_where_the_help_is_read(monkeypatch, tmp_path):
    monkeypatch.chdir(ROOT)
    assert "python -m src.run model=bloomz" in pages.short("run")
    monkeypatch.chdir(tmp_path)
    assert "joulemark run model=bloomz" in pages.short("run")
    assert "python -m src" not in pages.short("run") + pages.full("run", [])


@pytest.mark.parametrize(
    ("arguments", "written"),
    [
        (["--batch_size", "8"], "batch_size=8"),
        (["--batch-size=8"], "batch_size=8"),
        (["--model=gpt2"], "model=gpt2"),
        (["--modle=gpt2"], "model=gpt2"),
        (["task=summarization", "--precision"], "precision=VALUE"),
        (["batch_size", "8"], "batch_size=8"),
    ],
)
def test_an_option_written_as_a_flag_is_refused_with_the_way_it_is_written(arguments, written):
    with pytest.raises(UserError, match=f"options are written {written}$"):
        check_flags("run", arguments)


def test_what_cfg_shows_is_one_of_three():
    with pytest.raises(UserError, match="--cfg=jobs does not exist; did you mean --cfg=job"):
        check_flags("run", ["--cfg", "jobs"])


def test_plain_arguments_of_a_command_that_reads_files_pass():
    check_flags("ingest", ["tables", "emissions.csv"])


def test_hydras_own_flags_pass():
    check_flags("run", [])
    check_flags("run", ["-m", "--cfg", "job", "model=gpt2", "site.pue=-1"])


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("joulemark rep", ["report"]),
        ("joulemark run task", ["task=", "task.dataset="]),
        ("joulemark run model=bloom", ["model=bloom_560m", "model=bloomz"]),
        ("joulemark run model=bloomz model.si", ["model.size="]),
        ("joulemark report constraints.p", ["constraints.p95_s="]),
        ("joulemark rescore ver", ["verbose="]),
        ("joulemark run json=t", ["json=true"]),
    ],
)
def test_completion_offers_what_may_follow(line, offered):
    offers = completion.offers(line)
    assert set(offered) <= set(offers)
    assert all(offer.startswith(line.split(" ")[-1]) for offer in offers)


def test_every_command_that_is_listed_exists():
    for name in COMMANDS:
        assert (ROOT / "src" / "joulemark" / "cli" / f"{name}.py").is_file(), name


@pytest.mark.processes
@pytest.mark.skipif(not os.path.exists("/bin/bash"), reason="no bash")
def test_the_completion_script_completes_in_bash(tmp_path):
    command = tmp_path / "joulemark"
    command.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT / "src"} exec {sys.executable} -m joulemark "$@"\n')
    command.chmod(0o755)
    script = (
        'eval "$(joulemark completion bash)"; COMP_LINE="joulemark run model=bloomz"; COMP_POINT=${#COMP_LINE}; '
        '_joulemark; echo "${COMPREPLY[@]}"'
    )
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "HOME": str(tmp_path)}
    done = subprocess.run(["bash", "-c", script], env=environment, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() in ("bloomz", "model=bloomz"), done.stderr
