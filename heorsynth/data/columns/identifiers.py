"""Columns that tell patients apart: known by name, by values that are all different, or by row numbers."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
from pandas.api import types

PERSON_WORDS = {
    "id", "ids", "uid", "uuid", "guid", "patient", "patients", "pat", "patientid", "patid", "patnr", "subject", "subj",
    "subjid", "subjectid", "usubjid", "pid", "mrn", "nhs", "ssn", "person", "personid", "participant", "participantid",
    "member", "memberid", "enrolid", "respondent", "caseid", "record", "recordid", "studyid", "rowid",
}  # fmt: skip
"""Each of these alone names a person."""

ROW_WORDS = {"record", "recordid", "rowid"}
"""These number the rows as often as the persons."""

PERSONAL = PERSON_WORDS - ROW_WORDS - {"id", "ids", "uid", "uuid", "guid", "caseid"}
"""A name with one of these speaks of persons even beside another id that is unique."""

BESIDE_WORDS = {"no", "nr", "num", "number", "code", "key", "unique", "study", "case", "identifier", "index",
                "screening", "hospital", "anon", "pseudo", "pseudonym"}  # fmt: skip
"""These name a person only beside one of `PERSON_WORDS`, as in patient_no."""

ROW_NAMES = re.compile(r"unnamed.*|row|rows|rowname|rownames|row_?(no|nr|num|number|id)|index|x", re.IGNORECASE)
"""How programs name the row numbers that they write as a column."""

DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([T ].*)?|\d{1,2}[- ]?[A-Za-z]{3}[- ]?\d{2,4}")
"""A date as text: 2024-01-31, 31/1/2024, 31JAN2024."""

MEASURED = {"age", "year", "years", "month", "months", "week", "weeks", "day", "days", "time", "cost", "costs", "score",
            "weight", "height", "count", "dose", "visits"}  # fmt: skip
"""A name with one of these says what was measured: its whole numbers may stand one apart by chance."""

FEW = 10
"""With fewer rows than this nothing is said of evenness."""


def words_of(name: str) -> list[str]:
    """The words of a column name in lower case: patientID and patient_id are patient, id."""
    parts = re.split(r"[^a-z0-9]+", re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower())
    return [part for part in parts if part]


def names_a_person(name: str) -> bool:
    """True where a name says that the column tells persons apart: all its words do, or go with one that does.

    Examples
    --------
    >>> [names_a_person(name) for name in ("Patient_No", "USUBJID", "site_id", "patient_age")]
    [True, True, False, False]
    """
    words = words_of(name)
    return bool(set(words) & PERSON_WORDS) and set(words) <= PERSON_WORDS | BESIDE_WORDS


def why_identifying(column: pd.Series) -> str:
    """Why a column looks as if it told patients apart, in words without a value; "" where it does not.

    Three rules, asked of columns of text or of whole numbers; a measurement with decimals is never one:
    the name is a person's (`names_a_person`) and all values differ; or the name is that of row numbers
    (`ROW_NAMES`) and they only rise; or all values are whole numbers one apart, in any order, and the name says
    no measurement (`MEASURED`).
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
        return "named like row numbers, and rising from row to row"
    if (
        len(known) >= FEW
        and not MEASURED & set(words_of(name))
        and float(known.max()) - float(known.min()) == len(known) - 1
    ):
        return "whole numbers one apart, each once: row numbers, or numbers of patients"
    return ""


def looks_like_dates(column: pd.Series) -> bool:
    """True for a column of dates or time spans, or of text in which every known value is a date (see `DATE`)."""
    if types.is_datetime64_any_dtype(column) or types.is_timedelta64_dtype(column):
        return True
    known = column.dropna()
    if known.empty or types.is_numeric_dtype(known) or types.is_bool_dtype(known):
        return False
    return all(DATE.fullmatch(text.strip()) for text in known.astype(str).unique())


def _has_fractions(column: pd.Series) -> bool:
    """True for a column of floats of which one is no whole number: asked first, since it costs least."""
    return column.dtype == np.float64 and bool((column.to_numpy() % 1 > 0).any())


def _countable(known: pd.Series) -> bool:
    """True for text and for whole numbers, also where missing values made them floats."""
    if types.is_bool_dtype(known) or types.is_datetime64_any_dtype(known) or types.is_timedelta64_dtype(known):
        return False
    if not types.is_numeric_dtype(known):
        return True
    return not types.is_complex_dtype(known) and bool(np.all(np.mod(known.to_numpy(float), 1) == 0))


def n_persons(column: pd.Series) -> int:
    """How many persons stand behind the rows, by a column named like a person's whose values repeat; 0 if by none.

    A column with few values for its rows (at most 30, and fewer than a quarter of the rows) is a group, whatever
    its name.
    """
    return persons_behind(int(column.nunique()), int(column.count())) if may_count_persons(column) else 0


def has_unique_id(frame: pd.DataFrame) -> bool:
    """True where a column named like a person's id differs in every row, so that a row is a person."""
    return any(
        names_a_person(str(name))
        and not set(words_of(str(name))) & ROW_WORDS
        and bool(frame[name].notna().all() and frame[name].is_unique)
        for name in frame.columns
    )


def may_count_persons(column: pd.Series) -> bool:
    """True for a column of text or whole numbers that is named like a person's."""
    return names_a_person(str(column.name)) and _countable(column.dropna())


def persons_behind(found: int, known: int) -> int:
    """How many persons stand behind so many known values of which so many are different; 0 if the values tell none."""
    repeated = 2 <= found < known
    return found if repeated and (found > 30 or 4 * found >= known) else 0


def repeats_evenly(column: pd.Series) -> bool:
    """True where every value stands in equally many rows, as patients do in a table of visits, whatever the name.

    It is a reason to ask, not to refuse: matched pairs and balanced sites look the same.
    """
    if _has_fractions(column):
        return False
    known = column.dropna()
    if len(known) < 2 * FEW or not _countable(known) or types.is_bool_dtype(known):
        return False
    counts = known.value_counts()
    return bool(counts.min() == counts.max() and counts.max() > 1 and len(counts) >= max(2 * FEW, len(known) // 20))
