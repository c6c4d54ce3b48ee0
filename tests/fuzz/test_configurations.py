"""Configurations of random options, composed and built in this process as every command does it: a run, or one line."""

import os

import pytest
import yaml
from hydra import initialize_config_dir
from hypothesis import given, settings, strategies

from joulemark.config.compose import composed
from joulemark.core.machine import Hardware
from joulemark.core.paths import CONF
from tests.fuzz.cases import examined
from tests.fuzz.mutations import texts

GROUPS = ("model", "task", "hardware", "meter", "protocol", "site")
CHOICES = {group: sorted(path.stem for path in (CONF / group).glob("*.yaml")) for group in GROUPS}
TOP = (
    "samples", "seed", "repeats", "tracking_uri", "sweep_id", "shared_host", "early_stop_against", "tuned", "precision",
    "batch_size", "sort", "attention", "cache", "compile", "preprocessing_workers", "sweep", "storage",
)  # fmt: skip
USUAL = ("model=embedded_classifier", "task=text_classification", "hardware=cpu")
PLAIN = (
    "null", "true", "false", "0", "1", "-1", "2", "8", "0.5", "-0.5", "nan", "inf", "-inf", "1e400", "1e308", "9" * 20,
    "1" + "0" * 40, "''", "[]", "{}", "[1,2]", "[null]", "[[]]", "[nan]", "{a:1}", "{a:nan}", "{_target_:os.getcwd}",
    "auto", "fp32", "bf16", "int4", "sdpa", "static", "graphs", "length", "random", "embedded", "hub", "none", "file",
    "/etc/passwd", "../../x", "FRA", "XXX", "EUR", "'a b'", "é", "a,b", "range(1,3)", "???", "(", "'\\ud800'",
    "${task}", "${oc.env:HOME}", "${nowhere}", "${.}", "${samples}", "\\${x}", "sqlite:///x.db", "http://[::1",
    "postgresql://u:p@h:x/d",
)  # fmt: skip
SIGNS = ("", "", "", "", "+", "++", "~")


def unseen(name, conf):
    """A device that costs nothing to find."""
    return Hardware(name=name, device="cpu", precisions=("fp32", "bf16", "fp16", "int8", "int4"), ram_w=conf.ram_w)


def dotted(values, prefix):
    """Every key of a node, those of mappings within it too."""
    for key, value in values.items():
        yield f"{prefix}.{key}"
        if hasattr(value, "items"):
            yield from dotted(value, f"{prefix}.{key}")


def keys():
    """Keys that some choice of a group has, whether or not it is the one that was made."""
    found = dict.fromkeys(TOP)
    for group in GROUPS:
        for file in (CONF / group).rglob("*.yaml"):
            found.update(dict.fromkeys(dotted(yaml.safe_load(file.read_text(encoding="utf-8")) or {}, group)))
    return sorted(key for key in found if " " not in key)


KEYS = keys()


@strategies.composite
def overrides(draw):
    """A few options, most of keys that exist."""
    words = [word for word in USUAL if draw(strategies.integers(0, 3))]
    taken = {word.partition("=")[0] for word in words}
    for group in GROUPS:
        choice = draw(strategies.sampled_from([*CHOICES[group], "nowhere"]))
        words += [f"{group}={choice}"] if group not in taken and draw(strategies.integers(0, 2)) == 0 else []
    for _ in range(draw(strategies.integers(1, 4))):
        key = draw(strategies.sampled_from(KEYS) if draw(strategies.integers(0, 9)) else texts())
        sign = draw(strategies.sampled_from(SIGNS))
        value = draw(value_of_any_kind())
        words.append(f"{sign}{key}" if sign == "~" and draw(strategies.booleans()) else f"{sign}{key}={value}")
    return words


def value_of_any_kind():
    return strategies.one_of(
        strategies.sampled_from(PLAIN),
        strategies.sampled_from(PLAIN),
        strategies.integers().map(str),
        strategies.floats().map(str),
        texts(),
    )


CASES = overrides()


def examine(words):
    """Composes and builds the run of these options."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        run = composed(words, unseen)
    assert run.samples >= 1
    assert run.label
    run.command.encode()


@pytest.fixture(autouse=True, scope="module")
def offline():
    """No option of these asks a network."""
    before = os.environ.get("HF_HUB_OFFLINE")
    os.environ["HF_HUB_OFFLINE"] = "1"
    yield
    os.environ.pop("HF_HUB_OFFLINE") if before is None else os.environ.update(HF_HUB_OFFLINE=before)


@settings(max_examples=15 if settings.default.max_examples == 50 else settings.default.max_examples)
@given(CASES)
def test_any_options_give_a_run_or_are_refused_in_one_line(words):
    examined(examine, words)
