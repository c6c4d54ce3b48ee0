"""Another site over runs that are in a real store: new figures beside the old, nothing measured ever touched."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir

from joulemark.analysis import emissions, named_metrics
from joulemark.cli import rescore
from joulemark.core.errors import UserError
from joulemark.core.machine import Site
from joulemark.core.paths import CONF
from joulemark.core.record_json import to_json
from joulemark.store import rescoring
from tests.paths import ROOT
from tests.records import PARAMS, a_record

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"

servers = pytest.mark.servers


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A sqlite store with two finished runs and a failed one, and their ids; made once, since that takes seconds."""
    from joulemark.store import opening, records

    path = tmp_path_factory.mktemp("template") / "mlflow.db"
    opened = opening.open_store(f"sqlite:///{path}", "text_classification")
    made = [a_record(), a_record(), replace(a_record(), status="failed", error="it broke")]
    return path, [records.save(opened, record, PARAMS)["run_id"] for record in made]


@pytest.fixture
def stored(template, tmp_path):
    """A copy of that store: its uri, and the ids."""
    path, ids = template
    return f"sqlite:///{shutil.copy(path, tmp_path / 'mlflow.db')}", ids


def rescored(uri, *options, name="unknown"):
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = compose("rescore", overrides=[f"site={name}", f"tracking_uri={uri}", *options])
    return rescore.run(config, name)


def data(uri, run_id):
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=uri).get_run(run_id).data


def record_text(uri, run_id):
    from mlflow import artifacts

    return Path(artifacts.download_artifacts(run_id=run_id, artifact_path="record.json", tracking_uri=uri)).read_text()


@servers
def test_rescoring_changes_nothing_that_was_measured_and_keeps_both(stored):
    uri, (run_id, *_) = stored
    before, text = data(uri, run_id), record_text(uri, run_id)
    rescored(uri, "site.zone=FRA", "site.pue=1.2", "site.price_per_kwh=0.25", "site.currency=EUR")
    after = data(uri, run_id)
    assert record_text(uri, run_id) == text
    assert after.params == before.params
    assert before.metrics.items() <= after.metrics.items()
    assert before.tags.items() <= after.tags.items()
    wh = before.metrics["energy/total_wh_per_1k"]
    label = "rescored/FRA-pue1.2-0.25EUR"
    assert after.metrics[f"{label}/emissions/g_per_1k"] == pytest.approx(wh / 1000 * 1.2 * 56.039)
    assert after.metrics[f"{label}/cost/per_1k"] == pytest.approx(wh / 1000 * 1.2 * 0.25)
    assert f"{label}/heat/credit_wh_per_1k" not in after.metrics  # the site says nothing of heat: never a zero
    tag = json.loads(after.tags["rescored.FRA-pue1.2-0.25EUR"])
    assert (tag["zones"], tag["site"]["factor_year"]) == ("codecarbon-3.3.2", 2023)
    assert tag["at"]


@servers
def test_the_same_site_again_writes_nothing_and_another_stands_beside_it(stored, capsys):
    uri, (run_id, *_) = stored
    rescored(uri, "site.zone=FRA")
    first = data(uri, run_id)
    rescored(uri, "site.zone=FRA")
    assert data(uri, run_id).tags == first.tags
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == {"runs": 2, "written": 0, "label": "FRA"}
    rescored(uri, "site.zone=SWE")
    both = data(uri, run_id).metrics
    assert both["rescored/FRA/emissions/g_per_1k"] == first.metrics["rescored/FRA/emissions/g_per_1k"]
    assert both["rescored/SWE/emissions/g_per_1k"] < both["rescored/FRA/emissions/g_per_1k"]


@servers
def test_a_label_holds_one_site_and_a_refusal_writes_to_no_run(stored):
    uri, ids = stored
    rescored(uri, "site.zone=FRA", "label=ours", f'runs=["{ids[1]}"]')
    before = [data(uri, run_id).metrics for run_id in ids]
    with pytest.raises(UserError, match="another site's figures under label=ours"):
        rescored(uri, "site.zone=SWE", "label=ours")
    assert [data(uri, run_id).metrics for run_id in ids] == before


