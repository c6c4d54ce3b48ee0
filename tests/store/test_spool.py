"""The record of a run lies on a local disk from its first moment, whole at every moment, whatever breaks."""

import errno
import json
import os
from dataclasses import replace
from itertools import pairwise

import pytest

from joulemark.core import atomic
from joulemark.core.errors import UserError
from joulemark.core.measurement import Measurement
from joulemark.core.record_json import from_json, to_json
from joulemark.core.signals import Interrupted
from joulemark.store import last_words, waiting
from joulemark.store.loading import load
from joulemark.store.spool import CAUSE, CHANGES, DRAFT, FINAL, begun, note
from tests.records import PARAMS, a_record

STORE = "sqlite:////runs/mlflow.db"


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch):
    """Two places for spools; others of this machine are not looked at."""
    roots = [tmp_path / "home" / "spool", tmp_path / "state" / "spool"]
    for module in ("spool", "waiting"):
        monkeypatch.setattr(f"joulemark.store.{module}.roots", lambda: list(roots))
    return roots


@pytest.fixture
def measured():
    return a_record()


@pytest.fixture
def first(measured):
    """The record before anything was measured."""
    return replace(measured, status="failed", measurement=Measurement(), requests=(), scores={}, flags=())


def steps(first, measured):
    """The record as it grows, window after window."""
    for count in range(1, len(measured.measurement.windows) + 1):
        windows = measured.measurement.windows[:count]
        yield f"window {count}", replace(first, measurement=replace(measured.measurement, windows=windows))
    yield "scoring", replace(measured, status="failed")


def facts(folder):
    """What a reader finds there, without how the run ended."""
    record = from_json(waiting.read(folder)["record"])
    return to_json(replace(record, error=None, traceback=None))


def test_at_every_step_a_reader_finds_the_record_as_it_was_then(first, measured):
    with begun(first, PARAMS, STORE) as spool:
        for phase, record in [("", first), *steps(first, measured)]:
            if phase:
                spool.draft(record, phase)
            assert facts(spool.folder) == to_json(replace(record, error=None))
            found = waiting.read(spool.folder)
            assert (found["params"], found["store"], found["record"]["status"]) == (PARAMS, STORE, "failed")
        spool.finish(measured)
        assert waiting.read(spool.folder)["record"] == to_json(measured)


def test_a_step_writes_what_is_new_however_much_was_measured_before(first, measured):
    window, sizes = measured.measurement.windows[0], []
    with begun(first, PARAMS, STORE) as spool:
        record = first
        for count in range(1, 40):
            record = replace(
                record,
                measurement=replace(
                    record.measurement, windows=(*record.measurement.windows, replace(window, duration_s=10.0))
                ),
            )
            spool.draft(record, f"window {count:02}")
            sizes.append((spool.folder / CHANGES).stat().st_size)
    added = {after - before for before, after in pairwise(sizes)}
    assert added == {sizes[0]}


