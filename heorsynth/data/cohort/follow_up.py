"""Advice for follow-up times that are missing for patients without the event, and for follow-up times of 0."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from pandas.api import types

from heorsynth.data.columns.identifiers import words_of
from heorsynth.data.visits.units import TIME_UNITS

_LAST_SEEN = {"last", "follow", "followup", "fu", "futime", "contact", "alive", "censor", "censored", "censoring",
             "lastfu", "observed", "visit"}  # fmt: skip
"""A column with one of these words in its name may hold the follow-up of patients without the event."""

_HALF_A_DAY = 0.5
_NOISE = 1e-8
"""Times that differ by a smaller share are one time: a date difference over 365.25 is not exact."""


def last_seen_columns(frame: pd.DataFrame, time: str, gaps: np.ndarray, besides: Sequence[str] = ()) -> list[str]:
    """Return numeric columns named like a last follow-up that are known where `time` is missing (`gaps`, bool (n,))."""
    return [
        str(name)
        for name in frame.columns
        if name not in (time, *besides)
        and set(words_of(str(name))) & _LAST_SEEN
        and types.is_numeric_dtype(frame[name])
        and frame[name][gaps].notna().mean() > 0.5
        and not (frame[name] < 0).any()
    ]


def known_for_events_only(time: np.ndarray, event: np.ndarray) -> bool:
    """Return True if times are missing mostly for patients without the event, as in a column "days to death".

    Examples
    --------
    >>> known_for_events_only(np.array([5, np.nan, 7, np.nan]), np.array([1, 0, 1, 0]))
    True
    """
    gaps = np.isnan(time)
    return bool(gaps.any() and (event[gaps] == 0).mean() >= 0.9 and gaps[event == 0].mean() >= 0.5)


def combine_advice(frame: pd.DataFrame, time: str, event: np.ndarray, besides: Sequence[str] = ()) -> str:
    """Return how to build one follow-up from a time known for events only, and the loss if those rows are dropped."""
    gaps = np.isnan(pd.to_numeric(frame[time], errors="coerce").to_numpy(float, na_value=np.nan))
    last = last_seen_columns(frame, time, gaps, besides)
    other = last[0] if last else "last_follow_up"
    where = f"probably in {' or '.join(last[:3])}" if last else "find their last follow-up"
    lost, censored = int((gaps & (event == 0)).sum()), int((event == 0).sum())
    return (
        f"combine it with the last follow-up of patients without the event ({where}): "
        f"frame['time'] = frame[{time!r}].fillna(frame[{other!r}]); "
        f"frame['event'] = frame[{time!r}].notna().astype(int); "
        f"dropping the rows would lose {lost} of {censored} patients without the event and make survival look far worse"
    )


def zero_advice(time: np.ndarray, event: np.ndarray, unit: str) -> str:
    """Return the advice to count follow-up of 0 as half a unit or half a day, and the effect of dropping those rows."""
    half = _half_a_unit(time, unit)
    counted = np.where(time <= 0, half, time)
    landmark = float(np.median(counted[counted > half])) if (counted > half).any() else half
    kept, without = _survival_at(counted, event, landmark), _survival_at(time[time > 0], event[time > 0], landmark)
    return (
        f"count them as {half:.2g} {unit}s: an event on the first day is an event; "
        f"dropping the rows instead would change the survival at {landmark:.3g} {unit}s "
        f"from {kept:.3f} to {without:.3f}"
    )


def _half_a_unit(time: np.ndarray, unit: str) -> float:
    """Return half a time unit if all times are whole numbers, else half a day.

    Examples
    --------
    >>> _half_a_unit(np.array([0, 3, 12.0]), "month"), round(_half_a_unit(np.array([0, 3.5]), "year"), 5)
    (0.5, 0.00137)
    """
    known = time[np.isfinite(time)]
    return 0.5 if bool(np.all(known == np.floor(known))) else _HALF_A_DAY / TIME_UNITS[unit]


def _survival_at(time: np.ndarray, event: np.ndarray, at: float) -> float:
    """Return the Kaplan-Meier survival at one time, with any cause counted as the event. For use in a message.

    Notes
    -----
    Findings use `estimators.survival`, which joins times that differ by rounding alone. Here that is needed at `at`
    only: events that rounding tells apart give the same product, as (1 - 1/n)(1 - 1/(n - 1)) is 1 - 2/n, and c people
    who are censored a last digit before d events change it by less than cd/(n - c)², n being those at risk.

    Examples
    --------
    >>> _survival_at(np.array([1, 2, 3, 4]), np.array([1, 0, 1, 0]), 3)
    0.375
    >>> _survival_at(np.array([0.3, 0.1 + 0.2, 0.7, 0.9]), np.array([1, 1, 1, 1]), 0.3)
    0.5
    """
    known = np.isfinite(time)
    time, happened = time[known], event[known] > 0
    steps = np.unique(time[happened & (time <= at * (1 + _NOISE))])
    factors = [1 - (happened & (time == step)).sum() / (time >= step).sum() for step in steps]
    return float(np.prod(factors)) if factors else 1.0