@servers
def test_finished_runs_are_taken_unless_others_are_named_and_a_name_may_be_short(stored, capsys):
    uri, ids = stored

    def runs(*options):
        rescored(uri, "site.zone=FRA", "dry_run=true", *options)
        return json.loads(capsys.readouterr().out.splitlines()[-1])["runs"]

    assert runs() == 2
    assert runs("tasks=[text_classification]") == 2
    assert runs(f'runs=["{ids[2][:10]}"]') == 1  # a failed one by its name
    for options, says in (
        (["tasks=[summarization]"], "no such run of summarization"),
        (['runs=["zzz"]'], "run zzz is not in the store"),
        (['runs=[""]'], "may be 3 runs"),
        (["runs=[12]"], "read as a number; quote it"),
        (["label=a/b"], "letters, digits"),
        (["site.zone=FRAX"], "did you mean site.zone=FRA"),
    ):
        with pytest.raises(UserError, match=says):
            runs(*options)
    assert not [name for name in data(uri, ids[0]).metrics if name.startswith("rescored")]  # the dry run wrote nothing


@servers
def test_the_command_says_what_the_site_makes_of_the_runs_and_prints_before_and_after(stored):
    uri, (run_id, *_) = stored
    options = ["site.zone=FRA", f'runs=["{run_id}"]', f"tracking_uri={uri}"]
    done = subprocess.run([sys.executable, "-m", "src.rescore", *options], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("1 run at FRA 56.039 g/kWh (2023; the country's mix")
    assert lines[2] == "of 1 of them more of the energy is estimated than the site accepts"
    assert f"! estimated: {run_id[:8]}: 100% of this energy was estimated, not measured" in lines
    assert "after (FRA): FRA 56.039 g/kWh (2023; the country's mix" in done.stdout
    grams = named_metrics.metrics(a_record())["energy/total_wh_per_1k"] / 1000 * 56.039
    assert f"n/a | {grams:.4g}" in done.stdout
    assert json.loads(lines[-1])["written"] == 1


@pytest.mark.processes
@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["site.zon=FRA"], "did you mean site.zone=…?"),
        (["site=wrold"], "did you mean site=world?"),
        (["site.pue=0"], "site.pue=0: must be 1 or more"),
        (["site.zone=FRA", "tracking_uri=sqlite:////tmp/no/such/place.db"], "holds no runs yet"),
        ([], "changes nothing: type site.zone=FRA"),
        (["site.zone=FRA", "dry_run=no"], "dry_run=no is not true or false"),
        (["site.zone=FRA", "tasks=summarisation"], "did you mean tasks=summarization?"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(options, says):
    done = subprocess.run([sys.executable, "-m", "src.rescore", *options], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert says in done.stderr
    assert done.stderr.count("\n") == 1
    assert not Path("/tmp/no/such/place.db").exists()


def test_rescoring_with_a_records_own_site_gives_its_own_figures():
    here = emissions.located(
        Site("mine", zone="FRA", pue=1.3, price_per_kwh=0.3, heat_reuse=0.5, heat_replaces="resistive")
    )
    record = replace(a_record(), site=here)
    before = to_json(record)
    result = rescoring.rescored("id", record, here)
    assert result.after == result.before
    assert result.after.items() <= named_metrics.metrics(record).items()
    assert to_json(record) == before


def test_sites_that_differ_have_different_names():
    sites = [
        {"zone": "FRA"}, {"zone": "SWE"}, {"zone": "FRA", "pue": 1.2}, {"zone": "FRA", "g_per_kwh": 10.0},
        {"zone": "FRA", "g_per_kwh": 10.0, "factor_source": "our supplier", "factor_basis": "direct", "pue": 1.2},
        {"price_per_kwh": 0.2}, {"price_per_kwh": 0.2, "currency": "EUR"},
        {"heat_reuse": 0.5, "heat_replaces": "resistive"}, {"heat_reuse": 0.5, "heat_replaces": "heat_pump"},
    ]  # fmt: skip
    names = [emissions.label(emissions.located(Site("mine", **values))) for values in sites]
    assert len(set(names)) == len(names)
    assert all(rescoring.LABEL.fullmatch(name) for name in names)


def test_a_site_that_was_laid_over_a_run_before_sites_had_further_keys_is_the_same_site():
    here = emissions.located(Site("mine", zone="FRA", pue=1.2))
    before = {key: value for key, value in vars(here).items() if key not in ("utilization", "spare", "wue_l_per_kwh")}
    stored = json.dumps({"site": before, "at": "2026-11-01"})
    assert rescoring._known(stored, here, "FRA-pue1.2", "f" * 32)
    with pytest.raises(UserError, match="another site's figures"):
        rescoring._known(stored, replace(here, utilization=0.5), "FRA-pue1.2", "f" * 32)
