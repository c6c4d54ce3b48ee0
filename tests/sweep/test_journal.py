"""A journal whose last line was cut by a kill is mended: nothing whole is lost, and the study goes on."""

import json

import pytest

from joulemark.sweep.journal import mended

LINES = ['{"op_code":0,"study_name":"s"}', '{"op_code":4,"study_id":0}', '{"op_code":5,"trial_id":0}']


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("\n".join(LINES) + "\n", LINES),
        ("\n".join(LINES) + '\n{"op_code": 4, "worker', LINES),  # cut at the end
        (LINES[0] + '\n{"op_code": 4, "datet' + LINES[1] + "\n" + LINES[2] + "\n", LINES),  # written on behind it
        (LINES[0] + "\nnonsense\n\n" + LINES[1] + "\n", LINES[:2]),
    ],
)
def test_every_whole_record_stays_and_what_no_reader_can_parse_is_dropped_and_said(tmp_path, text, kept):
    journal, sentences = tmp_path / "s.journal", []
    journal.write_text(text)
    mended(journal, sentences.append)
    lines = journal.read_text().splitlines()
    assert lines == kept
    assert all(json.loads(line) for line in lines)
    assert bool(sentences) == (text.splitlines() != kept)


def test_a_journal_that_is_not_there_is_none():
    from pathlib import Path

    mended(Path("/nowhere/s.journal"), print)
