"""Define a cohort in an OMOP database and read it as one row a patient, with its attrition and the queries that ran."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from heorsynth.core.display import counted
from heorsynth.core.errors import FileError, Problem
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.reading_notes import with_notes
from heorsynth.data.sources.omop_database import TIMEOUT, Database, opened
from heorsynth.data.sources.omop_definition import Definition, Measure, as_definition
from heorsynth.data.sources.omop_sql import CohortSql
from heorsynth.data.sources.omop_tables import checked_tables
from heorsynth.data.visits.schedule import with_visits


@dataclass(frozen=True)
class OmopRows:
    """A cohort's rows as they were read from a database.

    Attributes
    ----------
    frame : DataFrame        one row a patient
    roles : dict             for `Cohort`
    visits : dict            measure to {day: column}
    attrition : DataFrame    step, persons left
    sql : str                every query that ran, with its parameters; no address and no credential
    """

    frame: pd.DataFrame
    roles: dict[str, Any]
    visits: Mapping[str, Mapping[float, str]]
    attrition: pd.DataFrame
    sql: str

    def cohort(self, name: str = "omop", **roles: Any) -> Cohort:
        """Return the cohort; `roles` replace or add to those of the definition.

        With `derived` among them, its visits are those of the definition, at their days.
        """
        return Cohort(self.frame, name=name, **{**self.roles, **with_visits(self.visits, roles), **roles})


def from_omop(
    address: str | Path,
    definition: str | Path | Mapping[str, object] | Definition,
    *,
    schema: str | None = None,
    timeout: float = TIMEOUT,
) -> OmopRows:
    """Read a cohort from a database in the OMOP Common Data Model, version 5.3 or 5.4.

    The session only reads, and nothing but the cohort's rows and counts leaves the database. The same SQL runs in
    DuckDB and PostgreSQL.

    Parameters
    ----------
    address : str or path     a DuckDB file, or postgresql://user@host:port/name; leave the password to PGPASSWORD
    definition                a YAML file, or the same as a mapping; see the page "Trials and databases as sources"
    schema : str, optional    schema of the tables; by default that of the connection
    timeout : float           seconds that one query may take

    Returns
    -------
    OmopRows                  `.cohort()` is the cohort, `.attrition` the persons left after each step, `.sql` the
                              queries that ran

    Raises
    ------
    FileError                 the definition has an error (with its line); the database refuses, takes too long, or the
                              user has no right; a table is missing, empty or holds its header row as data; records
                              with costs share an id; a concept set finds nobody; nobody is left; costs are in several
                              currencies, or a measure in several units

    References
    ----------
    OHDSI (2021) The Book of OHDSI, chapter 10; https://ohdsi.github.io/CommonDataModel.

    Examples
    --------
    >>> from_omop("no-such-file.duckdb", {"concept_sets": {"mi": [4329847]}, "index": {"event": {"condition": "mi"}},
    ...           "endpoints": {"os": {"death": True}}})
    Traceback (most recent call last):
    heorsynth.core.errors.FileError: database 'no-such-file.duckdb' has 1 problem
      1. there is no such file
          fix: check the path
    """
    asked = as_definition(definition)
    with opened(address, timeout) as database:
        tables = checked_tables(database, asked, schema)
        sql = CohortSql(asked, tables)
        _require_found(database, sql)
        attrition = _attrition(database, sql)
        frame, costed = _one_currency(sql.hold(database.frame(sql.rows())), asked)
        frame, left_out = _typed(frame, asked)
        notes = [*tables.notes, *left_out, *costed]
        for domain, prior in (("condition", asked.covariates.conditions), ("drug", asked.covariates.drugs)):
            if prior is not None:
                frame = _with_history(frame, database.frame(sql.history(domain, prior)), domain)
        times: dict[str, Mapping[float, str]] = {}
        for name, measure in asked.visits.items():
            frame, times[name] = _with_visits(frame, database.frame(sql.visits(name, measure)), name, measure)
            notes += _after_death(database, sql, name, measure)
        log = "\n".join(database.log)
    return OmopRows(with_notes(frame, notes), _roles(asked, frame), times, attrition, log)


def _require_found(database: Database, sql: CohortSql) -> None:
    """Raise FileError, with every set, if a concept set finds nobody."""
    problems = [
        Problem(
            f"concept_sets.{name}",
            f"finds nobody in the {domain}s",
            "check its ids, and that they are standard concepts",
        )
        for domain, name, found in database.frame(sql.set_counts()).itertuples(index=False)
        if found == 0
    ]
    if problems:
        raise FileError("cohort definition", problems)


def _attrition(database: Database, sql: CohortSql) -> pd.DataFrame:
    """Return the persons left after each step. Raise FileError, with the step, if nobody is left."""
    left = database.frame(sql.attrition())["persons"].astype(np.int64).tolist()
    titles = ["in the database", *(title for title, _ in sql.steps)]
    if left[-1] == 0:
        step = titles[left.index(0)]
        fix = "widen that step of the definition"
        raise FileError("cohort definition", Problem(f"step {step!r}", "leaves nobody", fix))
    return pd.DataFrame({"step": titles, "persons": left})


def _typed(frame: pd.DataFrame, definition: Definition) -> tuple[pd.DataFrame, list[str]]:
    """Return the rows with the same types from both engines, without demographics that do not vary, and a note on them.

    Types are whole numbers, floats, and text or None.
    """
    frame = frame if definition.arms else frame.drop(columns="arm")
    frame = frame if "age" in definition.covariates.demographics else frame.drop(columns="age")
    whole = [
        name for name in map(str, frame.columns) if name.endswith(("_time", "_event")) or name in ("person_id", "age")
    ]
    frame[whole] = frame[whole].astype(np.int64)
    for name in definition.costs:
        frame[name] = frame[name].astype(float)
    for name in [one for one in ("sex", "race", "ethnicity") if one in frame]:
        frame[name] = frame[name].map(_named).astype(object)
    same = [name for name in ("age", "sex", "race", "ethnicity") if name in frame and frame[name].nunique() <= 1]
    notes = [f"Left out, because they are the same for everyone or missing: {', '.join(same)}."] if same else []
    return frame.drop(columns=same), notes


def _named(text: object) -> str | None:
    """Return the name of a concept in lower case; of an id without a name in the database, the vocabulary's."""
    if not isinstance(text, str):
        return None
    return _VOCABULARY.get(text, f"concept {text}" if text.isdecimal() else text.lower())


