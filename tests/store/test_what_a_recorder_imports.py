"""What lies in memory beside a measurement: the recorder's imports, by the libraries that its process has mapped."""

import re
import sys
from pathlib import Path

import pytest

from joulemark.store.recorder import Recorder
from joulemark.store.spool import Spool
from tests.records import PARAMS, a_record

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(sys.platform != "linux", reason="a process's libraries are read from /proc"),
]


def mapped(process):
    """The packages whose compiled parts a process has in memory."""
    return set(re.findall(r"/site-packages/(\w+)/", Path(f"/proc/{process.pid}/maps").read_text()))


def test_a_recorder_takes_no_pandas_and_matplotlib_only_once_the_record_is_whole(tmp_path, monkeypatch):
    monkeypatch.setenv("JOULEMARK_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    record, uri = a_record(), f"sqlite:///{tmp_path / 'mlflow.db'}"
    spool = Spool(record, PARAMS, uri)
    (spool.folder / "files").mkdir(parents=True)
    with Recorder(spool, uri, record.task.name) as recorder:
        recorder.wait_ready()
        beside_the_run = mapped(recorder._process)
        recorder.keep(record)
        link = recorder.deliver(more=True)
        in_the_end = mapped(recorder._process)
    assert "run_id" in link
    assert "sqlalchemy" in beside_the_run  # the store is open
    assert not {"pandas", "matplotlib"} & beside_the_run
    assert "matplotlib" in in_the_end
    assert "pandas" not in in_the_end
