"""Detect columns that identify patients: by name, by unique values, or because they are row numbers."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
from pandas.api import types

_PERSON_WORDS = {
    "id", "ids", "uid", "uuid", "guid", "patient", "patients", "pat", "patientid", "patid", "patnr", "subject", "subj",
    "subjid", "subjectid", "usubjid", "pid", "mrn", "nhs", "ssn", "person", "personid", "participant", "participantid",
    "member", "memberid", "enrolid", "respondent", "caseid", "record", "recordid", "studyid", "rowid",
}  # fmt: skip
"""Each of these words alone names a person."""

_ROW_WORDS = {"record", "recordid", "rowid"}
"""Each of these words may number rows as well as persons."""

PERSONAL = _PERSON_WORDS - _ROW_WORDS - {"id", "ids", "uid", "uuid", "guid", "caseid"}
"""A column with one of these words in its name identifies persons, even if another id column is unique."""

_BESIDE_WORDS = {"no", "nr", "num", "number", "code", "key", "unique", "study", "case", "identifier", "index",
                "screening", "hospital", "anon", "pseudo", "pseudonym"}  # fmt: skip
"""Each of these words names a person only together with one of `_PERSON_WORDS`, as in patient_no."""

ROW_NAMES = re.compile(r"unnamed.*|row|rows|rowname|rownames|row_?(no|nr|num|number|id)|index|x", re.IGNORECASE)
"""Column names that programs give to row numbers."""

DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([T ].*)?|\d{1,2}[- ]?[A-Za-z]{3}[- ]?\d{2,4}")
"""A date as text: 2024-01-31, 31/1/2024, 31JAN2024."""

MEASURED = {"age", "year", "years", "month", "months", "week", "weeks", "day", "days", "time", "cost", "costs", "score",
            "weight", "height", "count", "dose", "visits"}  # fmt: skip
"""A column with one of these words in its name is a measurement: its whole numbers may be consecutive by chance."""

_FEW = 10
"""With fewer rows, the distribution of values is not judged."""


def words_of(name: str) -> list[str]:
    """Return the words of a column name in lower case: patientID and patient_id both give patient, id."""
    parts = re.split(r"[^a-z0-9]+", re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower())
    return [part for part in parts if part]


def names_a_person(name: str) -> bool:
    """Return True if a name says that the column identifies persons.

    Examples
    --------
    >>> [names_a_person(name) for name in ("Patient_No", "USUBJID", "site_id", "patient_age")]
    [True, True, False, False]
    """
    words = words_of(name)
    return bool(set(words) & _PERSON_WORDS) and set(words) <= _PERSON_WORDS | _BESIDE_WORDS


def identifying_reason(column: pd.Series) -> str:
    """Return why a column seems to identify patients, in words without a value; "" if it does not.

    There are three rules, for text and whole numbers only:

    1. The name is that of a person's id (`names_a_person`) and all values differ.
    2. The name is that of row numbers (`ROW_NAMES`) and the values increase.
    3. The values are consecutive whole numbers, in any order, and the name is not that of a measurement (`MEASURED`).
    """
    if _has_fractions(column):
        return ""
    known = column.dropna()
    if known.empty or known.duplicated().any() or not _countable(known):
        return ""
    name = str(column.name)
    if names_a_person(name):
        return "named like an id, and different for every patient"
    if not types.is_numeric_dtype(known):
        return ""
    rising = bool(known.is_monotonic_increasing)
    if ROW_NAMES.fullmatch(name) and rising:
        return "named like row numbers, and increasing from row to row"
    if (
        len(known) >= _FEW
        and not MEASURED & set(words_of(name))
        and float(known.max()) - float(known.min()) == len(known) - 1
    ):
        return "consecutive whole numbers without repeats: row numbers or patient numbers"
    return ""


def looks_like_dates(column: pd.Series) -> bool:
    """Return True for dates and time spans, and for text in which every known value matches `DATE`."""
    if types.is_datetime64_any_dtype(column) or types.is_timedelta64_dtype(column):
        return True
    if types.is_numeric_dtype(column) or types.is_bool_dtype(column):
        return False
    known = column.dropna().unique()
    return bool(len(known)) and all(DATE.fullmatch(str(value).strip()) for value in known)


def _has_fractions(column: pd.Series) -> bool:
    """Return True if a float column holds a number with decimals. This check comes first because it is cheap."""
    return column.dtype == np.float64 and bool((column.to_numpy() % 1 > 0).any())


def _countable(known: pd.Series) -> bool:
    """Return True for text and for whole numbers, also if missing values turned them into floats."""
    if types.is_bool_dtype(known) or types.is_datetime64_any_dtype(known) or types.is_timedelta64_dtype(known):
        return False
    if not types.is_numeric_dtype(known):
        return True
    return not types.is_complex_dtype(known) and bool(np.all(np.mod(known.to_numpy(float), 1) == 0))


def n_persons(column: pd.Series) -> int:
    """Return the number of persons in a column that is named like an id and repeats values; 0 for any other column.

    A column with few different values (at most 30, and less than a quarter of the rows) is a group, whatever its name.
    """
    return n_persons_from_counts(int(column.nunique()), int(column.count())) if is_id_like(column) else 0


def has_unique_id(frame: pd.DataFrame) -> bool:
    """Return True if a column named like a person's id differs in every row, so that each row is a person."""
    return any(
        names_a_person(str(name))
        and not set(words_of(str(name))) & _ROW_WORDS
        and bool(frame[name].notna().all() and frame[name].is_unique)
        for name in frame.columns
    )


def is_id_like(column: pd.Series) -> bool:
    """Return True for text or whole numbers in a column that is named like a person's id."""
    return names_a_person(str(column.name)) and _countable(column.dropna())


def n_persons_from_counts(distinct: int, known: int) -> int:
    """Return the number of persons, given the numbers of distinct and of known values; 0 if values do not repeat."""
    repeated = 2 <= distinct < known
    return distinct if repeated and (distinct > 30 or 4 * distinct >= known) else 0


def repeats_evenly(column: pd.Series) -> bool:
    """Return True if each value has the same number of rows, as patients do in a table of visits.

    This is a reason to ask the user and not to refuse: matched pairs and balanced sites look the same.
    """
    if _has_fractions(column):
        return False
    known = column.dropna()
    if len(known) < 2 * _FEW or not _countable(known) or types.is_bool_dtype(known):
        return False
    counts = known.value_counts()
    return bool(counts.min() == counts.max() and counts.max() > 1 and len(counts) >= max(2 * _FEW, len(known) // 20))