def test_a_file_that_is_cut_off_anywhere_holds_every_step_before(first, measured):
    with begun(first, PARAMS, STORE) as spool:
        taken = [to_json(replace(first, error=None))]
        ends = [0]
        for phase, record in steps(first, measured):
            spool.draft(record, phase)
            taken.append(to_json(replace(record, error=None)))
            ends.append((spool.folder / CHANGES).stat().st_size)
        whole = (spool.folder / CHANGES).read_bytes()
        for cut in {*ends, *(end - 1 for end in ends[1:]), *range(0, len(whole), max(1, len(whole) // 40))}:
            (spool.folder / CHANGES).write_bytes(whole[:cut])
            kept = sum(end <= cut for end in ends) - 1
            kept += whole[:cut].count(b"\n") == kept and cut + 1 in ends[1:]  # all but the newline is there
            assert facts(spool.folder) == taken[kept], cut


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.EIO])
@pytest.mark.parametrize("full_from", ["begin", "draft", "finish"])
def test_where_a_disk_is_full_the_next_one_takes_the_whole_record(
    code, full_from, first, measured, places, monkeypatch
):
    full = []
    for name in ("write", "append"):
        real = getattr(atomic, name)

        def checked(path, text, real=real):
            if full and places[0] in path.parents:
                raise OSError(code, os.strerror(code))
            real(path, text)

        monkeypatch.setattr(atomic, name, checked)
    full += [True] * (full_from == "begin")
    with begun(first, PARAMS, STORE) as spool:
        full += [True] * (full_from == "draft")
        for phase, record in steps(first, measured):
            spool.draft(record, phase)
        full += [True] * (full_from == "finish")
        spool.finish(measured)
        assert spool.folder.parent == places[1]
        with waiting.taken(spool.folder) as own:
            assert not own  # the run lives
    assert waiting.folders() == [spool.folder]
    assert waiting.read(spool.folder)["record"] == to_json(measured)
    assert not [path for path in places[0].rglob("*") if path.is_file()]


def test_files_that_were_begun_on_a_disk_that_is_full_are_attached_with_those_of_the_next(first, measured, monkeypatch):
    with begun(first, PARAMS, STORE) as spool:
        (spool.files / "requests.parquet").write_bytes(b"begun")
        monkeypatch.setattr(atomic, "append", lambda path, line: (_ for _ in ()).throw(OSError(errno.ENOSPC, "full")))
        before = spool.folder
        spool.draft(measured, "scoring")
        (spool.files / "more.txt").write_text("more")
        spool.finish(measured)
        payload = waiting.read(spool.folder)
        assert [path.name for path in waiting.attachments(spool.folder, payload)] == ["more.txt", "requests.parquet"]
        waiting.remove(spool.folder, payload)
    assert not before.exists()
    assert not spool.folder.exists()


def test_a_file_is_whole_or_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "file"
    atomic.write(path, "before")
    monkeypatch.setattr(os, "fsync", lambda handle: (_ for _ in ()).throw(OSError(errno.ENOSPC, "full")))
    for write in (atomic.write, atomic.append):
        with pytest.raises(OSError, match="full"):
            write(path, "after")
        assert (path.read_text(), list(tmp_path.iterdir())) == ("before", [path])
    assert path.stat().st_mode & 0o777 == 0o600


def test_nobody_takes_a_spool_whose_run_lives(first):
    with begun(first, PARAMS, STORE) as spool, waiting.taken(spool.folder) as own:
        assert not own
    with waiting.taken(spool.folder) as own:
        assert own
        with waiting.taken(spool.folder) as second:
            assert not second


def ended(error, first, record, earlier=None):
    """The spool of a run that drafted this record and then broke."""
    try:
        with begun(first, PARAMS, STORE) as spool:
            spool.draft(record, "window 3")
            if earlier:
                note(spool.folder, "failed", earlier)
            raise error
    except type(error):
        return spool


def test_nobody_takes_a_spool_at_the_moment_when_its_draft_appears(first, monkeypatch):
    write, own = atomic.write, []

    def watched(path, text):
        write(path, text)
        with waiting.taken(path.parent) as taken:
            own.append(taken)

    monkeypatch.setattr(atomic, "write", watched)
    with begun(first, PARAMS, STORE):
        assert own == [False]


def test_a_spool_that_is_delivered_while_all_are_listed_is_in_no_list(first, monkeypatch):
    with begun(first, PARAMS, STORE) as spool:
        glob = type(spool.folder).glob

        def gone(root, pattern):
            found = list(glob(root, pattern))
            if found:
                spool.drop()
            return found

        monkeypatch.setattr(type(spool.folder), "glob", gone)
        assert waiting.folders() == []


def test_the_first_cause_is_the_reason(first, measured):
    spool = ended(KeyError("second"), first, measured, "first {when}")
    note(spool.folder, "failed", "third")
    found = waiting.read(spool.folder)["record"]
    assert (found["status"], found["error"]) == ("failed", "first after 'window 3'")


def test_where_nobody_saw_how_it_ended_nobody_says_that_it_was_killed(first):
    with begun(first, PARAMS, STORE) as spool:
        error = waiting.read(spool.folder)["record"]["error"]
    assert "before anything was measured" in error
    assert "nobody saw its exit status" in error


def test_a_crash_of_native_code_leaves_its_traceback(first):
    with begun(first, PARAMS, STORE) as spool:
        with last_words.kept(spool):
            pass
        (spool.folder / waiting.CRASH).write_text("Fatal Python error: Segmentation fault\n\nThread 0x1:\n  File …")
        found = waiting.read(spool.folder)["record"]
    assert found["error"] == "crashed before anything was measured: Fatal Python error: Segmentation fault"
    assert "Thread 0x1" in found["traceback"]


@pytest.mark.parametrize("error", [UserError("no such file"), Interrupted("SIGHUP"), KeyboardInterrupt()])
def test_a_mistake_and_a_stop_leave_nothing_before_anything_was_measured_and_all_of_it_after(first, measured, error):
    for record, left in ((first, False), (measured, True)):
        spool = ended(error, first, record)
        assert spool.folder.is_dir() == left
    status = waiting.read(spool.folder)["record"]["status"]
    assert status == ("failed" if isinstance(error, UserError) else "interrupted")


def test_a_spool_holds_no_password_and_is_its_owners_alone(first):
    uri = "postgresql+psycopg://me:geheim@db.example/runs"
    with begun(first, PARAMS, uri) as spool:
        assert spool.folder.stat().st_mode & 0o777 == 0o700
        assert "geheim" not in (spool.folder / DRAFT).read_text()
        assert waiting.store_of(spool.folder) == ("postgresql+psycopg://db.example/runs", True)
        assert list(waiting.of_store(uri, whole=False)) == [spool.folder]
        assert list(waiting.of_store(uri)) == []  # its run goes on


def test_where_no_disk_takes_it_nothing_is_begun(first, places):
    for root in places:
        root.parent.mkdir(parents=True)
        root.write_text("a file is there")
    with pytest.raises(UserError, match="no disk takes the record"), begun(first, PARAMS, STORE):
        raise AssertionError("it began")


def test_what_an_earlier_version_set_aside_is_a_spool_of_the_given_store(measured, tmp_path, monkeypatch):
    monkeypatch.setenv("JOULEMARK_HOME", str(tmp_path / "home"))
    folder = tmp_path / "home" / "unsaved"
    folder.mkdir(parents=True)
    (folder / "old.json").write_text(json.dumps({"record": to_json(measured), "params": PARAMS}))
    (folder / "other.json").write_text('{"record": {"id": "../../elsewhere"}, "params": {}}')
    waiting.adopt(STORE)
    (found,) = waiting.folders()
    assert (found.name, waiting.store_of(found)) == (measured.id, (STORE, False))
    assert waiting.read(found)["record"] == to_json(measured)
    assert [path.name for path in folder.iterdir()] == ["other.json"]


def test_a_record_that_waits_can_be_loaded(first, measured):
    with begun(first, PARAMS, STORE) as spool:
        spool.finish(measured)
        assert to_json(load(spool.folder)[1]) == to_json(measured)


def test_a_spool_that_cannot_be_read_is_named(first):
    with begun(first, PARAMS, STORE) as spool:
        for name in (CAUSE, FINAL):
            (spool.folder / name).write_text("[")
        with pytest.raises(UserError, match="cannot be read as a record"):
            waiting.read(spool.folder)
        (spool.folder / FINAL).unlink()
        assert waiting.read(spool.folder)["record"]["error"]
