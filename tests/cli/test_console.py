"""What a run prints when it ends."""

import io
from dataclasses import replace

import pytest
from rich.table import Table

from joulemark.analysis import comparison, named_metrics
from joulemark.cli import compare, console, output, rescore
from joulemark.core.machine import Site
from joulemark.reporting import table
from joulemark.store import rescoring
from tests.records import a_record

REMEDY = f"meter=rapl: {'only root may read the counters; ' * 6}type sudo chmod a+r /sys/class/powercap/energy_uj"


class Terminal(io.StringIO):
    def isatty(self):
        return True


def a_long_one():
    record = a_record()
    task = replace(record.task, skipped=tuple(f"row {number}: {'a long reason ' * 12}" for number in range(3)))
    return replace(record, task=task, environment=replace(record.environment, meters_absent={"rapl": REMEDY}))


@pytest.fixture
def everything():
    """As after `-v`."""
    output.taken(["-v"])
    yield
    output.taken([])


@pytest.mark.usefixtures("everything")
@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_a_warning_is_one_line_on_a_terminal_and_in_a_pipe_so_that_its_remedy_can_be_copied(stream, monkeypatch):
    out = stream()
    monkeypatch.setattr("sys.stdout", out)
    monkeypatch.setenv("COLUMNS", "80")
    console.report(a_long_one(), named_metrics.metrics(a_long_one()))
    assert f"! not available: {REMEDY}" in out.getvalue().splitlines()


def test_a_row_of_a_piped_table_is_one_line_without_trailing_blanks(capsys):
    record = a_long_one()
    console.report(record, named_metrics.metrics(record))
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


def of_rescore(record):
    ours = Site("ours", zone="FRA", g_per_kwh=56.0, factor_source="a long source " * 20)
    rescore.show([rescoring.rescored("0123456789abcdef", record, ours)], ours, "ours")


def of_compare(record):
    compare.show([record], [record], comparison.compare(record, record))


def of_suite(record):
    name = record.model.name
    table.show([table.Row("text_classification", name, metrics=named_metrics.metrics(record), error="it broke " * 30)])


@pytest.mark.parametrize("show", [of_rescore, of_compare, of_suite])
@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_no_command_cuts_a_name_and_a_pipe_gets_every_line_whole(show, stream, monkeypatch):
    out = stream()
    monkeypatch.setattr("sys.stdout", out)
    monkeypatch.setenv("COLUMNS", "60")
    name = "a_model_whose_name_is_as_long_as_any_that_conf_model_has"
    show(replace(a_long_one(), model=replace(a_long_one().model, name=name)))
    shown = out.getvalue()
    assert "…" not in shown
    whole = {of_rescore: "a long source " * 20, of_compare: REMEDY, of_suite: "it broke " * 30}[show]
    assert whole.strip() in shown
    if stream is io.StringIO:
        assert name in shown
        assert not [line for line in shown.splitlines() if line != line.rstrip()]


def test_rescoring_shows_no_column_for_what_neither_site_has(capsys):
    of_rescore(a_record())
    shown = capsys.readouterr().out
    assert "g CO2e: before | after" in shown
    assert "cost" not in shown
    assert "heating spared" not in shown
