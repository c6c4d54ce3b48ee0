"""Where a run goes: the word, the environment, the default; and what cannot hold runs."""

from pathlib import Path

import pytest

from joulemark.core import tracking
from joulemark.core.errors import UserError


@pytest.fixture(autouse=True)
def no_environment(monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def test_the_word_comes_before_the_environment_and_that_before_the_default(monkeypatch):
    assert tracking.resolve(None) == f"sqlite:///{Path.cwd()}/mlruns/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://tracker:5000")
    assert tracking.resolve(None) == "http://tracker:5000"
    assert tracking.resolve("https://other") == "https://other"


def test_a_relative_sqlite_file_is_meant_from_where_the_user_stands(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert tracking.resolve("sqlite:///runs.db") == f"sqlite:///{tmp_path}/runs.db"
    assert tracking.sqlite_path("sqlite:////a/b.db?timeout=5") == Path("/a/b.db")
    assert tracking.sqlite_path("postgresql://host/db") is None


@pytest.mark.parametrize(
    ("uri", "says"),
    [
        ("mlruns", "is a folder, which holds no runs; type tracking_uri=sqlite:///mlruns/mlflow.db"),
        ("file:///tmp/x", "type tracking_uri=sqlite:////tmp/x/mlflow.db"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("htps://host", "did you mean tracking_uri=https://…?"),
    ],
)
def test_what_cannot_hold_runs_is_refused_with_what_can(uri, says):
    with pytest.raises(UserError) as error:
        tracking.resolve(uri)
    assert says in str(error.value)


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("postgresql+psycopg://me:secret@db.example:5432/runs", "postgresql+psycopg://db.example:5432/runs"),
        ("https://token:x@host/path", "https://host/path"),
        ("sqlite:////a/b.db", "sqlite:////a/b.db"),
    ],
)
def test_a_password_is_never_shown(uri, shown):
    assert tracking.public(uri) == shown
