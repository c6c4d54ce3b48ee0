"""The study's tables on the page, from its raw data."""

import pytest

from joulemark.core.errors import UserError
from joulemark.reporting import study_tables
from joulemark.reporting.sections import sections
from tests.paths import SHARED

STUDY = SHARED / "data" / "study"


def test_without_a_folder_there_are_no_tables_and_a_wrong_one_is_refused_in_one_line(tmp_path):
    assert study_tables.study([], {}, {"study": None}) is None
    with pytest.raises(UserError, match="no file of a known format"):
        study_tables.study([], {}, {"study": str(tmp_path)})


@pytest.mark.skipif(not STUDY.is_dir(), reason="the study's data is not beside this checkout")
def test_three_tables_stand_on_the_page_with_the_working_gpu_next_to_each():
    (section,) = sections([], {}, {"study": str(STUDY)})
    assert [table.title.partition(":")[0] for table in section.tables] == ["Table 2", "Table 3", "Table 5"]
    assert all(any("working GPU alone" in column for column in table.columns) for table in section.tables)
    by_task = {row[0]: row for row in section.tables[0].rows}
    assert by_task["image generation"][1].startswith("2.907")
    assert by_task["image generation"][2] == "2.907"
