"""python -m src.explore: one file, counts that programs read, and one line for each mistake."""

import json

import pytest

from joulemark.cli.explore import show
from joulemark.core.errors import UserError
from joulemark.reporting.explorer.build import Explorer, ExplorerRequest, make
from joulemark.store import listing
from tests.reporting.explorer.rows import a_foreign_run
from tests.reporting.runs import a_run

URI = "sqlite:////somewhere/mlflow.db"


@pytest.fixture(autouse=True)
def stored(monkeypatch):
    """A store of two tasks, a failed run, one of a newer program and another program's result."""
    runs = [a_run(), a_run(task="summarization"), a_run(status="failed"), a_run(record__schema="999"), a_foreign_run()]
    monkeypatch.setattr(listing, "runs", lambda uri, choice, params, say: (run for run in runs if choice.takes(run)))


def test_the_page_has_every_run_failed_ones_too_but_for_those_of_a_newer_program(tmp_path):
    made = make(ExplorerRequest(tracking_uri=URI, out=str(tmp_path / "new" / "all.html")))
    assert made == Explorer(tmp_path / "new" / "all.html", 3, 1, 1)
    text = made.file.read_text(encoding="utf-8")
    assert '"rows":4' in text
    assert "3 runs and 1 result of other programs; 1 left out, written by a newer Joulemark" in text


def test_a_folder_gets_a_page_of_the_usual_name_and_a_task_narrows_it(tmp_path):
    made = make(ExplorerRequest(tracking_uri=URI, out=str(tmp_path), tasks=("summarization",)))
    assert made == Explorer(tmp_path / "explorer.html", 1, 0, 0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tasks": ("summarisation",)}, "did you mean"),
        ({"tasks": ("chat",)}, "none of the chosen runs"),
        ({"runs": ("zzzz",)}, "run zzzz is not in the store"),
        ({"tracking_uri": "mlruns"}, "tracking_uri"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_written(tmp_path, options, message):
    with pytest.raises(UserError, match=message) as refused:
        make(ExplorerRequest(**{"tracking_uri": URI, "out": str(tmp_path / "out"), **options}))
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "out").exists()


def test_a_place_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"type out=NAME\.html"):
        make(ExplorerRequest(tracking_uri=URI, out=str(tmp_path / "file" / "x.html")))


def test_the_last_line_is_what_programs_read(capsys, tmp_path):
    assert show(Explorer(tmp_path / "e.html", 2, 3, 1)) == 0
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert last == {"explorer": str(tmp_path / "e.html"), "runs": 2, "external": 3, "left_out": 1}
