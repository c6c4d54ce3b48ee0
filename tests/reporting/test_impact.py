"""The impact of recommendations, on the page: only of runs whose record is available, and never of others' results."""

import pytest

from joulemark.core.errors import UserError
from joulemark.reporting import impact
from tests.records import a_record
from tests.reporting.runs import an_entry, recommend

RECORD = a_record()


def of(*entries, **config):
    chosen = recommend(list(entries))
    return impact.equivalents([chosen], {entry.run_id: RECORD for entry in entries}, config)


def test_a_recommendation_has_equivalences_with_their_sources():
    entry = an_entry()
    section = of(entry)
    like, sources = section.tables
    assert like.rows[0][1] == entry.model
    assert like.rows[0][3] != ""
    assert "source" in sources.columns


def test_without_a_record_there_are_no_equivalences():
    assert impact.equivalents([recommend([an_entry()])], {}, {}) is None


def test_a_use_of_ones_own_is_on_the_page_where_it_is_requested():
    assert not any("My use" in table.title for table in of(an_entry()).tables)
    section = of(an_entry(), use={"count": 30, "per": "week"})
    assert any("My use" in table.title for table in section.tables)
    assert any(sentence.startswith("30 inferences a week") for sentence in section.paragraphs)


@pytest.mark.parametrize(
    ("use", "says"),
    [({"count": -1, "per": "week"}, "use.count=-1"), ({"count": None, "per": "decade"}, "use.per=decade")],
)
def test_a_use_that_cannot_be_is_refused_in_one_line(use, says):
    with pytest.raises(UserError, match=says):
        impact.requested_use({"use": use})


def test_a_mix_that_nobody_measured_has_no_verdict_and_says_why():
    jobs = {"name": "mine", "calls_per_day": 100, "shares": {"summarization": 1.0}}
    section = impact.portfolio([recommend([an_entry()])], {}, {"mix": jobs})
    assert section.paragraphs
    assert impact.portfolio([recommend([an_entry()])], {}, {}) is None
