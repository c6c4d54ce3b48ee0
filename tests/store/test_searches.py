"""The searches that the documentation names find what it says, in a store that this program wrote."""

import os
import re
from dataclasses import replace

import pytest

from joulemark.store import views
from tests.paths import ROOT
from tests.records import PARAMS, a_record

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"

pytestmark = pytest.mark.servers
FIELD = re.compile(r"\b(metrics|tags|params|attributes)\.[`\"\w]")
COMPARED = re.compile(r"\s(=|!=|<|>|<=|>=|LIKE|ILIKE|IS NOT NULL)\s?", re.IGNORECASE)


def searches():
    """Every code span and line of a code block of the documentation that is a filter of MLflow's, with its page."""
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        text = page.read_text()
        blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
        prose = re.sub(r"^```\w*\n.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
        # a span with backquotes in it stands between two of them
        spans = re.findall(r"``\s?(.+?)\s?``|`([^`\n]+)`", prose)
        for code in [*(first or second for first, second in spans), *"\n".join(blocks).splitlines()]:
            typed = re.search(r"filter=(?:'\"|\"')?(.+?)(?:\"'|'\"|'?$)", code)
            if FIELD.search(code) and COMPARED.search(code):
                yield page.name, (typed.group(1) if typed else code).strip()


SEARCHES = sorted(set(searches()))


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    """A store with a run that is sound, cheap and good, one that did not converge, and a preliminary one."""
    from joulemark.store import opening, records

    uri = f"sqlite:///{tmp_path_factory.mktemp('store')}/mlflow.db"
    plain = replace(a_record(), flags=())
    windows = tuple(replace(w, readings=tuple(map(less, w.readings))) for w in plain.measurement.windows)
    cheap = replace(
        plain,
        model=replace(plain.model, name="bloomz"),
        measurement=replace(plain.measurement, windows=windows, idle=()),
        scores={"accuracy": 0.9, "primary": 0.9},
    )
    short = replace(plain, protocol=replace(plain.protocol, name="smoke"), flags=("preliminary",))
    for number, record in enumerate((cheap, replace(plain, flags=("not_converged",)), short)):
        opened = opening.open_store(uri, record.task.name)
        params = {**PARAMS, "batch_size": "32"} if record is cheap else PARAMS
        records.save(opened, replace(record, id=f"{number:032x}"), params)
    return opened.client, opened.experiment_id


def less(reading):
    return replace(reading, **{f"{c}_j": getattr(reading, f"{c}_j") / 1e4 for c in reading.method})


def found(client, search):
    store, experiment = client
    return store.search_runs([experiment], search)


def test_the_documentation_shows_how_to_search():
    assert {page for page, _ in SEARCHES} >= {"what-a-run-leaves.md"}


@pytest.mark.parametrize(("page", "search"), SEARCHES)
def test_each_search_of_the_documentation_is_understood_and_finds_runs_but_not_all(page, search, client):
    assert 0 < len(found(client, search)) < 3, f"{page}: {search}"


def test_the_views_find_the_runs_that_are_not_preliminary(client):
    assert len(found(client, views.default("x").search)) == 2
    assert found(client, views.of_sweep("none").search) == []
