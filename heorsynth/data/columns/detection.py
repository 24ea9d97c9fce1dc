"""What numbers stand for where they measure nothing: codes, dates, and marks for unknown."""

from __future__ import annotations

import numpy as np
import pandas as pd
from pandas.api import types

from heorsynth.core.numbers import WHOLE_FLOATS
from heorsynth.data.columns.identifiers import MEASURED, words_of
from heorsynth.data.columns.levels import SMALL_COUNT

FEW_VALUES = 20
"""A column of more different numbers than this is not asked whether one of them stands for unknown."""

MOST_COMMON = 0.9
"""So many patients have a value that `SMALL_COUNT` share, where a rare value between them is told."""

LEAST_CODES, REPEATS, DENSITY = 10, 3, 0.25
"""Whole numbers are codes if there are so many different ones, each in so many rows on average, and the middle half
of the patients uses no larger share of the whole numbers between its ends."""

LEAST_DAY, MOST_DATES = 19000101, 0.9
WRITTEN = {
    "YYYYMMDD": ("%Y%m%d", LEAST_DAY, 21001231),
    "YYYYMM": ("%Y%m", 190001, 210012),
    "YYYYDDD": ("%Y%j", 1900001, 2100366),
    "DDMMYYYY": ("%d%m%Y", 1011900, 31122100),
    "MMDDYYYY": ("%m%d%Y", 1011900, 12312100),
    "YYMMDD": ("%y%m%d", 10101, 991231),
}
"""How dates are written as whole numbers, and between which numbers. All but the first need several different ones."""

SPELT = ("%d-%m-%Y", "%m-%d-%Y", "%d-%b-%Y", "%d%b%Y", "%Y-%m-%d")
"""Dates as text, once points, slashes and blanks are dashes."""

HEAPED = 0.4
"""Where more of the different values than this are multiples of five, people rounded what they measured."""

CODE_WORDS = {"atc", "center", "centre", "clinic", "code", "codes", "country", "county", "cpt", "diagnosis", "district",
              "drg", "dx", "fips", "hospital", "icd", "icd9", "icd10", "inst", "institution", "ndc", "npi", "physician",
              "plz", "postal", "postcode", "practice", "provider", "region", "siteid", "site", "snomed", "ward", "zip",
              "zipcode"}  # fmt: skip
"""A column of whole numbers whose name has one of these words holds codes."""


def looks_like_codes(column: pd.Series) -> bool:
    """True for whole numbers that name something: by the column's name, or because they repeat and leave gaps.

    Notes
    -----
    Counts and ages use every whole number where most patients are; numbers of sites or diagnoses do not. A column in
    which every value is shared by `SMALL_COUNT` or more needs no rule: its values are kept one by one.
    """
    if not is_number(column) or types.is_complex_dtype(column):
        return False
    known = column.dropna().to_numpy(float)
    if len(known) < SMALL_COUNT or not are_whole(known[:SMALL_COUNT]) or not are_whole(known):
        return False
    words = set(words_of(str(column.name)))
    values, counts = np.unique(known, return_counts=True)
    if words & MEASURED or len(values) < 3 or counts.min() >= SMALL_COUNT:
        return False
    if words & CODE_WORDS:
        return True
    heaped = np.mean(values % 5 == 0) > HEAPED
    if heaped or len(values) < LEAST_CODES or len(known) < REPEATS * len(values):
        return False
    low, high = np.quantile(known, [0.25, 0.75], method="nearest")
    step = float(np.gcd.reduce(np.diff(values).astype(np.int64)))
    used = int(((values >= low) & (values <= high)).sum())
    return used <= DENSITY * ((high - low) / step + 1)


def stands_apart(column: pd.Series) -> bool:
    """True for a few different whole numbers of which a rare one lies farther off than all others lie from each other.

    Such are 9, 99 or -9 for unknown. Smoothed as a number, it would fill the gap with values that nobody has.
    """
    if not is_number(column) or types.is_complex_dtype(column):
        return False
    values, counts = np.unique(column.dropna().to_numpy(float), return_counts=True)
    if not 3 <= len(values) <= FEW_VALUES or not are_whole(values):
        return False
    ends = ((counts[-1], values[-1] - values[-2], values[-2] - values[0]),
            (counts[0], values[1] - values[0], values[-1] - values[1]))  # fmt: skip
    return any(count < SMALL_COUNT and gap > max(1, rest) for count, gap, rest in ends)


