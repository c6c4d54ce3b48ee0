"""Options by the names of before are refused with those of today, which exist."""

import pytest

from joulemark.config import hydra_errors
from joulemark.config.renamed import RUN, new_name, renewed
from joulemark.core.errors import UserError
from tests.composed import built


@pytest.mark.parametrize("old", [key for key in RUN if key != "sweep.limits"])
def test_an_option_by_its_former_name_is_refused_with_that_of_today(old):
    with pytest.raises(UserError, match=f"{old} is now called {RUN[old]}; type {RUN[old]}="):
        built(f"{old}=1")


@pytest.mark.parametrize("new", [key for key in RUN.values() if not key.startswith("sweep")])
def test_the_name_of_today_exists(new):
    assert new in hydra_errors._known_keys("run", ())


def test_what_lies_below_a_renamed_option_moves_with_it():
    assert new_name("limits.quality", "report") == "constraints.quality"
    assert new_name("limits.quality", "run") is None
    assert new_name("batch_size") is None


def test_a_stored_command_is_read_under_the_names_of_today():
    old = ["batch_size=8", "prepare_processes=4", "protocol.quotable=false", "model.size=7b1"]
    assert renewed(old) == ["batch_size=8", "preprocessing_workers=4", "protocol.preliminary=true", "model.size=7b1"]
