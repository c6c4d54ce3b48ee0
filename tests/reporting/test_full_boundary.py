"""The full boundary on the page: of recommendations whose site declares more than a factor, and of no others."""

from joulemark.reporting import full_boundary
from tests.reporting.exports.runs import a_record
from tests.reporting.runs import an_entry, recommend

ENTRY = an_entry()


def of(entry=ENTRY, record=None, **site):
    records = {entry.run_id: record or a_record()}
    return full_boundary.section([recommend([entry])], records, {"site": {"name": "unknown", **site}})


def test_a_site_that_declares_its_utilization_has_the_lines_and_their_sum():
    (table,) = of(utilization=0.5).tables
    rows = {name: (value, how) for name, value, how in table.rows}
    assert rows["accelerator"][0] == "0.8333 Wh"
    assert rows["idle machines: waiting while reserved"][0] == "0.2083 Wh"  # 75 W for as long as it works
    assert rows["energy of the lines that are known"][0] == "1.194 Wh"
    assert list(rows).index("energy of the lines that are known") == 5  # below the energies, above grams and litres
    assert "embodied" not in rows  # no option of a report declares it
    assert rows["water, on site"] == ("n/a", "not declared: type site.wue_l_per_kwh=…")


def test_a_factor_alone_and_a_run_without_a_record_have_no_section():
    assert of() is None
    assert of(zone="FRA") is None
    assert full_boundary.section([recommend([ENTRY])], {}, {"site": {"name": "unknown", "pue": 1.2}}) is None
    assert of(pue=1.2) is not None