_VOCABULARY = {
    "8507": "male", "8532": "female", "8521": "other", "8515": "asian", "8516": "black or african american",
    "8527": "white", "8557": "native hawaiian or other pacific islander", "8657": "american indian or alaska native",
    "38003563": "hispanic or latino", "38003564": "not hispanic or latino",
}  # fmt: skip
"""Names of the standard concepts of sex, race and ethnicity, for a database whose `concept` table lacks them."""


def _one_currency(frame: pd.DataFrame, definition: Definition) -> tuple[pd.DataFrame, list[str]]:
    """Return the rows without the columns on the records of costs, and a note on each cost.

    Raises
    ------
    FileError      a cost adds up several currencies, or no record
    """
    notes, problems = [], []
    for at, name in enumerate(definition.costs):
        records = int(frame[f"records_{at}"].sum())
        if records == 0:
            fix = "check its domains and days, and cost_domain_id in the table"
            problems.append(Problem(f"costs.{name}", "no record of `cost` belongs to it", fix))
        elif frame[f"least_{at}"].min() != frame[f"most_{at}"].max() and frame[f"most_{at}"].notna().any():
            fix = "convert the amounts to one currency in the database"
            problems.append(Problem(f"costs.{name}", "adds up several currencies", fix))
        notes.append(f"{name}: {counted(records, 'record')} of cost; 0 for patients without one.")
    if problems:
        raise FileError("cohort definition", problems)
    extra = [f"{part}_{at}" for at in range(len(definition.costs)) for part in ("records", "least", "most")]
    return frame.drop(columns=extra), notes


def _with_history(frame: pd.DataFrame, pairs: pd.DataFrame, domain: str) -> pd.DataFrame:
    """Return the rows with a true-or-false column for each concept, named by the concept."""
    added: dict[str, np.ndarray] = {}
    for concept, held in pairs.groupby("concept_id"):
        text = re.sub(r"[^a-z0-9]+", "_", str(held["name"].iloc[0] or concept).lower()).strip("_")[:40]
        name = f"{domain}_{text}"
        name = f"{name}_{concept}" if name in frame or name in added else name
        added[name] = frame["person_id"].isin(held["person_id"]).to_numpy()
    kept = {name: held for name, held in added.items() if not held.all()}
    return pd.concat([frame, pd.DataFrame(kept, index=frame.index)], axis=1) if kept else frame


def _with_visits(
    frame: pd.DataFrame, records: pd.DataFrame, name: str, measure: Measure
) -> tuple[pd.DataFrame, dict[float, str]]:
    """Return the rows with a column for each day of a measure. Raise FileError if its unit changes."""
    if (n_units := records["unit"].nunique()) > 1:
        fix = "convert the values to one unit in the database, or name a set with one unit"
        raise FileError("cohort definition", Problem(f"visits.{name}", f"has {n_units} units: it changes", fix))
    columns = {float(day): f"{name}_{day}".replace("-", "m") for day in measure.at}
    wide = records.pivot(index="person_id", columns="target", values="value")
    nobody = [str(day) for day in measure.at if day not in wide]
    if nobody:
        fix = f"leave the day out, or widen within: {measure.within}"
        raise FileError("cohort definition", Problem(f"visits.{name}", f"no record near day {', '.join(nobody)}", fix))
    made = {column: frame["person_id"].map(wide[int(day)]).astype(float) for day, column in columns.items()}
    return frame.assign(**made), columns


def _after_death(database: Database, sql: CohortSql, name: str, measure: Measure) -> list[str]:
    late = int(database.frame(sql.after_death(measure))["records"].iloc[0])
    return [f"{name}: {counted(late, 'record')} after death not read."] if late else []


def _roles(definition: Definition, frame: pd.DataFrame) -> dict[str, Any]:
    endpoints: dict[str, tuple] = {}
    for name, endpoint in definition.endpoints.items():
        columns = (f"{name}_time", f"{name}_event")
        endpoints[name] = (*columns, {1: name, 2: "death"}) if endpoint.competing else columns
    arm = "arm" if "arm" in frame and frame["arm"].nunique() > 1 else None
    return {"endpoints": endpoints, "arm": arm, "id": "person_id", "costs": list(definition.costs), "unit": "day"}
