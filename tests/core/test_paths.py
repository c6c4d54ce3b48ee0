"""A name that came from a store or a file leads nowhere but to one file of its own."""

from itertools import combinations

import pytest

from joulemark.core import paths

NAMES = [
    "../x",
    "..",
    ".",
    "",
    "/etc/x",
    "a/b",
    "a\\b",
    "a\x00b",
    "a\nb",
    "~/x",
    "%2E",
    "CON:x",
    "x" * 500,
    "é" * 200,
    "\ud800",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_foreign_name_is_one_part_of_a_path(name, tmp_path):
    path = tmp_path / paths.file_name(name)
    assert path.resolve().parent == tmp_path
    path.write_text("")
    assert not path.name.startswith(".")


def test_two_names_stay_two():
    for one, other in combinations([*NAMES, "x" * 501], 2):
        assert paths.file_name(one) != paths.file_name(other)


def test_a_tasks_name_stays_as_it_is():
    assert paths.file_name("text_classification") == "text_classification"
