"""The table of carbon intensities, and what an unknown zone gets."""

import pytest

from joulemark.analysis import zones
from joulemark.core.errors import UserError


def test_a_zone_has_a_factor_with_its_year_and_source():
    factor = zones.factor("FRA")
    assert 20 < factor.g_per_kwh < 100
    assert factor.year >= 2021
    assert "CodeCarbon" in factor.source


@pytest.mark.parametrize(("typed", "meant"), [("fra", "FRA"), ("FRAN", "FRA"), ("France", "FRA"), ("Germany", "DEU")])
def test_an_unknown_zone_is_refused_with_the_nearest_right_one(typed, meant):
    with pytest.raises(UserError, match=f"did you mean site.zone={meant}"):
        zones.factor(typed)


def test_the_tables_version_names_what_it_was_made_from():
    assert zones.version() == "codecarbon-3.3.2"


def test_every_zone_states_its_basis_or_that_its_source_does_not():
    table = zones._read()
    assert len(table) > 200
    assert all("average" in f.basis or "one year" in f.basis for f in table.values())
    assert all("not stated by the source" in f.basis for f in table.values())
