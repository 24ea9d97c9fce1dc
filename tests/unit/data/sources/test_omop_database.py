"""A database only reads, ends a slow query, and shows its address nowhere."""

import sys
from pathlib import Path

import duckdb
import pytest

from heorsynth.core import errors
from heorsynth.data.sources.omop_database import Query, address_of, holds_password, opened


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "cdm.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE person AS SELECT 'Canary-8842' AS person_id")
    return path


def test_parameters_are_bound_and_the_query_is_kept(file: Path) -> None:
    query = Query(
        "one person", "SELECT person_id FROM person WHERE person_id = CAST(:name AS varchar)", {"name": "x' OR 1=1"}
    )
    with opened(file) as database:
        assert database.frame(query).empty
        assert database.log == ["-- one person\n-- :name = x' OR 1=1\n" + query.text + ";\n"]
        assert repr(database) == "<duckdb database, read only>"


@pytest.mark.parametrize("text", [
    "DELETE FROM person", "CREATE TABLE x AS SELECT 1", "SELECT CAST(person_id AS integer) FROM person",
    "SELECT * FROM read_csv('FOLDER/other.csv')", "COPY person TO 'FOLDER/rows.csv'",
    "SET enable_external_access = true",
    "SELECT nothing FROM person", "SELECT 1 FROM nowhere",
])  # fmt: skip
def test_what_writes_or_fails_is_refused_without_a_value(file: Path, text: str) -> None:
    (file.parent / "other.csv").write_text("name\nCanary-8842\n", encoding="utf-8")
    with opened(file) as database, pytest.raises(errors.FileError) as caught:
        database.frame(Query("a query", text.replace("FOLDER", file.parent.as_posix())))
    assert not (file.parent / "rows.csv").exists()
    assert "Canary" not in str(caught.value) and caught.value.__cause__ is None and caught.value.__context__ is None


def test_a_slow_query_ends(file: Path) -> None:
    text = "SELECT count(*) AS n FROM range(10000000) AS a(x), range(10000000) AS b(y) WHERE x * y % 7 = 3"
    with opened(file, timeout=0.2) as database, pytest.raises(errors.FileError, match=r"took longer than 0.2 seconds"):
        database.frame(Query("a slow query", text))


def test_what_is_no_database_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x.duckdb").write_bytes(b"no database")
    for address, told in ((tmp_path / "x.duckdb", "no DuckDB database"), (tmp_path / "y.duckdb", "no such file"),
                          ("mysql://me:Canary@host/x", "neither a file nor")):  # fmt: skip
        with pytest.raises(errors.FileError, match=told) as caught, opened(address):
            pass
        assert "Canary" not in str(caught.value)
    monkeypatch.setitem(sys.modules, "duckdb", None)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    for address in (tmp_path / "x.duckdb", "postgresql://me:Canary@host/x"):
        with pytest.raises(errors.FileError, match=r"pip install 'heorsynth\[omop\]'"), opened(address):
            pass


def test_an_address_may_stand_in_a_variable_and_a_password_nowhere_else(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("OMOP_URL", "postgresql://me:Canary@host/x")
    assert address_of(None, None, "OMOP_URL", tmp_path) == "postgresql://me:Canary@host/x"
    assert address_of(None, "a.duckdb", None, tmp_path) == str(tmp_path / "a.duckdb")
    for given in ((None, None, None), ("u", "p", None), (None, None, "NOT_SET_HERE")):
        with pytest.raises(errors.FileError, match=r"expected one of|is not set"):
            address_of(*given, tmp_path)
    assert holds_password("postgresql://host/x?password=a") and not holds_password("postgresql://me@host/x")
