"""An absent package: the line that is named brings it into the environment that lacks it."""

import sys

import pytest

from joulemark.core import extras, paths
from joulemark.core.errors import UserError


@pytest.fixture
def checkout(monkeypatch, tmp_path):
    """A folder that is the checkout, with make's environment as this interpreter's, and no package installed."""
    (tmp_path / "Makefile").touch()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(paths, "CHECKOUT", tmp_path)
    monkeypatch.setattr(sys, "prefix", str(tmp_path / ".venv"))
    monkeypatch.setattr(extras, "installed", lambda module: False)
    return tmp_path


def refused(*modules, **more):
    with pytest.raises(UserError) as error:
        extras.require("precision=int8", *modules, **more)
    return str(error.value)


def test_in_a_checkout_with_makes_environment_it_is_make_setup(checkout):
    absent = "precision=int8 needs the package torchao, which is not installed"
    assert refused("torchao") == f"{absent}; type make setup"
    assert refused("torchao", remedy="type something") == f"{absent}; type make setup"


@pytest.mark.parametrize("lacks", ["Makefile", "checkout", "folder", "interpreter"])
def test_anywhere_else_it_is_pip(checkout, monkeypatch, lacks):
    if lacks == "Makefile":
        (checkout / "Makefile").unlink()
    elif lacks == "checkout":
        monkeypatch.setattr(paths, "CHECKOUT", None)
    elif lacks == "folder":
        monkeypatch.chdir("elsewhere")
    else:
        monkeypatch.setattr(sys, "prefix", str(checkout / "elsewhere"))
    assert refused("torchao").endswith("; type pip install 'joulemark[quantization]'")


def test_what_make_setup_does_not_bring_is_pips_there_too(checkout):
    assert refused("torchvision").endswith("; type pip install 'joulemark[vision]'")
    assert refused("pyyaml").endswith("; type pip install pyyaml")
    assert refused("pyyaml", remedy="type this").endswith("; type this")
