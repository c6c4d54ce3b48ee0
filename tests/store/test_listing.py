"""What is read of a store does not grow with the runs that nobody asked for."""

import sqlite3

import pytest
import sqlalchemy

from joulemark.analysis.over_time import OVER_TIME
from joulemark.core import progress
from joulemark.store import listing
from joulemark.store.listing import Choice
from joulemark.store.mlflow_internals import schema, tables

OWN = "abc0" + "0" * 28


class Counting:
    """A connection that counts the rows that it hands out."""

    def __init__(self, connection):
        self.connection, self.rows = connection, 0

    def execute(self, query):
        for row in self.connection.execute(query):
            self.rows += 1
            yield row


def store(path, count):
    """MLflow's tables as far as they are read, with so many runs beside one."""
    with sqlite3.connect(path) as connection:
        connection.execute("create table runs (run_uuid primary key, experiment_id, name, start_time, status, "
                           "artifact_uri, lifecycle_stage)")  # fmt: skip
        connection.execute("create table latest_metrics (run_uuid, key, value, is_nan)")
        for name in ("tags", "params"):
            connection.execute(f"create table {name} (run_uuid, key, value)")
        for number in range(count + 1):
            run_id = OWN if number == count else f"{number:032x}"
            connection.execute("insert into runs values (?, 1, 'x', 0, 'FINISHED', '', 'active')", (run_id,))
            connection.execute("insert into latest_metrics values (?, 'energy', 1.0, 0)", (run_id,))
            cell = "own" if number == count else str(number)
            of_run = [("record.id", "r"), ("compare.cell", cell), ("task", f"task {cell}"), ("sweep_id", cell)]
            connection.executemany("insert into tags values (?, ?, ?)", [(run_id, *tag) for tag in of_run])
    return sqlalchemy.create_engine(f"sqlite:///{path}")


@pytest.mark.parametrize(
    "choice",
    [Choice(ids=(OWN[:6],)), Choice(cell="own"), Choice(sweep_id="own"), Choice(tasks=("task own", "none"))],
    ids=["id", "cell", "sweep", "task"],
)
def test_one_run_is_found_with_the_same_rows_read_however_many_there_are(tmp_path, choice):
    def read(count):
        with store(tmp_path / f"{count}.db", count).connect() as connection:
            counting = Counting(connection)
            found = list(tables.rows(counting, frozenset(), choice.ids, listing._narrowing(choice))[1])
        assert [row.run_id for row in found] == [OWN]
        return counting.rows

    assert read(100) == read(3)


def test_the_beginning_of_an_id_is_no_pattern(tmp_path):
    with store(tmp_path / "mlflow.db", 3).connect() as connection:
        for beginning in ("%", "_", "ABC", "bc0"):
            assert not list(tables.rows(connection, frozenset(), (beginning,))[1])


def test_while_many_are_read_a_line_says_how_far_it_is(tmp_path, monkeypatch):
    store(tmp_path / "mlflow.db", 2)
    monkeypatch.setattr(schema, "check", lambda *asked: None)
    monkeypatch.setattr(progress, "QUIET_S", 0.0)
    said = []
    assert len(list(listing.runs(f"sqlite:///{tmp_path}/mlflow.db", Choice(), (), said.append))) == 3
    assert said == ["[1/3] runs read", "[2/3] runs read"]


def test_series_over_a_runs_time_are_no_figures_of_it(tmp_path):
    with store(tmp_path / "mlflow.db", 0).connect() as connection:
        for prefix in OVER_TIME:
            name = f"{prefix}gpu_0_power_usage_watts"
            connection.execute(sqlalchemy.text(f"insert into latest_metrics values ('{OWN}', '{name}', 1.0, 0)"))
        count, (row,) = tables.rows(connection, frozenset(), (OWN,))
        assert count == 1
        assert row.metrics == [("energy", 1.0)]


@pytest.mark.parametrize(
    ("choice", "filters"),
    [
        (Choice(), [""]),
        (Choice(ids=("ab", "cd")), ["attributes.run_id LIKE 'ab%'", "attributes.run_id LIKE 'cd%'"]),
        (Choice(cell="x", filter="metrics.a > 1"), ["metrics.a > 1 and tags.`compare.cell` = 'x'"]),
        (Choice(tasks=("a", "b"), sweep_id="it's"), ['tags.`sweep_id` = "it\'s"']),
        (Choice(cell="""both ' and " quotes"""), [""]),
    ],
)
def test_a_server_is_asked_for_the_chosen_runs_as_far_as_its_filter_can_say_which(choice, filters):
    assert list(listing._filters(choice)) == filters
