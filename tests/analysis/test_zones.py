"""The table of carbon intensities, and what an unknown zone gets."""

import pytest

from joulemark.analysis import emissions, zones
from joulemark.core.errors import UserError
from joulemark.core.machine import Site


def test_a_zone_has_a_factor_with_its_year_and_source():
    factor = zones.factor("FRA")
    assert 20 < factor.g_per_kwh < 100
    assert factor.year >= 2021
    assert "CodeCarbon" in factor.source


@pytest.mark.parametrize(
    ("typed", "zone"),
    [
        *[("FRA", "FRA"), ("fra", "FRA"), ("FR", "FRA"), ("fr", "FRA"), ("France", "FRA"), (" france ", "FRA")],
        *[("UK", "GBR"), ("uk", "GBR"), ("GB", "GBR"), ("GBR", "GBR"), ("england", "GBR"), ("United Kingdom", "GBR")],
        *[("USA", "USA"), ("us", "USA"), ("united states", "USA"), ("America", "USA")],
        *[("UA", "UKR"), ("Ukraine", "UKR"), ("de", "DEU"), ("Germany", "DEU"), ("Deutschland", "DEU")],
        *[("Niger", "NER"), ("Guinea", "GIN"), ("south korea", "KOR"), ("Russia", "RUS"), ("Iran", "IRN")],
        *[("WOR", "WOR"), ("world", "WOR")],
    ],
)
def test_a_zone_is_understood_as_people_type_it(typed, zone):
    assert zones.factor(typed).zone == zone
    assert emissions.located(Site(name="unknown", zone=typed)).zone == zone


@pytest.mark.parametrize(
    ("typed", "choices"), [("Korea", "KOR, PRK"), ("Congo", "COD, COG"), ("united", "ARE, GBR"), ("Virgin", "VGB, VIR")]
)
def test_a_zone_that_means_several_is_refused_with_all_of_them(typed, choices):
    with pytest.raises(UserError, match=f"may mean .*{choices}.*type one of them"):
        zones.factor(typed)


@pytest.mark.parametrize(("typed", "meant"), [("FRAN", "FRA"), ("Grmany", "DEU")])
def test_an_unknown_zone_is_refused_with_the_nearest_right_one(typed, meant):
    with pytest.raises(UserError, match=f"did you mean site.zone={meant}"):
        zones.factor(typed)


def test_a_country_without_a_factor_is_named_and_no_other_country_suggested():
    with pytest.raises(UserError, match=r"site\.zone=Liechtenstein is LIE, whose factor is not in the table"):
        zones.factor("Liechtenstein")
    with pytest.raises(UserError) as refused:
        zones.factor("XQ")
    assert "did you mean" not in str(refused.value)


def test_the_tables_version_names_what_it_was_made_from():
    assert zones.version() == "codecarbon-3.3.2"


def test_every_zone_states_its_basis_or_that_its_source_does_not():
    table = zones._read()
    assert len(table) > 200
    assert all("average" in f.basis or "one year" in f.basis for f in table.values())
    assert all("not stated by the source" in f.basis for f in table.values())
