"""python -m src.export: runs and options as typed, documents to standard output or files, one line for each mistake."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hydra import compose, initialize_config_dir

from joulemark.cli import export
from joulemark.core import progress
from joulemark.core.errors import UserError
from joulemark.core.paths import CONF
from joulemark.core.record_json import to_json
from joulemark.reporting.exports import format as formats
from tests.paths import ROOT
from tests.reporting.exports.runs import a_record


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "record.json"
    path.write_text(json.dumps(to_json(a_record())))
    return str(path)


def exported(*arguments):
    typed = export.plain([str(argument) for argument in arguments])
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = compose("export", overrides=[f"tracking_uri=sqlite:////nowhere/{0}.db", *typed])
    return export.run(config, "unknown")


def test_a_document_goes_to_standard_output_and_what_is_left_out_to_standard_error(file, capsys):
    assert exported(file, "format=boamps") == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["task"]["nbRequest"] == 3000
    assert all(line.startswith("! ") for line in said.err.splitlines())
    assert "infraType" in said.err


def test_a_file_is_written_whole_and_the_last_line_names_it(file, tmp_path, capsys):
    out = tmp_path / "new" / "runs.csv"
    assert exported(file, "format=csv", f"out={out}") == 0
    assert json.loads(capsys.readouterr().out) == {"format": "csv", "runs": 1, "files": [str(out)]}
    assert out.read_text().startswith("run_id,record_id")


def test_several_runs_of_a_format_of_one_run_go_to_a_folder_and_nowhere_else(file, tmp_path, capsys):
    other = tmp_path / "other.json"
    other.write_text(json.dumps({**to_json(a_record()), "id": "0" * 32}))
    with pytest.raises(UserError, match="one document a run, and 2 are named; type out=FOLDER"):
        exported(f"{file},{other}", "format=afnor")
    assert exported(file, other, "format=afnor", f"out={tmp_path / 'pages'}") == 0
    files = json.loads(capsys.readouterr().out)["files"]
    assert len({Path(name).read_text() for name in files}) == 1  # two records that differ by their id alone
    assert sorted(Path(name).name for name in files) == sorted(path.name for path in (tmp_path / "pages").iterdir())


def test_the_id_of_somebody_elses_record_names_a_file_in_the_folder_and_nowhere_else(tmp_path, capsys):
    evil = tmp_path / "evil.json"
    evil.write_text(json.dumps({**to_json(a_record()), "id": "/../../out"}))
    (tmp_path / "pages" / "joulemark-boamps-").mkdir(parents=True)  # so that a path would lead out
    assert exported(evil, "format=boamps", f"out={tmp_path / 'pages'}") == 0
    (file,) = map(Path, json.loads(capsys.readouterr().out)["files"])
    assert file.parent == tmp_path / "pages"


def test_of_many_runs_a_line_says_how_far_reading_them_is(file, monkeypatch, capsys):
    monkeypatch.setattr(progress, "QUIET_S", 0.0)
    assert exported(file, file, "format=csv") == 0
    assert "[1/2] runs read" in capsys.readouterr().err.splitlines()


def test_a_run_that_is_named_twice_is_one(file, capsys):
    assert exported(file, file, "format=csv") == 0
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_a_site_is_laid_over_the_run_and_what_it_does_not_say_is_the_runs_own(file, capsys):
    exported(file, "format=sci", "site.utilization=0.5", "embodied=ecologits")
    (score,) = json.loads(capsys.readouterr().out)["scores"]
    assert (score["I_basis"]["zone"], score["I_g_per_kwh"]) == ("FRA", 50.0)  # the record's own
    assert score["sci_g_per_unit"] > score["operational_g_per_unit"] > 0
    exported(file, "format=sci", "site.zone=SWE", "site.pue=1.1")
    (moved,) = json.loads(capsys.readouterr().out)["scores"]
    assert (moved["I_basis"]["zone"], moved["pue"]) == ("SWE", 1.1)
    assert moved["I_g_per_kwh"] != 50.0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["format=boamp"], "format=boamp does not exist; did you mean format=boamps?"),
        ([], "no format is named; type format=NAME, one of: afnor, ai_act, boamps"),
        (["format=csv", "requests=0"], "requests=0 is no number of requests"),
        (["format=csv", "site.zone=Atlantis"], "Atlantis"),
        (["format=csv", "site.utilization=0"], "site.utilization=0: must be above 0"),
        (["format=csv", "embodied.gpu_kg=164"], "type embodied.years="),
        (["format=csv", "out=/dev/null/x/y.csv"], "out=/dev/null/x/y.csv: "),
        (["format=boamps", "infra_type=cloud"], "infra_type=cloud does not exist"),
    ],
)
def test_a_mistake_is_one_line_that_says_what_to_type(file, arguments, says):
    with pytest.raises(UserError) as refused:
        exported(file, *arguments)
    assert says in str(refused.value)


def test_no_run_and_a_file_that_is_none_are_refused(file):
    with pytest.raises(UserError, match="no run is named"):
        exported("format=csv")
    with pytest.raises(UserError, match="is not a file"):
        exported("/nowhere/record.json", "format=csv")


def test_the_command_ends_with_one_line_and_2_for_an_unknown_format(file):
    command = [sys.executable, "-m", "src.export", file, "format=pdf"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: format=pdf does not exist")
    assert done.stderr.count("\n") == 1


def test_help_names_every_format_and_every_format_has_what_it_needs():
    values = (CONF / "export.yaml").read_text()
    line = next(line for line in values.splitlines() if line.startswith("format:"))
    assert [name.strip() for name in line.partition("#")[2].split(",")] == list(formats.names())
    for name in formats.names():
        format = formats.named(name)
        assert format.SUFFIX.startswith(".")
        assert {type(format.CLAIM), type(format.ONE_RUN)} == {bool}
        assert format.__doc__


def test_a_new_format_is_one_file(file, tmp_path, monkeypatch, capsys):
    (tmp_path / "shout.py").write_text(
        "from joulemark.reporting.exports.format import Document\n"
        "SUFFIX, CLAIM, ONE_RUN = '.txt', False, False\n"
        "def write(runs, options):\n"
        "    return Document(runs[0].record.model.name.upper() + '\\n')\n"
    )
    monkeypatch.setattr(formats.formats, "__path__", [*formats.formats.__path__, str(tmp_path)])
    assert exported(file, "format=shout") == 0
    assert capsys.readouterr().out == f"{a_record().model.name.upper()}\n"


def test_the_cited_figures_are_asked_for_and_name_their_source():
    none, cited = (yaml.safe_load((CONF / "embodied" / f"{name}.yaml").read_text()) for name in ("none", "ecologits"))
    assert set(none.values()) == {None}
    assert (cited["gpu_kg"], cited["server_kg"], cited["years"]) == (164, 5700, 3)
    assert "EcoLogits" in cited["source"]
