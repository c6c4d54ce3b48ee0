"""The one door to what MLflow does not document: nothing of it stands elsewhere, and another schema is refused."""

import ast
import os
import re
import shutil
import sqlite3
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

import pytest

from joulemark.core.errors import UserError
from joulemark.store import listing, mlflow_internals, relocation
from joulemark.store.mlflow_internals import creation, schema
from tests.paths import ROOT

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"

SOURCE = ROOT / "src" / "joulemark"
DOOR = SOURCE / "store" / "mlflow_internals"
# Common nouns, which are MLflow's only in a statement of SQL
COMMON_NOUNS = {"runs", "params", "tags", "experiments"}


def strings_and_names(path):
    """All that a module says: strings but docstrings, names of attributes, and what it imports."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documented = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documented:
            yield node.value
        elif isinstance(node, ast.Attribute) and node.attr.startswith("_"):
            yield node.attr
        elif isinstance(node, ast.ImportFrom):
            yield f"{node.module}"
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def test_what_is_relied_upon_stands_in_the_door_alone():
    outside = [
        f"{path.relative_to(SOURCE)}: {text!r}"
        for path in SOURCE.rglob("*.py")
        if DOOR not in path.parents
        for text in strings_and_names(path)
        for name in mlflow_internals.RELIED_UPON
        if (
            re.search(rf"\b(from|join|into|update)\s+{name}\b", text, re.IGNORECASE)
            if name in COMMON_NOUNS
            else name in text
        )
    ]
    assert outside == []


def test_all_that_is_listed_is_used_and_each_has_its_reason():
    texts = [text for path in DOOR.glob("*.py") if path.name != "__init__.py" for text in strings_and_names(path)]
    unused = [name for name in mlflow_internals.RELIED_UPON if not any(name in text for text in texts)]
    assert unused == []
    assert all(reason and "\n" not in reason for reason in mlflow_internals.RELIED_UPON.values())


def test_the_installed_schema_is_what_alembic_says_and_was_checked():
    from alembic.script import ScriptDirectory

    folder = Path(find_spec("mlflow").origin).parent / "store" / "db_migrations"
    assert ScriptDirectory(str(folder)).get_heads() == [schema.installed()]
    assert schema.installed() in schema.CHECKED  # where it is not: see where that MLflow keeps what is relied upon


def test_the_head_is_the_one_migration_that_none_follows(tmp_path):
    def migration(name, text):
        (tmp_path / f"{name}.py").write_text(text)

    migration("a", 'revision = "a"\ndown_revision = None\n')
    migration("b", "from typing import Union\nrevision: str = 'b'\ndown_revision: Union[str, None] = 'a'\n")
    migration("c", 'revision = (\n    "c"\n)\ndown_revision = "a"  # revision = "z"\n')
    assert schema.head(list(tmp_path.glob("*.py"))) is None  # two branches
    migration("d", 'revision = "d"\ndown_revision = ("b", "c")\n')
    assert schema.head(list(tmp_path.glob("*.py"))) == "d"
    assert schema.head([]) is None


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """An empty sqlite store, made once."""
    from joulemark.store import opening

    path = tmp_path_factory.mktemp("template") / "mlflow.db"
    opening.open_store(f"sqlite:///{path}", "summarization")
    return path


def read(uri):
    return list(listing.runs(uri, listing.Choice(), []))


def opened(uri):
    from joulemark.store import opening

    return opening.open_store(uri, "summarization")


def client(uri):
    from joulemark.store import opening

    return opening.reader(uri)


def moved(uri):
    return relocation.plan(Path(uri.removeprefix("sqlite:///")))


@pytest.mark.servers
@pytest.mark.parametrize("use", [read, opened, client, moved])
def test_a_database_of_another_schema_is_refused_in_one_line_everywhere(use, template, tmp_path):
    database = Path(shutil.copy(template, tmp_path / "mlflow.db"))
    use(f"sqlite:///{database}")
    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'deadbeef'")
    before = database.read_bytes()
    with pytest.raises(UserError, match="has the schema deadbeef of another version of MLflow") as error:
        use(f"sqlite:///{database}")
    assert "\n" not in str(error.value)
    assert database.read_bytes() == before


def test_a_database_that_holds_a_study_is_said_to_and_no_upgrade_is_advised():
    with sqlite3.connect(":memory:") as connection:
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.execute("INSERT INTO alembic_version VALUES ('v3.2.0.a')")
        with pytest.raises(UserError, match=r"s holds a sweep's study .* a database each") as error:
            schema.check(connection, "s")
    assert "upgrade" not in str(error.value)


@pytest.mark.servers
def test_external_results_go_through_the_tracking_api_where_the_schema_was_not_checked(template, tmp_path, monkeypatch):
    from joulemark.store.mlflow_internals import tables

    tracking_client = client(f"sqlite:///{shutil.copy(template, tmp_path / 'mlflow.db')}")
    assert tables.database(tracking_client) is not None
    monkeypatch.setattr(schema, "CHECKED", ("another",))
    assert tables.database(tracking_client) is None


def test_a_new_sqlite_database_is_whole_or_not_there(tmp_path, monkeypatch):
    from mlflow.store.db import utils

    path, real = tmp_path / "mlflow.db", utils._upgrade_db
    monkeypatch.setattr(utils, "_upgrade_db", lambda engine: (_ for _ in ()).throw(OSError("the disk is full")))
    with pytest.raises(OSError, match="full"):
        creation.make_sqlite(path)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / ".mlflow.db.new").write_bytes(b"of a process that was killed")
    monkeypatch.setattr(utils, "_upgrade_db", real)
    creation.make_sqlite(path)
    assert list(tmp_path.iterdir()) == [path]
    with closing(sqlite3.connect(path)) as connection:
        schema.check(connection, "it", writes=True)
