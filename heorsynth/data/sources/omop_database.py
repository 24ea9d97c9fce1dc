"""Open an OMOP database for reading only, DuckDB or PostgreSQL, and run queries whose parameters are bound."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pandas as pd

from heorsynth.core.errors import FileError, Problem

TIMEOUT = 600
"""Seconds that one query may take."""

_CONNECT = 10
"""Seconds to wait for a server."""

_INSTALL = "pip install 'heorsynth[omop]'"
_NAMED = re.compile(r":([a-z]\w*)")


@dataclass(frozen=True)
class Query:
    """A query: what it is for, its text with `:name` for each parameter, and the parameters."""

    title: str
    text: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def written(self) -> str:
        """Return the query as it is kept in a record: a title, the parameters as comments, the text."""
        named = sorted(set(_NAMED.findall(self.text)))
        notes = "".join(f"-- :{name} = {_shown(self.values[name])}\n" for name in named)
        return f"-- {self.title}\n{notes}{self.text.strip()};\n"


def _shown(value: object) -> str:
    """Return a parameter as it is kept in a record. A list is the cohort itself, and only its length is kept."""
    return f"{len(value):,} values of the cohort" if isinstance(value, list) else str(value)


class Database:
    """An open database. It only reads, and every query ends after `timeout` seconds.

    Attributes
    ----------
    engine : str      "duckdb" or "postgresql"
    log : list        the queries that ran, as they are kept in a record; no address and no credential is in it
    """

    def __init__(self, engine: str, connection: Any, timeout: float) -> None:
        self.engine, self.log, self._connection, self._timeout = engine, list[str](), connection, timeout

    def __repr__(self) -> str:
        return f"<{self.engine} database, read only>"

    def frame(self, query: Query) -> pd.DataFrame:
        """Return the rows of a query.

        Raises
        ------
        FileError      it takes too long, the user has no right, or the database refuses it; no value is quoted
        """
        self.log.append(query.written())
        used = {name: query.values[name] for name in _NAMED.findall(query.text)}
        run = self._duckdb if self.engine == "duckdb" else self._postgresql
        problem, frame = None, pd.DataFrame()
        try:
            frame = run(query.text, used)
        except self._errors() as error:
            problem = _refused(error, query.title, self._timeout)
        if problem is not None:  # raised here, so that no error of the driver is chained
            raise FileError(f"{self.engine} database", problem)
        return frame

    def _errors(self) -> tuple[type[Exception], ...]:
        if self.engine == "duckdb":
            import duckdb

            return (duckdb.Error,)
        import psycopg

        return (psycopg.Error,)

    def _duckdb(self, text: str, used: Mapping[str, Any]) -> pd.DataFrame:
        timer = threading.Timer(self._timeout, self._connection.interrupt)
        timer.start()
        try:
            return self._connection.execute(_NAMED.sub(r"$\1", text), dict(used) or None).df().rename(columns=str.lower)
        finally:
            timer.cancel()

    def _postgresql(self, text: str, used: Mapping[str, Any]) -> pd.DataFrame:
        with self._connection.cursor() as cursor:
            cursor.execute(_NAMED.sub(r"%(\1)s", text), dict(used) or None)
            return pd.DataFrame(cursor.fetchall(), columns=[one.name for one in cursor.description])


@contextmanager
def opened(address: str | Path, timeout: float = TIMEOUT) -> Iterator[Database]:
    """Open a database for reading, and close it at the end of the block.

    Parameters
    ----------
    address : str or path     a DuckDB file, or a URL: postgresql://user:password@host:port/name

    Raises
    ------
    FileError      the driver is not installed, there is no such file, it is no database, or the server refuses; the
                   message holds neither user nor password
    """
    is_server = str(address).startswith(("postgresql://", "postgres://"))
    connect = _server if is_server else _file
    connection = connect(str(address), timeout)
    try:
        yield Database("postgresql" if is_server else "duckdb", connection, timeout)
    finally:
        connection.close()


def _file(address: str, timeout: float) -> Any:
    path = Path(address)
    subject = f"database {path.name!r}"
    try:
        import duckdb
    except ImportError:
        raise FileError(subject, Problem("", "needs duckdb, which is not installed", _INSTALL)) from None
    if "://" in address:
        found = "is neither a file nor a postgresql:// address"
        raise FileError("OMOP source", Problem("url", found, "give a DuckDB file, or postgresql://host/name"))
    if not path.is_file():
        raise FileError(subject, Problem("", "there is no such file", "check the path"))
    try:
        connection = duckdb.connect(str(path), read_only=True)
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
    except duckdb.Error:
        problem = Problem("", "no DuckDB database, of a later version, or open for writing elsewhere", "close it there")
        raise FileError(subject, problem) from None
    return connection


def _server(address: str, timeout: float) -> Any:
    try:
        import psycopg
    except ImportError:
        problem = Problem("", "needs psycopg, which is not installed", _INSTALL)
        raise FileError("PostgreSQL database", problem) from None
    connection: Any = None
    unreachable: Problem | None = None
    try:
        connection = psycopg.connect(address, connect_timeout=_CONNECT)
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        connection.execute(f"SET statement_timeout = {max(1, int(1000 * timeout))}")
        connection.execute("SET enable_nestloop = off")  # the planner takes steps of a cohort for a single row
        connection.execute("SET work_mem = '256MB'")
        connection.execute("SET jit = off")
    except psycopg.Error as error:
        unreachable = _unreachable(error, address)
    if unreachable is not None:  # raised here: an error of the driver may quote the address, and is not chained
        raise FileError("PostgreSQL database", unreachable)
    return connection


def _unreachable(error: Exception, address: str) -> Problem:
    """Return the problem of a server that refuses, with its host, and without user and password."""
    try:
        parts = urlsplit(address)
        host = parts.hostname or "local socket"
        place = f"{host}:{parts.port}" if parts.port else host
    except ValueError:
        return Problem("url", "is no address", "write postgresql://user@host:port/name")
    text = str(error).lower()
    if "authentication" in text or "password" in text or "no pg_hba" in text:
        return Problem(
            place, "refuses this user or password", "check both; a password belongs in PGPASSWORD or ~/.pgpass"
        )
    if "does not exist" in text and "database" in text:
        return Problem(place, "has no database of this name", "check the last part of the address")
    if "timeout" in text:
        return Problem(place, f"does not answer within {_CONNECT} seconds", "check the address and the network")
    return Problem(place, "refuses the connection", "check host and port, and whether the server runs")


def _refused(error: Exception, title: str, timeout: float) -> Problem:
    """Return the problem of a query that failed, without the driver's text, which may quote a patient's value."""
    kind = type(error).__name__
    if kind in ("InterruptException", "QueryCanceled"):
        fix = "give a longer timeout, or ask for an index on person_id and on the concept columns"
        return Problem(title, f"took longer than {timeout:g} seconds", fix)
    if kind == "InsufficientPrivilege":
        return Problem(
            title, "the user may not read a table of it", "GRANT SELECT on the tables of the CDM to this user"
        )
    if kind in ("UndefinedTable", "UndefinedColumn", "CatalogException", "BinderException"):
        return Problem(
            title, "a table or column is missing", "check the schema, and that the CDM is version 5.3 or 5.4"
        )
    return Problem(title, f"the database refuses it ({kind})", "check the types of the tables against the CDM")


def address_of(url: str | None, path: str | None, variable: str | None, folder: Path) -> str:
    """Return the address of a database: a file, a URL, or the URL in an environment variable.

    Raises
    ------
    FileError      not exactly one of them, or the variable is not set
    """
    if sum(one is not None for one in (url, path, variable)) != 1:
        raise FileError("OMOP source", Problem("omop", "expected one of url, path and url_variable", "give one"))
    if path is not None:
        return str(folder / path)
    if variable is not None:
        held = os.environ.get(variable)
        if not held:
            problem = Problem(
                "url_variable", f"the environment variable {variable} is not set", "set it to the address"
            )
            raise FileError("OMOP source", problem)
        return held
    return str(url)


def holds_password(url: str) -> bool:
    """Return whether an address holds a password, which belongs in no file.

    Examples
    --------
    >>> holds_password("postgresql://me:secret@host/cdm"), holds_password("postgresql://me@host/cdm?sslmode=require")
    (True, False)
    """
    try:
        parts = urlsplit(url)
        return bool(parts.password) or "password=" in parts.query.lower()
    except ValueError:
        return "@" in url
