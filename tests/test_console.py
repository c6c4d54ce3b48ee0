"""What a run prints when it ends."""

import io
from dataclasses import replace

import pytest
from rich.table import Table

from src import console, summary
from tests.records import a_record

REMEDY = f"meter=rapl: {'only root may read the counters; ' * 6}type sudo chmod a+r /sys/class/powercap/energy_uj"


class Terminal(io.StringIO):
    def isatty(self):
        return True


def a_long_one():
    record = a_record()
    task = {**record.task, "skipped": [f"row {number}: {'a long reason ' * 12}" for number in range(3)]}
    return replace(record, task=task, environment={**record.environment, "meters_absent": {"rapl": REMEDY}})


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_a_warning_is_one_line_on_a_terminal_and_in_a_pipe_so_that_its_remedy_can_be_copied(stream, monkeypatch):
    out = stream()
    monkeypatch.setattr("sys.stdout", out)
    monkeypatch.setenv("COLUMNS", "80")
    console.report(a_long_one(), summary.metrics(a_long_one()))
    assert f"! not read: {REMEDY}" in out.getvalue().splitlines()


def test_a_row_of_a_piped_table_is_one_line_without_trailing_blanks(capsys):
    record = a_long_one()
    console.report(record, summary.metrics(record))
    lines = capsys.readouterr().out.splitlines()
    (row,) = [line for line in lines if line.startswith("rows skipped")]
    assert all(f"row {number}: a long reason" in row for number in range(3))
    assert not [line for line in lines if line != line.rstrip()]


def test_a_table_on_a_terminal_stays_within_its_width(monkeypatch):
    out = Terminal()
    monkeypatch.setattr("sys.stdout", out)
    monkeypatch.setenv("COLUMNS", "80")
    table = Table(box=None, show_header=False)
    table.add_column()
    table.add_row("word " * 40)
    console.show(table)
    assert max(map(len, out.getvalue().splitlines())) <= 80
