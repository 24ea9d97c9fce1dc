"""Detect numbers that are not measurements: codes, dates, and sentinels for unknown values."""

from __future__ import annotations

import numpy as np
import pandas as pd
from pandas.api import types

from heorsynth.core.numbers import WHOLE_FLOATS
from heorsynth.data.columns.identifiers import MEASURED, words_of
from heorsynth.data.columns.levels import SMALL_COUNT

_FEW_VALUES = 20
"""Only columns with at most this many different numbers are checked for a sentinel or a rare number."""

_MOST_COMMON = 0.9
"""A rare number is reported if at least this share of patients has a value with `SMALL_COUNT` or more patients."""

LEAST_CODES, REPEATS, DENSITY = 10, 3, 0.25
"""Whole numbers are codes if there are at least `LEAST_CODES` different values with on average `REPEATS` rows each,
and the middle half of the patients uses at most the share `DENSITY` of the whole numbers in its range."""

LEAST_DAY, MOST_DATES = 19000101, 0.9
_WRITTEN = {
    "YYYYMMDD": ("%Y%m%d", LEAST_DAY, 21001231),
    "YYYYMM": ("%Y%m", 190001, 210012),
    "YYYYDDD": ("%Y%j", 1900001, 2100366),
    "DDMMYYYY": ("%d%m%Y", 1011900, 31122100),
    "MMDDYYYY": ("%m%d%Y", 1011900, 12312100),
    "YYMMDD": ("%y%m%d", 10101, 991231),
}
"""Whole-number date formats, each with its smallest and largest number. Except for the first, a format needs at
least `LEAST_CODES` different values."""

_SPELT = ("%d-%m-%Y", "%m-%d-%Y", "%d-%b-%Y", "%d%b%Y", "%Y-%m-%d")
"""Text formats of dates, after points, slashes and blanks were replaced by dashes."""

_HEAPED = 0.4
"""If a larger share of the different values are multiples of five, the values are rounded measurements."""

CODE_WORDS = {"atc", "center", "centre", "clinic", "code", "codes", "country", "county", "cpt", "diagnosis", "district",
              "drg", "dx", "fips", "hospital", "icd", "icd9", "icd10", "inst", "institution", "ndc", "npi", "physician",
              "plz", "postal", "postcode", "practice", "provider", "region", "siteid", "site", "snomed", "ward", "zip",
              "zipcode"}  # fmt: skip
"""A column of whole numbers with one of these words in its name holds codes."""


def looks_like_codes(column: pd.Series) -> bool:
    """Return True if whole numbers are codes: by the column's name, or because they repeat and leave gaps.

    Notes
    -----
    Counts and ages use nearly every whole number in the middle of their range; numbers of sites or diagnoses do not.
    If each value has at least `SMALL_COUNT` patients, no rule is needed: generators then keep the values as they are.
    """
    if not is_number(column) or types.is_complex_dtype(column):
        return False
    known = column.dropna().to_numpy(float)
    if len(known) < SMALL_COUNT or not _are_whole(known[:SMALL_COUNT]) or not _are_whole(known):
        return False
    words = set(words_of(str(column.name)))
    values, counts = np.unique(known, return_counts=True)
    if words & MEASURED or len(values) < 3 or counts.min() >= SMALL_COUNT:
        return False
    if words & CODE_WORDS:
        return True
    heaped = np.mean(values % 5 == 0) > _HEAPED
    if heaped or len(values) < LEAST_CODES or len(known) < REPEATS * len(values):
        return False
    low, high = np.quantile(known, [0.25, 0.75], method="nearest")
    step = float(np.gcd.reduce(np.diff(values).astype(np.int64)))
    used = int(((values >= low) & (values <= high)).sum())
    return used <= DENSITY * ((high - low) / step + 1)


