"""Guesses what the columns of a new file are for, from their names and kinds. A guess is shown, never hidden."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd
from pandas.api import types

from heorsynth.data.schema import TIME_UNITS

TIME_WORDS = {
    "time",
    "t",
    "days",
    "months",
    "years",
    "duration",
    "futime",
    "followup",
    "survtime",
    "os",
    "pfs",
    "dfs",
    "time_to_event",
    "tte",
    "aval",
    "week",
    "lenfol",
}
EVENT_WORDS = {
    "event",
    "status",
    "death",
    "dead",
    "died",
    "fustat",
    "cens",
    "censored",
    "outcome",
    "cnsr",
    "relapse",
    "arrest",
    "fstat",
}
ARM_WORDS = {"arm", "trt", "treatment", "treat", "group", "rx", "trt01p", "trtp", "horth", "therapy", "intervention"}
COST_WORDS = {"cost", "costs", "charge", "charges", "expenditure", "meddol", "price", "spend", "spending"}
UTILITY_WORDS = {"qaly", "qalys", "utility", "utilities", "eq5d", "hrqol", "eq"}
ID_WORDS = {"id", "patient", "patientid", "subject", "subjid", "usubjid", "pid", "mrn", "nhs", "record"}
GROUP_WORDS = {
    "sex",
    "gender",
    "race",
    "ethnicity",
    "ethnic",
    "female",
    "male",
    "black",
    "region",
    "country",
    "stage",
    "site",
}

MAX_ARMS = 2
MAX_GROUP_LEVELS = 8


@dataclass(frozen=True)
class Guess:
    """One guessed role: which column or columns, and the reason, in words without any value."""

    role: str
    columns: tuple[str, ...]
    reason: str


def _words(name: str) -> set[str]:
    parts = re.split(r"[^a-z0-9]+", re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower())
    return {*parts, "".join(parts), "_".join(parts)} - {""}


def _named(frame: pd.DataFrame, words: set[str]) -> list[str]:
    return [str(name) for name in frame.columns if _words(str(name)) & words]


def guess_roles(frame: pd.DataFrame) -> list[Guess]:
    """The guessed roles of a frame's columns; each column in at most one.

    Only names, types and numbers of levels are looked at and told, never a value.
    """
    left = frame.copy(deep=False)
    found: list[Guess] = []

    def take(role: str, columns: list[str], reason: str) -> None:
        if columns:
            found.append(Guess(role, tuple(columns), reason))
            left.drop(columns=columns, inplace=True)

    take("id", [name for name in _named(left, ID_WORDS) if left[name].is_unique][:1], "named like an id, all different")
    pair = _endpoint(left)
    if pair is not None:
        take("endpoint", list(pair), "a positive number named like a time, and a small code named like an event")
    take(
        "arm",
        [name for name in _named(left, ARM_WORDS) if left[name].nunique() == MAX_ARMS][:1],
        "named like an arm, two levels",
    )
    take(
        "costs",
        [name for name in _named(left, COST_WORDS) if types.is_numeric_dtype(left[name])],
        "a number named like a cost",
    )
    take(
        "utilities",
        [name for name in _named(left, UTILITY_WORDS) if types.is_numeric_dtype(left[name])],
        "a number named like a utility",
    )
    take(
        "subgroups",
        [name for name in _named(left, GROUP_WORDS) if _is_group(left[name])],
        f"named like a subgroup, 2 to {MAX_GROUP_LEVELS} levels of at least 2 patients",
    )
    return found


def _is_group(column: pd.Series) -> bool:
    counts = column.value_counts()
    return 2 <= len(counts) <= MAX_GROUP_LEVELS and int(counts.min()) >= 2


def _endpoint(frame: pd.DataFrame) -> tuple[str, str] | None:
    times = [name for name in _named(frame, TIME_WORDS) if _is_duration(frame[name])]
    events = [name for name in _named(frame, EVENT_WORDS) if _is_code(frame[name])]
    return next(((time, event) for time in times for event in events if time != event), None)


def _is_duration(column: pd.Series) -> bool:
    if not types.is_numeric_dtype(column) or types.is_bool_dtype(column):
        return False
    return bool((column > 0).all()) and column.nunique() > 5


def _is_code(column: pd.Series) -> bool:
    known = column.dropna()
    if known.empty or known.nunique() > 4:
        return False
    if types.is_bool_dtype(known) or not types.is_numeric_dtype(known):
        return known.nunique() >= 2
    return bool(np.all(known == np.floor(known))) and float(known.max()) <= 9


def guess_unit(columns: tuple[str, ...]) -> str:
    """The unit of time that the first of these columns names; day if none does."""
    words = _words(columns[0]) if columns else set()
    return next((unit for unit in TIME_UNITS if words & {unit, f"{unit}s"}), "day")


def guess_currency(columns: tuple[str, ...]) -> str:
    """The currency that one of these columns names, or "" if none does."""
    words = set().union(*(_words(name) for name in columns))
    return next((code for code in ("EUR", "USD", "GBP", "CHF", "CAD", "AUD", "JPY") if code.lower() in words), "")
