"""A package is imported once it is asked for more than the few names that stand in for it."""

import importlib
import sys

import pytest

from joulemark.core import deferred

PACKAGE = "a_slow_package"


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of four modules, one of which needs nothing of the package."""
    folder = tmp_path / PACKAGE
    folder.mkdir()
    (folder / "__init__.py").write_text("from . import inner\nmark = 'its own'\nmore = inner.value\n")
    (folder / "inner.py").write_text("from .alone import loads, seed\nvalue = seed + 1\nloads.append(__name__)\n")
    (folder / "alone.py").write_text("seed = 1\nloads = []\n")
    (folder / "later.py").write_text(f"import {PACKAGE}\nvalue = {PACKAGE}.more + 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    finders = [*sys.meta_path]
    deferred.defer(PACKAGE, {"mark": "stands in"}, f"{PACKAGE}.alone")
    yield sys.modules[PACKAGE]
    sys.meta_path[:] = finders
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]


def test_its_few_names_and_the_module_that_stands_alone_import_nothing_of_it(package):
    assert package.mark == "stands in"
    assert importlib.import_module(f"{PACKAGE}.alone").seed == 1
    assert not hasattr(package, "__wrapped__")  # as inspect asks of every module
    assert not deferred.imported(PACKAGE)
    assert f"{PACKAGE}.inner" not in sys.modules


def test_any_other_name_is_the_packages_own_which_is_there_from_then_on(package):
    alone = importlib.import_module(f"{PACKAGE}.alone")
    assert package.more == 2
    there = importlib.import_module(PACKAGE)
    assert there is not package
    assert (there.mark, there.alone) == ("its own", alone)
    assert deferred.imported(PACKAGE)
    assert not [each for each in sys.meta_path if type(each).__module__ == deferred.__name__]


@pytest.mark.parametrize(("module", "value"), [("inner", 2), ("later", 3)])
def test_a_module_of_it_comes_with_the_package_once(package, module, value):
    found = importlib.import_module(f"{PACKAGE}.{module}")
    assert found.value == value
    assert deferred.imported(PACKAGE)
    assert found is sys.modules[f"{PACKAGE}.{module}"]
    assert found.__spec__.origin.endswith(f"{module}.py")
    assert sys.modules[f"{PACKAGE}.alone"].loads == [f"{PACKAGE}.inner"]


def test_a_package_that_is_there_or_that_is_not_installed_stays_so():
    deferred.defer("json", {"loads": None})
    assert deferred.imported("json")
    deferred.defer("a_package_that_nobody_has", {})
    assert not deferred.imported("a_package_that_nobody_has")