def has_likely_sentinel(column: pd.Series) -> bool:
    """Return True if a rare whole number lies further from the others than the others lie from each other.

    Such a number, for example 9, 99 or -9, is probably a code for unknown. A generator that treated it as a quantity
    would fill the gap with values that no patient has. Most patients must share their value with others: the few values
    of a small cohort may be measurements, and one of them is always the largest.
    """
    if not is_number(column) or types.is_complex_dtype(column):
        return False
    values, counts = np.unique(column.dropna().to_numpy(float), return_counts=True)
    if not 3 <= len(values) <= _FEW_VALUES or not _are_whole(values):
        return False
    if 2 * counts[counts >= SMALL_COUNT].sum() < counts.sum():
        return False
    ends = ((counts[-1], values[-1] - values[-2], values[-2] - values[0]),
            (counts[0], values[1] - values[0], values[-1] - values[1]))  # fmt: skip
    return any(count < SMALL_COUNT and gap > max(1, rest) for count, gap, rest in ends)


def has_rare_number(column: pd.Series) -> bool:
    """Return True if a column of few numbers has a rare one that is isolated from its neighbours.

    An example is a dose of 12.5 for four patients among doses of 5, 10, 20 and 40. A generator does not keep a rare
    value exactly. It draws numbers near it, which may not be real doses. Counts are not reported, because their
    neighbours are valid values too.

    Examples
    --------
    >>> doses = pd.Series([5.0] * 40 + [10.0] * 40 + [20.0] * 40 + [12.5] * 4)
    >>> has_rare_number(doses), has_rare_number(pd.Series([0] * 40 + [1] * 40 + [2] * 4))
    (True, False)
    """
    if not is_number(column) or types.is_complex_dtype(column):
        return False
    known = column.dropna().to_numpy(float)
    values, counts = np.unique(known, return_counts=True)
    rare = counts < SMALL_COUNT
    if not 3 <= len(values) <= _FEW_VALUES or not rare.any() or counts[rare].sum() > (1 - _MOST_COMMON) * len(known):
        return False
    step = 1.0 if _are_whole(values) else 0.1
    apart = np.minimum(np.diff(values, prepend=-np.inf), np.diff(values, append=np.inf))
    return bool((apart[rare] > step * (1 + 1e-9)).any())


def whole_dates(column: pd.Series) -> str:
    """Return the format of dates stored as whole numbers, such as YYYYMMDD; "" if the column does not hold dates.

    Nine in ten known values must be dates from 1900 to 2100 in one format of `_WRITTEN`; the rest may mean unknown.
    """
    if not is_number(column) or types.is_complex_dtype(column):
        return ""
    known = column.dropna().to_numpy(float)
    if len(known) < 2 or not _are_whole(known[:SMALL_COUNT]) or not _are_whole(known):
        return ""
    return next((name for name, (form, low, high) in _WRITTEN.items() if _are_dates(known, form, low, high)), "")


def as_dates(column: pd.Series) -> pd.Series:
    """Return a column as dates. Values that are not dates are missing; if day and month are ambiguous, all are.

    Whole numbers are read as YYYYMMDD. Text is read as ISO 8601, without the time of day, or in a format of `_SPELT`.
    """
    if types.is_datetime64_any_dtype(column):
        return column.dt.tz_localize(None)
    if is_number(column):
        known = column.dropna().to_numpy(float)
        text = (
            column.astype("Float64").astype("Int64").astype("string") if _are_whole(known) else column.astype("string")
        )
        return pd.to_datetime(text.where(text.str.len() == 8), format="%Y%m%d", errors="coerce")
    text = column.astype("string").str.strip()
    iso = text.str.extract(r"^(\d{4}-\d{2}-\d{2})(?:[T ].*)?$", expand=False)
    if (iso.notna() | text.isna()).all():
        return pd.to_datetime(iso, format="%Y-%m-%d", errors="coerce")
    plain = text.str.replace(r"[/. ]", "-", regex=True)
    read = [pd.to_datetime(plain, format=form, errors="coerce") for form in _SPELT]
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


def _are_whole(known: np.ndarray) -> bool:
    """Return True if all are whole numbers that a float represents exactly."""
    return bool(np.all(np.abs(known) < WHOLE_FLOATS) and np.all(known == np.floor(known)))


def is_number(column: pd.Series) -> bool:
    """Return True for a numeric column that is not boolean."""
    return bool(types.is_numeric_dtype(column) and not types.is_bool_dtype(column))
