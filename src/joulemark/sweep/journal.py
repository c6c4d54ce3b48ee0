"""A study's journal whose writer was killed within a line: the line is dropped, said, and the study goes on."""

import json
import os
from collections.abc import Callable
from pathlib import Path

START = '{"op_code"'  # of every line that Optuna writes


def mended(journal: Path, report: Callable[[str], None]) -> None:
    """Drops what no reader can parse from a journal, under Optuna's own lock; a file that is whole stays as it is."""
    if not journal.is_file() or not journal.stat().st_size:
        return
    from optuna.storages.journal import JournalFileOpenLock, JournalFileSymlinkLock

    lock = JournalFileSymlinkLock(str(journal)) if hasattr(os, "symlink") else JournalFileOpenLock(str(journal))
    lock.acquire()
    try:
        text = journal.read_text(encoding="utf-8", errors="replace")
        lines = text.splitlines()
        whole = [part for line in lines for part in (_whole(line),) if part is not None]
        if whole == lines and text.endswith("\n"):  # else the next record would go on in the last line
            return
        rewritten = journal.with_name(f"{journal.name}.mended")
        rewritten.write_text("".join(f"{line}\n" for line in whole), encoding="utf-8")
        os.replace(rewritten, journal)
    finally:
        lock.release()
    if broken := sum(line not in whole for line in lines):
        report(f"{journal}: {broken} line{'s'[: broken > 1]} cut off by a killed process, dropped; the study goes on")


def _whole(line: str) -> str | None:
    """The line, or the whole record that was written behind a torn one; None where there is none."""
    for start in (0, line.rfind(START)):
        if start < 0:
            continue
        try:
            record = json.loads(line[start:])
        except ValueError:
            continue
        if isinstance(record, dict) and "op_code" in record:
            return line[start:]
    return None
