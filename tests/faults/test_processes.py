"""Every fault at every stage of a run: one record, its true cause, all that was measured (docs/reliability.md)."""

import json
import os
import subprocess
import traceback
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from joulemark.store import opening
from tests.faults import cells, faulted, table
from tests.faults.cells import MEASURED
from tests.faults.cells import cells as every_cell
from tests.faults.faulted import Place
from tests.postgresql import programs, served
from tests.stores import runs_of

pytestmark = [pytest.mark.faults, pytest.mark.timeout(7200)]
CELLS = list(every_cell())
AT_ONCE = int(os.environ.get("JOBS", "4"))  # they mostly sleep
BESIDE = ("most", "server")  # places where cells run beside each other


@pytest.fixture(scope="session")
def places(tmp_path_factory, request):
    """Where cells are run: most; those that fill a disk, on a small one; and some with a PostgreSQL each."""
    folder = tmp_path_factory.mktemp("faults")
    small = folder / "small"
    found = {}
    with ExitStack() as until_done:
        for name in dict.fromkeys(cell.place for cell in chosen(request)):
            if name == "disk":
                small.mkdir()
                subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "none", str(small)], check=True)
                until_done.callback(subprocess.run, ["umount", "-l", str(small)], check=True)
                found[name] = Place(folder / name, small / "home", f"sqlite:///{small}/home/mlflow.db")
            elif name == "most":
                found[name] = Place(folder / name, folder / name / "home", f"sqlite:///{folder}/most/mlflow.db")
            elif programs() is not None:
                server = until_done.enter_context(served())
                found[name] = Place(folder / name, folder / name / "home", server.uri, server)
        for place in found.values():
            place.folder.mkdir()
            place.home.mkdir(parents=True)
        yield found


@pytest.fixture(scope="session")
def outcomes(places, request):
    """What came out of each cell, and the runs of all stores after one `sync`, by record id."""
    there = [cell for cell in chosen(request) if cell.place in places]
    lanes = {name: [cell for cell in there if cell.place == name] for name in places if name not in BESIDE}
    with ThreadPoolExecutor(AT_ONCE) as pool, ThreadPoolExecutor(max(len(lanes), 1)) as apart:
        rest = [apart.submit(in_turn, lanes[name], places[name]) for name in lanes]
        beside = {cell: pool.submit(faulted.run, cell, places[cell.place]) for cell in there if cell.place in BESIDE}
        found = {cell: attempt(future.result) for cell, future in beside.items()}
        for lane in rest:
            found |= lane.result()
    runs = {}
    for place in places.values():
        if place.server is not None:
            place.server.start()
        print(place.sync())
        for run in runs_of(place.uri):
            runs.setdefault(run.data.tags.get("record.id"), []).append(run)
    table.write({cell: (outcome, runs.get(cell.record_id, [])) for cell, outcome in found.items()})
    return found, runs


def chosen(request):
    """The cells of this session, in their order."""
    named = {item.callspec.params.get("cell") for item in request.session.items if hasattr(item, "callspec")}
    return [cell for cell in CELLS if cell in named]


def in_turn(lane, place):
    """What came out of cells that fill the same disk, or stop the same server: one after the other."""
    return {cell: attempt(alone, cell, place) for cell in lane}


def alone(cell, place):
    if place.server is not None:
        place.server.start()  # the cell before it may have left it away
        opening.open_store(place.uri, "text_classification")  # makes its tables
    if cell.stage == "compose":
        place.sync()  # where records wait, a server that is away is no mistake of the user's
    return faulted.run(cell, place)


def attempt(call, *arguments):
    try:
        return call(*arguments)
    except Exception as error:  # the other cells go on
        traceback.print_exc()
        return error


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.name)
def test_one_record_with_its_true_cause_and_all_that_was_measured(cell, outcomes, places):
    if cell.place not in places:
        pytest.skip("this machine has no PostgreSQL server (apt install postgresql)")
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
    assert outcome.waited or cell.fault != "away"
    by_nature = ("mlflow.db.lock", "owner", "crash.txt")
    assert [path.name for path in outcome.left if path.name not in by_nature] == []


def test_nothing_is_left_running_and_nothing_waits(outcomes, places):
    for place in places.values():
        print([str(path) for path in (*place.folder.rglob("draft.json"), *place.home.rglob("draft.json"))])
        assert {run.info.status for run in runs_of(place.uri)} <= {"FINISHED", "FAILED", "KILLED"}
        assert not list(place.folder.rglob("draft.json")) + list(place.home.rglob("draft.json"))
