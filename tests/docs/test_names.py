"""What the documentation names exists: options and their choices, metrics, flags, tags, variables, Make's targets."""

import ast
import re
from dataclasses import fields, replace
from functools import cache
from pathlib import Path

import pytest

from docs.site import measured, option_types
from joulemark.analysis import audit, flags, named_metrics
from joulemark.cli import output
from joulemark.cli.main import COMMANDS
from joulemark.config import option_help
from joulemark.core.paths import CONF
from joulemark.core.traffic import Traffic
from joulemark.store import run_page
from tests.docs import pages
from tests.paths import ROOT
from tests.records import a_record

DOCS = ROOT / "docs"
# Written like an option, and something else
NO_OPTIONS = {
    *("key", "GROUP.KEY"),  # of whatever name
    *("timeout_s", "enters_load", "go", "inferences"),  # Python's, chmod's, of a file that ingest reads
    *("in.COLUMN", "min.COLUMN", "max.COLUMN", "x"),  # of the explorer's address
    *("external", "external.kind", "flags", "process"),  # tags
}
# A name of the user's own stands within these
OPEN = ("task.fields.", "model.labels.", "engine.flags.", "engine.NAME", "hydra.")


def known_options():
    """Every option of every command with every choice, and what a schema takes below it."""
    known = set()
    for file in CONF.glob("*.yaml"):
        known |= {option.key for option in option_help.options(file.stem)}
        for group in option_help.groups(file.stem):
            known.add(group.name)
            for choice in group.choices:
                known |= {option.key for option in option_help.options_of(group.name, choice)}
    nested = {f"{head}.{f.name}" for head, of in option_types.SCHEMAS.items() if head for c in of for f in fields(c)}
    budgets = {f"sweep.constraints.{metric}.{end}" for metric in ("p95", "quality", "energy") for end in ENDS}
    flow = {f"{o.key}.{inner}" for o in _flow_options() for inner in re.findall(r"(\w+):", o.default)}
    return known | nested | budgets | flow | {"hydra/launcher", *output.KEYS}


ENDS = ("min", "max", "loss_rel")


def _flow_options():
    for file in CONF.glob("*.yaml"):
        for option in option_help.options(file.stem, {"sweep": "efficiency"}):
            if option.default.startswith("{"):
                yield option


@pytest.fixture(scope="module")
def known():
    return known_options()


@pytest.mark.parametrize("page", pages.PAGES, ids=lambda page: page.name)
def test_an_option_that_a_page_names_exists(page, known):
    named = {option.lstrip("+~") for text in pages.code(page) for option in pages.options(text)} - NO_OPTIONS
    heads = {key.rpartition(".")[0] for key in known}
    unknown = {name for name in named - known - heads if not name.startswith(OPEN)}
    assert unknown == set()


@pytest.mark.parametrize("page", pages.PAGES, ids=lambda page: page.name)
def test_a_choice_that_a_page_names_exists(page):
    groups = {group.name: group.choices for file in CONF.glob("*.yaml") for group in option_help.groups(file.stem)}
    for text in pages.code(page):
        for group, values in re.findall(r"(?:^|\s)([a-z]+)=([a-z0-9_]+(?:,[a-z0-9_]+)*)(?=[\s`]|$)", text):
            for value in values.split(",") if group in groups else ():
                assert value in (*groups[group], "null") or (group, value) in OWN, f"{group}={value}"


# A choice of the user's own, or a placeholder
OWN = {("model", "a"), ("model", "b"), ("site", "office")} | {
    tuple(Path(name).with_suffix("").parts[1:])
    for page in pages.PAGES
    for name in pages.files(page)
    if name.startswith("conf/")
}


def test_every_option_of_a_run_is_on_a_page_that_people_read_or_in_its_help():
    assert {group.name for group in option_help.groups("run")} <= set(
        re.findall(r"^\| `(\w+)` \|", (DOCS / "options.md").read_text(), re.M)
    )


def documented(name, rows):
    patterns = (re.escape(n).replace("<name>", r"[^/]+") for row in rows for n in row.names)
    return any(re.fullmatch(pattern, name) for pattern in patterns)


def test_every_metric_of_a_record_is_defined_on_a_page():
    batches = a_record()
    served = replace(batches, measurement=replace(batches.measurement, traffic=Traffic(10.0)))
    rows = measured.metrics(DOCS)
    for record in (batches, served):
        assert [name for name in named_metrics.metrics(record) if not documented(name, rows)] == []


@cache
def metric_patterns():
    """The names in the code that may be a metric's, a part that is filled in as a pattern."""
    found = set()
    for path in (ROOT / "src" / "joulemark").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(re.escape(node.value))
            elif isinstance(node, ast.JoinedStr):
                texts = (part.value if isinstance(part, ast.Constant) else None for part in node.values)
                found.add("".join(r"[\w<>]+" if text is None else re.escape(text) for text in texts))
    return [pattern for pattern in found if "/" in pattern and not pattern.startswith("[")]


def test_every_metric_that_a_page_defines_is_one_that_the_code_names():
    for row in measured.metrics(DOCS):
        for name in row.names:
            assert any(re.fullmatch(pattern, name) for pattern in metric_patterns()), name


def raised_flags():
    """The flags that records get: the keys of each `raised`, and what a missing quality and a sweep's process give."""
    names = {"no_quality", flags.CARRY_OVER}
    for module in (flags, audit):
        for function in ast.walk(ast.parse(Path(module.__file__).read_text())):
            if isinstance(function, ast.FunctionDef) and function.name.endswith("flags"):
                keys = [key for node in ast.walk(function) if isinstance(node, ast.Dict) for key in node.keys if key]
                names |= {key.value if isinstance(key, ast.Constant) else getattr(module, key.id) for key in keys}
    return names


def test_the_flags_of_the_page_are_those_that_the_code_raises_each_with_its_verdict():
    rows = measured.flags(DOCS)
    named = {name for row in rows for name in row.names}
    assert named == raised_flags() | {flags.PRELIMINARY}
    lines = [measured.cells_of(line) for line in (DOCS / "what-a-run-leaves.md").read_text().splitlines()]
    doubtful = {cells[0].strip("`") for cells in lines if len(cells) == 3 and cells[2] == "yes"}
    assert doubtful == set(audit.DOUBTFUL)


def test_every_tag_and_file_of_a_run_is_on_the_page():
    page, record = (DOCS / "what-a-run-leaves.md").read_text(), a_record()
    metrics = named_metrics.metrics(record)
    ours = [tag for tag in run_page.tags(record, metrics) if not tag.startswith("mlflow.")]
    missing = [tag for tag in ours if f"`{tag}`" not in page and f"`{tag.partition('.')[0]}.*`" not in page]
    assert missing == []
    assert [name for name in run_page.files(record, metrics) if f"`{name}`" not in page] == []


def test_every_command_is_on_the_page_of_options_and_every_target_that_is_named_exists():
    page = (DOCS / "options.md").read_text()
    assert [name for name in COMMANDS if f"| `{name}" not in page] == []
    targets = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.M))
    for path in pages.PAGES:
        named = {match for text in pages.code(path) for match in re.findall(r"(?:^|\n|&& )make ([a-z-]+)", text)}
        assert named <= targets, path.name


def test_variables_that_the_program_reads_for_a_user_are_on_the_page():
    page = (DOCS / "environment.md").read_text()
    code = "\n".join(path.read_text() for path in (ROOT / "src" / "joulemark").rglob("*.py"))
    assert {name for name in re.findall(r"\bJOULEMARK_[A-Z]+", code) if f"`{name}`" not in page} == set()
