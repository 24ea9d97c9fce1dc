"""Check the tables of an OMOP database before a cohort is asked of it: missing, empty, or with a header row as data."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from heorsynth.core.display import counted
from heorsynth.core.errors import FileError, Problem, nearest
from heorsynth.data.sources.omop_database import Database, Query
from heorsynth.data.sources.omop_definition import Definition

EVENTS: Mapping[str, tuple[str, str, str, str]] = {
    "condition": ("condition_occurrence", "condition_concept_id", "condition_start_date", "condition_occurrence_id"),
    "drug": ("drug_exposure", "drug_concept_id", "drug_exposure_start_date", "drug_exposure_id"),
    "procedure": ("procedure_occurrence", "procedure_concept_id", "procedure_date", "procedure_occurrence_id"),
    "visit": ("visit_occurrence", "visit_concept_id", "visit_start_date", "visit_occurrence_id"),
    "measurement": ("measurement", "measurement_concept_id", "measurement_date", "measurement_id"),
    "observation": ("observation", "observation_concept_id", "observation_date", "observation_id"),
    "device": ("device_exposure", "device_concept_id", "device_exposure_start_date", "device_exposure_id"),
}
"""Of each domain: its table, and the columns of the concept, the date and the record's id (CDM 5.3 and 5.4)."""

_ALWAYS = {
    "person": ("person_id", "year_of_birth", "gender_concept_id", "race_concept_id", "ethnicity_concept_id"),
    "observation_period": ("person_id", "observation_period_start_date", "observation_period_end_date"),
}
_MAY_BE_EMPTY = {table for table, *_ in EVENTS.values()}
"""A concept set that finds nobody in them is told by its name, and a cost that finds no record too."""

_SCHEMA = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
_TEXT = ("varchar", "text", "character varying", "character")


@dataclass(frozen=True)
class CdmTables:
    """The tables of a database that a definition needs, all present and usable.

    Attributes
    ----------
    prefix : str     the schema and a point, or ""
    deaths : bool    whether `death` can be used
    notes : tuple    what is absent and was not asked for
    """

    prefix: str
    deaths: bool
    notes: tuple[str, ...] = ()


def checked_tables(database: Database, definition: Definition, schema: str | None = None) -> CdmTables:
    """Check the tables that a definition needs.

    Raises
    ------
    FileError      lists all problems: a table or column is missing, a table is empty, or holds its header row as data;
                   records with costs share an id
    """
    if schema is not None and not _SCHEMA.fullmatch(schema):
        raise FileError("OMOP source", Problem("schema", "is no name of a schema", "use letters, digits and _"))
    prefix = "" if schema is None else f"{schema}."
    held = _columns(database, schema)
    problems: list[Problem] = []
    for table, columns in _needed(definition).items():
        problem = _problem(database, prefix, table, columns, held)
        problems += [problem] if problem else []
    problems = problems or _shared_ids(database, prefix, definition)
    if problems:
        raise FileError(f"{database.engine} database", problems)
    death = _problem(database, prefix, "death", ("person_id", "death_date"), held)
    unasked = "" if death is None else f"Table death: {death.found}; follow-up ends with the observation period alone."
    return CdmTables(prefix, death is None, (unasked,) if unasked else ())


def _shared_ids(database: Database, prefix: str, definition: Definition) -> list[Problem]:
    """Return the tables with costs in which records share an id: a cost would be counted for each of them."""
    problems = []
    for domain in sorted({domain for cost in definition.costs.values() for domain in cost.of}):
        table, *_, record = EVENTS[domain]
        text = f"SELECT {record} FROM {prefix}{table} GROUP BY {record} HAVING count({record}) > 1"
        query = Query(f"whether records of {table} share an id", f"SELECT count(*) AS n FROM ({text}) AS shared")
        if n := int(database.frame(query)["n"].iloc[0]):
            found = f"{counted(n, 'id')} of {record} stand for several records, so a cost would count for each of them"
            fix = "number the records and their costs again, or leave the domain out of costs"
            problems.append(Problem(f"table {table}", found, fix))
    return problems


