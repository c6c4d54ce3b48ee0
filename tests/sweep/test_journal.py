"""A journal whose last line was cut by a kill is mended: nothing whole is lost, and the study goes on."""

import errno
import json
from dataclasses import replace

import pytest

from joulemark.core.errors import UserError
from joulemark.sweep.journal import mended
from joulemark.sweep.storage import open_study
from joulemark.sweep.trial import Outcome
from tests.sweep.landscape import SPACE, wanted

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


def opened(folder):
    return open_study(None, folder, "s", SPACE, wanted(), 0)


def measure(study, batch):
    point = (f"batch_size={batch}", "precision=fp32")
    claim, _ = study.claim(point, "full")
    study.tell(claim, Outcome(("model=m", *point), 0, "finished", metrics={"energy/total_wh_per_1k": float(batch)}))


@pytest.mark.parametrize("text", ['{"op_code":99}\n', '{"op_code":4,"worker_id":"x"}\n', None])
def test_a_journal_that_is_none_is_refused_in_one_line(tmp_path, text):
    if text is None:
        (tmp_path / "s.journal").mkdir()
    else:
        (tmp_path / "s.journal").write_text(text)
    with pytest.raises(UserError, match=r"journal .*s\.journal cannot be used .*move it away") as error:
        opened(tmp_path)
    assert "\n" not in str(error.value)


def test_wherever_a_journal_is_cut_the_study_goes_on_with_what_is_whole(tmp_path):
    study = opened(tmp_path)
    for batch in (1, 2, 4):
        measure(study, batch)
    whole = (tmp_path / "s.journal").read_bytes()
    ends = [place for place, byte in enumerate(whole) if byte == ord("\n")]  # a whole line without its end
    for place in sorted((*range(0, len(whole), 97), *ends)):
        (tmp_path / "s.journal").write_bytes(whole[:place])
        known = opened(tmp_path).known("full")
        assert all(point[0] == f"batch_size={result.metrics['energy/total_wh_per_1k']:g}"
                   for point, result in known.items())  # fmt: skip
    assert len(known) >= 2


def test_a_line_that_is_gone_gives_no_point_the_outcome_of_another(tmp_path):
    study = opened(tmp_path)
    points = [(f"batch_size={batch}", "precision=fp32") for batch in (1, 2, 4)]
    claims = [study.claim(point, "full")[0] for point in points]  # of three workers
    for claim, point in zip(claims, points, strict=True):
        study.tell(claim, Outcome(("model=m", *point), 0, "finished"))
    lines = (tmp_path / "s.journal").read_text().splitlines(keepends=True)
    first = next(number for number, line in enumerate(lines) if '"op_code":4' in line)
    (tmp_path / "s.journal").write_text("".join(lines[:first] + lines[first + 1 :]))
    with pytest.raises(UserError, match="damaged: its trial 0 holds the outcome of another point"):
        opened(tmp_path).results()


def test_a_disk_that_was_full_for_a_while_loses_no_outcome_and_writes_none_twice(tmp_path, monkeypatch):
    from optuna.storages.journal import JournalFileBackend

    study, messages = opened(tmp_path), []
    study.patience = replace(study.patience, report=messages.append, sleep=lambda seconds: None)
    claim, _ = study.claim(("batch_size=1", "precision=fp32"), "full")
    whole, failures = JournalFileBackend.append_logs, [1, 1]

    def full(backend, logs):
        if failures:
            failures.pop()
            with (tmp_path / "s.journal").open("a") as file:
                file.write(json.dumps(logs[0])[:20])
            raise OSError(errno.ENOSPC, "No space left on device")
        return whole(backend, logs)

    monkeypatch.setattr(JournalFileBackend, "append_logs", full)
    study.tell(claim, Outcome((), 0, "finished", metrics={"energy/total_wh_per_1k": 1.0, "latency/p95_s": 1.0}))
    assert messages[0].startswith("the study's journal does not answer (OSError: [Errno 28] No space left on device)")
    (result,) = opened(tmp_path).results()
    assert result.finished
    assert [result.finished for result in study.results()] == [True]
