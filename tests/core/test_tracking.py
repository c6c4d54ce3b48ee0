"""Where a run goes: the option, the environment, the default; and what cannot hold runs."""

from itertools import product
from pathlib import Path

import pytest
from sqlalchemy import make_url

from joulemark.core import tracking
from joulemark.core.errors import UserError


@pytest.fixture(autouse=True)
def no_environment(monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def test_the_option_comes_before_the_environment_and_that_before_the_default(monkeypatch):
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
        ("127.0.0.1:5000", "http:// missing? type tracking_uri=http://127.0.0.1:5000"),
        ("localhost:5000/path", "http:// missing? type tracking_uri=http://localhost:5000/path"),
        ("host:5000/?token=secret", "type tracking_uri=http://host:5000/"),
        ("host/runs?password=secret", "is a folder"),
        ("me:5000/secret@db.example", "type tracking_uri=postgresql+psycopg://USER@db.example"),
        ("me:secret@db.example/runs", "type tracking_uri=postgresql+psycopg://USER@db.example/runs"),
    ],
)
def test_what_cannot_hold_runs_is_refused_with_what_can(uri, says):
    with pytest.raises(UserError) as error:
        tracking.resolve(uri)
    assert says in str(error.value)
    assert "secret" not in str(error.value)


def test_a_tilde_is_the_users_own_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert tracking.resolve("sqlite:///~/runs.db") == f"sqlite:///{tmp_path}/runs.db"
    with pytest.raises(UserError, match=f"sqlite:///{tmp_path}/runs/mlflow.db"):
        tracking.resolve("~/runs")


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("postgresql+psycopg://me:secret@db.example:5432/runs", "postgresql+psycopg://db.example:5432/runs"),
        ("https://token:x@host/path", "https://host/path"),
        ("sqlite:////a/b.db", "sqlite:////a/b.db"),
        ("sqlite:////home/me@work/b.db", "sqlite:////home/me@work/b.db"),
        ("postgresql://db.example/runs?user=me&password=secret", "postgresql://db.example/runs?user=me"),
        ("postgresql://db.example/runs?PassWord=secret", "postgresql://db.example/runs"),
        ("postgresql://db.example/runs?sslmode=require", "postgresql://db.example/runs?sslmode=require"),
        ("https://host/path?access_token=secret&x=1", "https://host/path"),
        ("https://host/path#token=secret", "https://host/path"),
        ("https://secret@host/path", "https://host/path"),
        ("postgresql://me:12?secret@db.example/runs", "postgresql://db.example/runs"),
        ("postgresql://db.example/runs?user=me@corp&password=secret", "postgresql://db.example/runs?user=me@corp"),
        ("postgresql://db.example/runs?options=-c%20password%3Dsecret", "postgresql://db.example/runs"),
        ("mssql+pyodbc:///?odbc_connect=UID%3Dme%3BPWD%3Dsecret", "mssql+pyodbc:///"),
        ("postgresql://me:sec/ret@db.example/runs", "postgresql://db.example/runs"),
        ("postgresql://me:sec?ret@db.example/runs", "postgresql://db.example/runs"),
        ("postgresql://me:sec@ret@db.example/runs", "postgresql://db.example/runs"),
    ],
)
def test_a_password_is_never_shown(uri, shown):
    assert tracking.public(uri) == shown


@pytest.mark.parametrize("key", ["tracking_uri", "+tracking_uri", "++tracking_uri", "storage"])
def test_no_override_shows_a_password_of_an_address(key):
    uri, shown = "postgresql://me:secret@db.example/runs", "postgresql://db.example/runs"
    assert tracking.public_override(f"{key}={uri}") == f"{key}={shown}"
    assert tracking.public_override(f"{key}='{uri}'") == f"{key}='{shown}'"
    assert tracking.public_override(f"{key}={uri},{uri}?password=secret") == f"{key}={shown},{shown}"
    assert tracking.public_override(f"--{key.lstrip('+')}={uri}") == f"--{key.lstrip('+')}={shown}"
    assert tracking.public_override("task.prompt=me:secret@host") == "task.prompt=me:secret@host"
    assert tracking.public_override(f'overrides=["x={uri}"]') == 'overrides=["x=postgresql://db.example/runs"]'


SIGNS = ("", *"@:/?#&=%[,' ", "a@b", "?x=", "&b@")


@pytest.mark.parametrize("before", SIGNS)
def test_no_sign_in_a_password_makes_a_part_of_it_shown(before):
    for middle, after in product(SIGNS, SIGNS):
        secret = f"{before}{middle}hunter2{after}"
        of_a_user = f"postgresql+psycopg://me:{secret}@db.example/runs"
        for uri in (of_a_user, f"postgresql://db.example/runs?password={secret}"):
            assert "hunter2" not in tracking.public(uri), uri
            assert "hunter2" not in tracking.public_override(f"storage={uri}"), uri
            assert "hunter2" not in tracking.without_secrets(f"cannot open {uri}", uri), uri
            assert tracking.secret(uri), uri


@pytest.mark.parametrize("password", ["a", "a/b", "a?b", "a#b", "a&b=c", "a:b", "a%40b", "a[b]", "/", "?x=1"])
def test_the_host_is_the_one_that_sqlalchemy_connects_to(password):
    uri = f"postgresql://me:{password}@db.example:5432/runs?sslmode=require"
    shown = make_url(uri).render_as_string(hide_password=True)
    assert tracking.public(uri) == shown.replace("me:***@", "")


def test_a_user_without_a_password_is_no_secret():
    assert not tracking.secret("postgresql+psycopg://me@db.example/runs?sslmode=require")
    assert not tracking.secret("sqlite:////home/me@work/runs.db")
    assert not tracking.secret("http://host:5000")


def test_a_message_of_a_store_holds_neither_its_address_nor_its_password():
    uri = "postgresql://me:s%40cret@db.example/runs?token=hidden"
    message = tracking.without_secrets(f"cannot open {uri}: s@cret and s%40cret with hidden are refused", uri)
    assert "cret" not in message
    assert "hidden" not in message
    assert "db.example" in message