def _columns(database: Database, schema: str | None) -> dict[str, dict[str, str]]:
    """Return the type of each column of each table, all in lower case."""
    where = "" if schema is None else " WHERE lower(table_schema) = lower(CAST(:schema AS varchar))"
    query = Query(
        "the tables and columns of the database",
        "SELECT lower(table_name) AS held, column_name AS name, lower(data_type) AS kind"
        f" FROM information_schema.columns{where} ORDER BY held, ordinal_position",
        {"schema": schema},
    )
    found: dict[str, dict[str, str]] = {}
    for table, name, kind in database.frame(query).itertuples(index=False):
        found.setdefault(str(table), {})[str(name)] = str(kind)
    return found


def _needed(definition: Definition) -> dict[str, tuple[str, ...]]:
    """Return the tables that a definition needs, with their columns."""
    needed = dict(_ALWAYS)
    domains = {domain for _, domain, _ in definition.used}
    domains |= {"condition"} if definition.covariates.conditions else set()
    domains |= {"drug"} if definition.covariates.drugs else set()
    for cost in definition.costs.values():
        domains |= set(cost.of)
        amounts = ("cost_event_id", "cost_domain_id", "currency_concept_id", *needed.get("cost", ()), cost.amount)
        needed["cost"] = tuple(dict.fromkeys(amounts))
    for domain in sorted(domains):
        table, *columns = EVENTS[domain]
        needed[table] = ("person_id", *columns)
    if "measurement" in needed:
        needed["measurement"] = (*needed["measurement"], "value_as_number", "unit_concept_id")
    if any(definition.concepts(name).descendants for _, _, name in definition.used):
        needed["concept_ancestor"] = ("ancestor_concept_id", "descendant_concept_id")
    if definition.asks_for_death:
        needed["death"] = ("person_id", "death_date")
    if definition.covariates.asks_for_names:
        needed["concept"] = ("concept_id", "concept_name")
    return needed


def _problem(
    database: Database, prefix: str, table: str, columns: tuple[str, ...], held: Mapping[str, Mapping[str, str]]
) -> Problem | None:
    """Return what is wrong with a table; None if it can be used."""
    where = f"table {table}"
    if table not in held:
        return Problem(
            where, "is not in the database", f"{nearest(table, held)}; or give schema:, or the right to read it"
        )
    names = {name.lower(): kind for name, kind in held[table].items()}
    absent = [name for name in columns if name not in names]
    texts = [name for name, kind in held[table].items() if kind.startswith(_TEXT)]
    if _holds_header(database, prefix, table, texts, columns):
        fix = "load the table again with its header, or leave out of the definition what needs it"
        return Problem(where, "holds its header row as data, and no type is right", fix)
    if absent:
        return Problem(where, f"lacks {', '.join(absent)}", "use a CDM of version 5.3 or 5.4")
    if table in _MAY_BE_EMPTY:
        return None
    first = Query(
        f"whether {table} has rows", f"SELECT count(*) AS n FROM (SELECT 1 FROM {prefix}{table} LIMIT 1) AS one"
    )
    if database.frame(first)["n"].iloc[0] == 0:
        return Problem(where, "has no row", "leave out of the definition what needs it, or load the table")
    return None


def _holds_header(database: Database, prefix: str, table: str, texts: list[str], columns: tuple[str, ...]) -> bool:
    """Return whether a text column has the name of a needed column as a value."""
    if not texts:
        return False
    values = {f"name{at}": name for at, name in enumerate(columns)}
    listed = ", ".join(f"CAST(:{name} AS varchar)" for name in values)
    tests = " OR ".join(f"lower({_quoted(name)}) IN ({listed})" for name in texts)
    text = f"SELECT count(*) AS n FROM (SELECT 1 FROM {prefix}{table} WHERE {tests} LIMIT 1) AS one"
    return bool(database.frame(Query(f"whether {table} holds a header row", text, values))["n"].iloc[0])


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
