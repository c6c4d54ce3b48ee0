"""A real store whose folder moved: unreadable before, readable after, and never half done."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir

from joulemark.cli import relocate
from joulemark.core.errors import UserError
from joulemark.core.paths import CONF
from joulemark.core.record_json import to_json
from joulemark.store import relocation
from joulemark.store.mlflow_internals import locations, schema
from tests.paths import ROOT
from tests.records import PARAMS, a_record

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"

pytestmark = pytest.mark.servers


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A sqlite store in a folder with a space and a per cent sign, with two runs of two tasks; made once."""
    from joulemark.store import additions, opening, records

    folder = tmp_path_factory.mktemp("template") / "old 100% place" / "mlruns"
    folder.mkdir(parents=True)
    ids = []
    for task in ("text_classification", "summarization"):
        opened = opening.open_store(f"sqlite:///{folder / 'mlflow.db'}", task)
        ids.append(records.save(opened, a_record(), PARAMS)["run_id"])
    additions.register(f"sqlite:///{folder / 'mlflow.db'}", ids[0], "text_classification")
    return folder, ids


@pytest.fixture
def store_that_moved(template, tmp_path):
    """That store in another folder, the old one gone while the test lasts; its database, the old folder, the ids."""
    old, ids = template
    new, aside = tmp_path / "new place", old.parent / "aside"
    shutil.copytree(old, new)
    old.rename(aside)
    yield new / "mlflow.db", old, ids
    shutil.rmtree(old, ignore_errors=True)
    aside.rename(old)


def relocated(database, *options):
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return relocate.run(compose("relocate", overrides=[f"tracking_uri='sqlite:///{database}'", *options]))


def last(capsys):
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def record_of(database, run_id):
    from joulemark.store import reading

    ((_, record),) = reading.recorded(f"sqlite:///{database}", [run_id])
    return record


def dump(database):
    with sqlite3.connect(database) as connection:
        return list(connection.iterdump())


def sql(database, statement, *values):
    with sqlite3.connect(database) as connection:
        return connection.execute(statement, values).fetchall()


def test_runs_whose_folder_moved_are_read_again(store_that_moved, capsys):
    database, old, ids = store_that_moved
    with pytest.raises(UserError, match=r"has no record.json in .* python -m src\.relocate"):
        record_of(database, ids[0])
    assert relocated(database) == 0
    result = last(capsys)
    assert (result["from"], result["to"]) == (str(old), str(database.parent))
    assert result["changed"] == 4  # two experiments, two runs
    for run_id in ids:
        assert to_json(record_of(database, run_id))["schema"]
    from joulemark.store import opening, records

    opened = opening.open_store(f"sqlite:///{database}", "summarization")
    new_run = records.save(opened, a_record(), PARAMS)["run_id"]  # what is measured from now on lands in the new folder
    assert list(database.parent.rglob(f"{new_run}/artifacts/record.json"))
    assert not old.exists()


def test_only_paths_below_the_old_folder_change(store_that_moved, capsys):
    database, old, _ = store_that_moved
    before = dump(database)
    relocated(database)
    after = dump(database)
    changed = [(a, b) for a, b in zip(before, after, strict=True) if a != b]
    assert len(changed) == 4
    assert all(a.replace(old.as_uri(), database.parent.as_uri()) == b for a, b in changed)


def test_a_copy_is_made_first_and_brings_everything_back(store_that_moved, capsys):
    database, _, _ = store_that_moved
    before = dump(database)
    relocated(database)
    copy = Path(last(capsys)["copy"])
    assert copy.parent == database.parent
    assert dump(copy) == before != dump(database)


def test_a_dry_run_says_the_same_and_writes_nothing(store_that_moved, capsys):
    database, old, _ = store_that_moved
    before, files = database.read_bytes(), sorted(database.parent.iterdir())
    assert relocated(database, "dry_run=true") == 0
    shown = capsys.readouterr().out
    assert f"from {old}" in shown
    assert "experiments.artifact_location: 2" in shown
    assert json.loads(shown.splitlines()[-1])["changed"] == 0
    assert database.read_bytes() == before
    assert sorted(database.parent.iterdir()) == files


def test_a_second_time_there_is_nothing_to_do(store_that_moved, capsys):
    database, _, _ = store_that_moved
    relocated(database)
    before = dump(database)
    capsys.readouterr()
    assert relocated(database) == 0
    assert last(capsys) == {
        "database": str(database), "from": None, "to": None, "found": 0, "changed": 0, "copy": None}  # fmt: skip
    assert dump(database) == before


def test_a_run_that_is_running_is_refused_unless_it_was_deleted(store_that_moved):
    database, _, ids = store_that_moved
    sql(database, "UPDATE runs SET status = 'RUNNING' WHERE run_uuid = ?", ids[0])
    before = dump(database)
    for options in ((), ("dry_run=true",)):
        with pytest.raises(UserError, match=f"run {ids[0][:12]} is RUNNING"):
            relocated(database, *options)
    assert dump(database) == before
    sql(database, "UPDATE runs SET lifecycle_stage = 'deleted' WHERE run_uuid = ?", ids[0])
    assert relocated(database) == 0


