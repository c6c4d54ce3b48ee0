"""A report's files: a name of their own for all that was asked of the runs, and one line for a place that is none."""

import pytest
import yaml

from joulemark.core.errors import UserError
from joulemark.core.machine import Site
from joulemark.core.paths import CONF
from joulemark.reporting import constraints
from joulemark.reporting.destination import LONGEST, destination
from joulemark.reporting.request import ReportRequest

BY_DEFAULT = {"quality_loss": constraints.QUALITY_LOSS}
ASKED = [
    {"constraints": BY_DEFAULT},
    {"constraints": {"quality_loss": None}},
    {"constraints": {"quality_loss": 0.1}},
    {"constraints": {**BY_DEFAULT, "quality": 0.9}},
    {"constraints": {**BY_DEFAULT, "quality": 0.95}},
    {"constraints": {**BY_DEFAULT, "p95_s": 0.5}},
    {"constraints": {**BY_DEFAULT, "cost_per_1k": 1.0}},
    {"constraints": {**BY_DEFAULT, "cost_per_1k": 1.0, "currency": "EUR"}},
    {"load": 3.0},
    {"load": 3.0, "limits": {"ttft_s": 0.5}},
    {"use": {"count": 30, "per": "week"}},
    {"use": {"count": 30, "per": "day"}},
    {"mix": {"name": "office"}},
    {"quantity": "dynamic"},
    {"across_engines": True},
    {"private": False},
]
SITES = [Site("a", zone="FRA", g_per_kwh=56.0), Site("a", price_per_kwh=0.2), Site("a", utilization=0.5)]


def place(site=None, **options):
    bounds = constraints.constraints(options.get("constraints") or {})
    return destination(ReportRequest(**options), bounds, site or Site("unknown"))


def test_no_two_sets_of_options_write_to_one_file_and_none_but_the_runs_is_the_plain_name():
    pages = [place(out="x", **options).page for options in ASKED] + [place(site, out="x") for site in SITES]
    assert len(set(map(str, pages))) == len(ASKED) + len(SITES)
    assert pages[0].name == "report.html"


def test_what_selects_the_runs_is_in_the_folder_and_a_long_name_is_cut_to_one_of_its_own():
    runs = tuple(f"{number:032x}" for number in range(6))
    chosen = [{}, {"tasks": ("a",)}, {"sweep_id": "s"}, {"filter": "x > 1"}, {"filter": "x > 2"}, {"runs": runs[:3]},
              {"runs": runs[:5]}, {"runs": runs}, {"tasks": tuple("abcdefg" * 20)}]  # fmt: skip
    folders = [place(**options).folder for options in chosen]
    assert len(set(folders)) == len(chosen)
    assert folders[0].name == "all"
    assert max(len(folder.name) for folder in folders) <= LONGEST


def test_the_share_that_is_lost_by_default_is_that_of_the_options():
    stated = yaml.safe_load((CONF / "report.yaml").read_text())["constraints"]
    assert stated["quality_loss"] == constraints.QUALITY_LOSS


def test_out_that_is_a_file_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="it is a file; type out=FOLDER"):
        place(out=str(tmp_path / "file"))


@pytest.mark.parametrize("name", ["../x", "a b", ".", ".."])
def test_a_name_that_is_none_is_one_line(name):
    with pytest.raises(UserError, match="letters, digits"):
        place(name=name)