def rare_between(column: pd.Series) -> bool:
    """True for a few numbers, common to nine in ten patients, with a rare one that the column's step leaves alone.

    Such is a dose of 12.5 that four patients have among doses of 5, 10, 20 and 40. A rare value is not kept as it is,
    so a generator draws numbers near it, which may be no dose at all. Counts, whose neighbours are values too, are
    not meant.

    Examples
    --------
    >>> doses = pd.Series([5.0] * 40 + [10.0] * 40 + [20.0] * 40 + [12.5] * 4)
    >>> rare_between(doses), rare_between(pd.Series([0] * 40 + [1] * 40 + [2] * 4))
    (True, False)
    """
    if not is_number(column) or types.is_complex_dtype(column):
        return False
    known = column.dropna().to_numpy(float)
    values, counts = np.unique(known, return_counts=True)
    rare = counts < SMALL_COUNT
    if not 3 <= len(values) <= FEW_VALUES or not rare.any() or counts[rare].sum() > (1 - MOST_COMMON) * len(known):
        return False
    step = 1.0 if are_whole(values) else 0.1
    apart = np.minimum(np.diff(values, prepend=-np.inf), np.diff(values, append=np.inf))
    return bool((apart[rare] > step * (1 + 1e-9)).any())


def whole_dates(column: pd.Series) -> str:
    """How whole numbers that are dates are written, such as YYYYMMDD; "" where they are none.

    Nine in ten of the known values must be dates from 1900 to 2100 in one of `WRITTEN`: some may stand for unknown.
    """
    if not is_number(column) or types.is_complex_dtype(column):
        return ""
    known = column.dropna().to_numpy(float)
    if len(known) < 2 or not are_whole(known[:SMALL_COUNT]) or not are_whole(known):
        return ""
    return next((name for name, (form, low, high) in WRITTEN.items() if _are_dates(known, form, low, high)), "")


def as_dates(column: pd.Series) -> pd.Series:
    """A column as dates; missing where a value is none, and everywhere if day and month may be either way round.

    Whole numbers are YYYYMMDD. Text is ISO 8601, of which the date counts and no time of day, or in one of `SPELT`.
    """
    if types.is_datetime64_any_dtype(column):
        return column.dt.tz_localize(None)
    if is_number(column):
        known = column.dropna().to_numpy(float)
        text = (
            column.astype("Float64").astype("Int64").astype("string") if are_whole(known) else column.astype("string")
        )
        return pd.to_datetime(text.where(text.str.len() == 8), format="%Y%m%d", errors="coerce")
    text = column.astype("string").str.strip()
    iso = text.str.extract(r"^(\d{4}-\d{2}-\d{2})(?:[T ].*)?$", expand=False)
    if (iso.notna() | text.isna()).all():
        return pd.to_datetime(iso, format="%Y-%m-%d", errors="coerce")
    plain = text.str.replace(r"[/. ]", "-", regex=True)
    read = [pd.to_datetime(plain, format=form, errors="coerce") for form in SPELT]
    whole = [dates for dates in read if dates.notna().sum() == text.notna().sum()]
    clear = len(whole) == 1 or all(dates.equals(whole[0]) for dates in whole[1:])
    return whole[0] if whole and clear else pd.Series(pd.NaT, index=column.index)


def _are_dates(known: np.ndarray, form: str, low: int, high: int) -> bool:
    within = known[(known >= low) & (known <= high)]
    if len(within) < MOST_DATES * len(known) or len(np.unique(within)) < (2 if low >= LEAST_DAY else LEAST_CODES):
        return False
    text = pd.Series(within.astype(np.int64).astype(str)).str.zfill(len(str(high)))
    dates = pd.to_datetime(text, format=form, errors="coerce")
    return int(dates.dt.year.between(1900, 2100).sum()) >= MOST_DATES * len(known)


def are_whole(known: np.ndarray) -> bool:
    """True for whole numbers, each of which a float tells from the next."""
    return bool(np.all(np.abs(known) < WHOLE_FLOATS) and np.all(known == np.floor(known)))


def is_number(column: pd.Series) -> bool:
    """True for a numeric column, truth values aside."""
    return bool(types.is_numeric_dtype(column) and not types.is_bool_dtype(column))
