"""What answers mean to people, on the page: only of runs whose record was read, and never of others' results."""

import pytest

from joulemark.core.errors import UserError
from joulemark.reporting import impact
from tests.records import a_record
from tests.reporting.runs import an_entry, answer

RECORD = a_record()


def of(*entries, **config):
    chosen = answer(list(entries))
    return impact.in_other_words([chosen], {one.run_id: RECORD for one in entries}, config)


def test_an_answer_is_said_in_other_words_with_their_sources():
    one = an_entry()
    section = of(one)
    like, sources = section.tables
    assert like.rows[0][1] == one.model
    assert like.rows[0][3] != ""
    assert "source" in sources.columns


def test_without_a_record_nothing_is_said():
    assert impact.in_other_words([answer([an_entry()])], {}, {}) is None


def test_a_use_of_ones_own_is_on_the_page_where_it_is_asked_for():
    assert not any("My use" in table.title for table in of(an_entry()).tables)
    asked = of(an_entry(), use={"count": 30, "per": "week"})
    assert any("My use" in table.title for table in asked.tables)
    assert any(sentence.startswith("30 inferences a week") for sentence in asked.paragraphs)


@pytest.mark.parametrize(
    ("use", "says"),
    [({"count": -1, "per": "week"}, "use.count=-1"), ({"count": None, "per": "decade"}, "use.per=decade")],
)
def test_a_use_that_cannot_be_is_refused_in_one_line(use, says):
    with pytest.raises(UserError, match=says):
        impact.asked_use({"use": use})


def test_a_mix_that_nobody_measured_has_no_verdict_and_says_why():
    jobs = {"name": "mine", "calls_per_day": 100, "shares": {"summarization": 1.0}}
    section = impact.portfolio([answer([an_entry()])], {}, {"mix": jobs})
    assert section.paragraphs
    assert impact.portfolio([answer([an_entry()])], {}, {}) is None
