"""Two workers on two hosts, study and store in a PostgreSQL on a third: one of them is lost, or cut off, in a trial.

Every point is measured once, nothing is left running in the store, and nothing waits on a disk. A worker elsewhere is
taken for dead after 150 s without a beat, so the first test takes minutes.
"""

import time
from collections import Counter

import pytest
import sqlalchemy

from joulemark.sweep.liveness import GONE_S
from tests.hosts import NETWORK, SERVER, hosts
from tests.postgresql import served
from tests.store.test_store import wait_until
from tests.stores import runs_of

pytestmark = [pytest.mark.cluster, pytest.mark.servers, pytest.mark.weights, pytest.mark.timeout(7200)]

STUDY = "study"  # a database of its own, since both would keep their tables' version in one table
LONGEST_S = 1800  # that a test waits for what takes a minute or two on a quiet machine
POINTS = {f"batch_size={size}" for size in (1, 2, 4)}
LINE = (
    "src.run", "-m", "sweep=efficiency", "sweep.screening=null", "batch_size=1,2,4", "precision=fp32", "hardware=cpu",
    "protocol=smoke", "samples=8", "protocol.stage_s=0", "protocol.idle_s=10",
)  # fmt: skip


@pytest.fixture
def database():
    with served((NETWORK,)) as server:
        server.add(STUDY)
        yield server


@pytest.fixture
def pair(tmp_path):
    with hosts(tmp_path, 2) as made:
        yield made


@pytest.fixture
def line(database):
    return (*LINE, f"storage={database.uri_at(SERVER, STUDY)}", f"tracking_uri={database.uri_at(SERVER)}")


@pytest.fixture
def workers(pair, line):
    """The same line on both hosts; what is left of them ends with the test."""
    running = [host.start(*line, log="first") for host in pair]
    yield running
    for process in running:
        process.kill()
        process.wait()


def trials(database):
    """What the study knows of each trial."""
    import optuna

    uri = database.uri_at("127.0.0.1", STUDY)
    try:
        names = optuna.get_all_study_names(uri)
        return [trial for name in names for trial in optuna.load_study(study_name=name, storage=uri).trials]
    except (KeyError, sqlalchemy.exc.DBAPIError):  # its tables are being made
        return []


def finished(database):
    """How often each point was measured to its end, as the study says."""
    outcomes = [trial.user_attrs["outcome"] | trial.user_attrs for trial in trials(database)
                if "outcome" in trial.user_attrs]  # fmt: skip
    return Counter(outcome["point"][0] for outcome in outcomes if outcome["status"] == "finished")


def runs(database):
    """The runs of records in the store: batch size and status; the sweep's own run has no record."""
    found = runs_of(database.uri)
    assert not [run for run in found if run.info.status not in ("FINISHED", "FAILED", "KILLED")]
    of_records = [run for run in found if "record.id" in run.data.tags]
    return Counter((f"batch_size={run.data.params['batch_size']}", run.info.status) for run in of_records)


def in_a_trial(host, database, workers):
    """Waits until that host is in the middle of a trial: its model is loaded, and nothing of it is in the store."""

    def loaded():
        changes = [folder / "changes.jsonl" for folder in host.spooled]
        return any(path.is_file() and '"phase": "load"' in path.read_text() for path in changes)

    def there():
        assert [process.poll() for process in workers] == [None, None], host.said("first")
        return loaded() and finished(database)  # the reference is over, which the other host waits for

    wait_until(there, LONGEST_S)


def ended(process):
    assert process.wait(timeout=LONGEST_S) == 0


def test_what_a_lost_host_measured_is_measured_by_the_other_and_its_record_comes_when_it_is_back(
    pair, workers, database, line
):
    (lost, left), (first, second) = pair, workers
    in_a_trial(lost, database, workers)
    first.kill()
    first.wait()
    ended(second)
    assert "lost with the worker" in left.said("first")
    (waiting,) = lost.spooled
    assert finished(database) == dict.fromkeys(POINTS, 1)
    again = lost.start(*line, log="again")  # it is back, with its disk
    ended(again)
    ended(lost.start("src.sync", f"--tracking-uri={database.uri_at(SERVER)}", log="sync"))
    counts = runs(database)
    assert {key: count for key, count in counts.items() if key[1] == "FINISHED"} == {
        (point, "FINISHED"): 1 for point in POINTS
    }
    assert sum(counts.values()) == len(POINTS) + 1, counts  # the record of the trial that the power cut ended
    assert finished(database) == dict.fromkeys(POINTS, 1)
    assert not lost.spooled + left.spooled, waiting


def test_a_host_that_is_cut_off_in_a_trial_and_comes_back_loses_nothing(pair, workers, database):
    cut, left = pair
    in_a_trial(cut, database, workers)
    cut.pull()
    since = time.monotonic()
    wait_until(
        lambda: any((folder / "final.json").is_file() for folder in cut.spooled), LONGEST_S
    )  # nobody is told of it
    cut.plug()
    away_s = time.monotonic() - since
    for process in workers:
        ended(process)
    assert finished(database).keys() == POINTS
    if away_s < GONE_S:  # else the other host rightly took it for dead
        assert runs(database) == {(point, "FINISHED"): 1 for point in POINTS}
        assert set(finished(database).values()) == {1}
    assert not cut.spooled + left.spooled