def test_a_failure_in_the_middle_changes_nothing(store_that_moved, monkeypatch):
    database, _, _ = store_that_moved
    before = dump(database)
    monkeypatch.setattr(locations, "COLUMNS", (*locations.COLUMNS[:2], ("runs", "run_uuid; this breaks")))
    monkeypatch.setattr(locations, "_count", lambda *arguments: 1)
    with pytest.raises(UserError, match="nothing was changed"):
        relocation.relocate(database)
    assert dump(database) == before


def test_while_another_process_writes_nothing_is_changed(store_that_moved, monkeypatch):
    database, _, _ = store_that_moved
    monkeypatch.setattr(relocation, "WAIT_S", 0.1)
    before = dump(database)
    with sqlite3.connect(database, isolation_level=None) as connection:
        connection.execute("BEGIN IMMEDIATE")
        with pytest.raises(UserError, match=r"database is locked.*nothing was changed"):
            relocated(database)
        connection.execute("ROLLBACK")
    assert dump(database) == before
    assert not list(database.parent.glob("*.before-move-*"))


def test_files_that_are_still_in_the_old_folder_alone_are_refused(store_that_moved):
    database, old, ids = store_that_moved
    (uri,) = sql(database, "SELECT artifact_uri FROM runs WHERE run_uuid = ?", ids[0])[0]
    there = relocation._path(uri)
    here = database.parent / there.relative_to(old)
    there.parent.mkdir(parents=True)
    shutil.move(here, there)
    before = dump(database)
    with pytest.raises(UserError, match=r"the files of 1 of 2 runs are in .* copy them first: cp -rn"):
        relocated(database)
    with pytest.raises(UserError, match="the files of 1 of 2 runs"):  # also where somebody wrote since it was shown
        relocation.relocate(database)
    assert dump(database) == before


def test_a_folder_that_holds_no_run_is_refused(store_that_moved, tmp_path):
    database, _, _ = store_that_moved
    with pytest.raises(UserError, match=r"no run has its files in .*; type to=FOLDER"):
        relocated(database, f"to='{tmp_path / 'elsewhere'}'")


def test_several_old_folders_are_named_and_one_is_chosen(store_that_moved, capsys):
    database, old, _ = store_that_moved
    elsewhere = "file:///another/place/artifacts/summarization"
    sql(database, "UPDATE experiments SET artifact_location = ? WHERE name = 'summarization'", elsewhere)
    with pytest.raises(UserError, match=r"in several folders: .*/another/place \(summarization\); type from=FOLDER"):
        relocated(database)
    assert relocated(database, f"from='{old}'") == 0
    assert last(capsys)["changed"] == 3
    assert sql(database, "SELECT artifact_location FROM experiments WHERE name = 'summarization'") == [(elsewhere,)]


def test_a_folder_whose_name_only_begins_alike_is_another(store_that_moved):
    database, old, ids = store_that_moved
    beside = f"{old.as_uri()}2/artifacts/x"
    sql(database, "UPDATE runs SET artifact_uri = ? WHERE run_uuid = ?", beside, ids[0])
    relocated(database)
    assert sql(database, "SELECT artifact_uri FROM runs WHERE run_uuid = ?", ids[0]) == [(beside,)]


def test_a_database_of_another_mlflow_or_of_nobody_is_refused(store_that_moved, tmp_path):
    database, _, _ = store_that_moved
    sql(database, "UPDATE alembic_version SET version_num = 'deadbeef'")
    with pytest.raises(UserError, match=r"has the schema deadbeef of another version of MLflow, .* is known"):
        relocated(database)
    empty, text = tmp_path / "empty.db", tmp_path / "text.db"
    sqlite3.connect(empty).close()
    text.write_text("no database " * 100)
    for path, says in (
        (empty, "no database of MLflow"),
        (text, "cannot be used"),
        (tmp_path / "none.db", "no database"),
    ):
        with pytest.raises(UserError, match=says):
            relocated(path)
    assert not (tmp_path / "none.db").exists()


def test_what_this_mlflow_makes_is_known(template):
    folder, _ = template
    ((version,),) = sql(folder / "mlflow.db", "SELECT version_num FROM alembic_version")
    assert version in schema.CHECKED  # where it is not: see where that MLflow keeps its paths, then add it
    columns = {(t, c) for t, c in locations.COLUMNS for row in sql(folder / "mlflow.db", f"PRAGMA table_info({t})") if row[1] == c}  # fmt: skip  # noqa: E501
    assert columns == set(locations.COLUMNS)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["tracking_uri=http://127.0.0.1:9"], "is not a sqlite file"),
        (["dry_ru=true"], "did you mean dry_run=…?"),
        (["tracking_uri=sqlite:////tmp/no/such/place.db"], "there is no database"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(options, says):
    done = subprocess.run([sys.executable, "-m", "src.relocate", *options], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert says in done.stderr
    assert done.stderr.count("\n") == 1
