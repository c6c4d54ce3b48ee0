"""What the program writes is its user's own, and the group's where the umask says so."""

import os
import stat
from contextlib import contextmanager

import pytest

from joulemark.core.private_files import private_files
from joulemark.sweep.memory import Memory


@contextmanager
def umask(mask):
    before = os.umask(mask)
    try:
        yield
    finally:
        assert os.umask(before) == mask


@pytest.mark.parametrize(
    ("mask", "mode"), [(0o022, 0o600), (0o077, 0o600), (0o002, 0o660), (0o007, 0o660), (0o027, 0o640), (0, 0o660)]
)
def test_a_file_is_its_users_own_or_the_groups_that_its_umask_shares_with(tmp_path, mask, mode):
    with umask(mask), private_files(), private_files():
        (tmp_path / "file").write_text("")
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == mode


@pytest.mark.servers
def test_nothing_that_is_kept_is_read_by_others(tmp_path):
    from joulemark.store.opening import alone  # MLflow enters here

    with umask(0o022):
        with alone(f"sqlite:///{tmp_path}/store/mlflow.db"):
            (tmp_path / "store" / "mlflow.db").write_text("")
        Memory(tmp_path / "sweeps" / "memory.json", "card").add(["a=1"], 8, True)
    assert {path.name for path in tmp_path.rglob("*")} >= {"mlflow.db", "mlflow.db.lock", "memory.json"}
    for path in tmp_path.rglob("*"):
        assert not path.stat().st_mode & 0o077, path
