"""Every fault at every stage of a run: one record, its true cause, all that was measured (docs/reliability.md)."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.faults import cells, table
from tests.faults.cells import MEASURED, Place
from tests.faults.cells import cells as every_cell
from tests.paths import ROOT

pytestmark = [pytest.mark.faults, pytest.mark.timeout(7200)]
CELLS = list(every_cell())
AT_ONCE = int(os.environ.get("JOBS", "4"))  # they mostly sleep


@pytest.fixture(scope="session")
def places(tmp_path_factory):
    """A place for most cells, and one on a small disk that can be filled."""
    folder = tmp_path_factory.mktemp("faults")
    small = folder / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "none", str(small)], check=True)
    for name in ("most", "disk"):
        (folder / name).mkdir()
    yield {
        "most": Place(folder / "most", folder / "most" / "home", f"sqlite:///{folder}/most/mlflow.db"),
        "disk": Place(folder / "disk", small / "home", f"sqlite:///{small}/home/mlflow.db"),
    }
    subprocess.run(["umount", "-l", str(small)], check=True)


@pytest.fixture(scope="session")
def outcomes(places, request):
    """What came out of each cell, and the runs of both stores after one `sync`, by record id."""
    named = {item.callspec.params["cell"] for item in request.session.items if hasattr(item, "callspec")}
    chosen = [cell for cell in CELLS if cell in named]
    for place in places.values():
        place.home.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        begun = {
            cell: pool.submit(cells.run, cell, places["most"])
            for cell in CELLS
            if cell in chosen and cell.fault != "disk"
        }
        found = {}
        for cell in chosen:
            if cell.fault == "disk":  # one after the other: they fill the same disk
                found[cell] = attempt(cells.run, cell, places["disk"])
        found |= {cell: attempt(future.result) for cell, future in begun.items()}
    runs = {}
    for place in places.values():
        sync = subprocess.run(
            [sys.executable, "-m", "src.sync"], cwd=ROOT, env=place.environment, capture_output=True, text=True
        )
        print(sync.stdout, sync.stderr)
        for run in stored(place.uri):
            runs.setdefault(run.data.tags.get("record.id"), []).append(run)
    table.write({cell: (outcome, runs.get(cell.record_id, [])) for cell, outcome in found.items()})
    return found, runs


def attempt(call, *arguments):
    try:
        return call(*arguments)
    except Exception as error:  # the other cells go on
        return error


def stored(uri):
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=uri)
    return [run for e in client.search_experiments() for run in client.search_runs([e.experiment_id])]


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.name)
def test_one_record_with_its_true_cause_and_all_that_was_measured(cell, outcomes, places):
    outcome, runs = outcomes[0][cell], outcomes[1].get(cell.record_id, [])
    if isinstance(outcome, Exception):
        raise outcome
    record, codes = cells.expected(cell)
    assert outcome.code in codes, outcome.printed[-2000:]
    if record is None:
        assert (runs, outcome.waited) == ([], False)
        return
    (run,) = runs
    assert (run.info.status, run.data.tags.get("error", "").startswith(record[1])) == (record[0], True), run.data.tags
    assert "record.incomplete" not in run.data.tags
    if cell.stage in MEASURED:
        assert run.data.metrics["energy/total_wh_per_1k"] > 0
    assert "Traceback" not in outcome.printed or cell.fault in ("exception", "panic", "crash"), outcome.printed[-2000:]
    if outcome.code == 0 and cell.fault not in ("reader", "closed"):
        assert outcome.last["status"] == "finished"
        assert (outcome.last["run_id"] is None) == (outcome.last["unsaved"] is not None) == outcome.waited
        assert outcome.last["unsaved"] is None or outcome.last["unsaved"] in outcome.printed.replace(
            json.dumps(outcome.last), ""
        )
    by_nature = ("mlflow.db.lock", "owner", "crash.txt")
    assert all(path.name in by_nature for path in outcome.left), outcome.left


def test_nothing_is_left_running_and_nothing_waits(outcomes, places):
    for place in places.values():
        print([str(path) for path in (*place.folder.rglob("draft.json"), *place.home.rglob("draft.json"))])
        assert {run.info.status for run in stored(place.uri)} <= {"FINISHED", "FAILED", "KILLED"}
        assert not list(place.folder.rglob("draft.json")) + list(place.home.rglob("draft.json"))
