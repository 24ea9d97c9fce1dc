"""The area under the values of visits, and the total of their amounts, of each patient, with discounting."""

from __future__ import annotations

import numpy as np

_SMALL = 1e-3
"""Below this discount over one interval a series is exact, where the closed form loses digits."""


def area_under(
    times: np.ndarray, values: np.ndarray, schedule: np.ndarray, death: np.ndarray, *, rate: float, years: float
) -> np.ndarray:
    """Return the discounted area (n,) under the line through the values of visits, in units of the values times years.

    Parameters
    ----------
    times : array (n, k)         when each visit took place, rising; NaN for a visit that did not
    values : array (n, k)        NaN where unknown
    schedule : array (k,)        when each visit was planned; the area is from the first to the last
    death : array (n,)           time of death; infinite for those not known to have died
    rate : float                 discount rate a year, 0.035 for 3.5%
    years : float                years in a unit of the times

    Returns
    -------
    array (n,)     NaN where the value of a visit that was planned up to death is unknown

    Notes
    -----
    The area is the integral of u(t) (1 + rate)^-t over t in years. u is linear between visits. It is the first value
    before the first visit, the last value from the last visit until death, and 0 after death. The integral is exact.

    References
    ----------
    Drummond, Sculpher, Claxton, Stoddart & Torrance (2015) Methods for the Economic Evaluation of Health Care
    Programmes, 4th ed., chapters 4 and 5. Hunter et al. (2015) PharmacoEconomics 33:355.

    Examples
    --------
    >>> visits, alive = np.array([[0, 6, 12.0]]), np.array([np.inf])
    >>> area_under(visits, np.array([[0.5, 0.7, 0.9]]), visits[0], alive, rate=0, years=1 / 12).round(3)
    array([0.7])
    >>> dead = np.array([9.0])
    >>> area_under(visits, np.array([[0.5, 0.7, np.nan]]), visits[0], dead, rate=0, years=1 / 12).round(3)
    array([0.475])
    """
    known = ~np.isnan(values)
    lacking = (~known & (schedule <= death[:, None])).any(axis=1)
    moment = np.where(known, np.where(np.isnan(times), schedule, times), np.nan)
    used = known & (moment <= death[:, None])
    first, last = schedule[0], np.minimum(schedule[-1], death)
    found, before_time, before_value = np.zeros(len(values)), np.full(len(values), first), np.full(len(values), np.nan)
    for visit in range(values.shape[1]):
        here, time, value = used[:, visit], moment[:, visit], values[:, visit]
        start = np.where(np.isnan(before_value), value, before_value)
        part = _segment(before_time, time, start, value, first, last, rate, years)
        found = found + np.where(here, part, 0.0)
        before_time, before_value = np.where(here, time, before_time), np.where(here, value, before_value)
    tail = _segment(before_time, np.maximum(last, before_time), before_value, before_value, first, last, rate, years)
    return np.asarray(np.where(lacking, np.nan, found + np.where(np.isnan(before_value), 0.0, tail)))


def _segment(
    start: np.ndarray,
    end: np.ndarray,
    at_start: np.ndarray,
    at_end: np.ndarray,
    first: float,
    last: np.ndarray,
    rate: float,
    years: float,
) -> np.ndarray:
    """Return the discounted area (n,) under a line, over the part of it between `first` and `last`."""
    low, high = np.clip(start, first, last), np.clip(end, first, last)
    length = np.where(end > start, end - start, 1.0)
    slope = (at_end - at_start) / length
    begin = at_start + slope * (low - start)
    width, force = (high - low) * years, np.log1p(rate)
    level, rise = _moments(width, force)
    return np.asarray(np.exp(-force * low * years) * (begin * level + slope / years * rise))


def _moments(width: np.ndarray, force: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the integrals of exp(-force t) and t exp(-force t) over t from 0 to the width (n,)."""
    x = force * width
    small = np.abs(x) < _SMALL
    safe = np.where(small, 1.0, x)
    level = np.where(small, 1 - x / 2 + x**2 / 6, -np.expm1(-safe) / safe)
    rise = np.where(small, 0.5 - x / 3 + x**2 / 8, (-np.expm1(-safe) - safe * np.exp(-safe)) / safe**2)
    return width * level, width**2 * rise


def total_of(values: np.ndarray, schedule: np.ndarray, death: np.ndarray, *, rate: float, years: float) -> np.ndarray:
    """Return the discounted total (n,) of the amounts of visits.

    Parameters
    ----------
    values : array (n, k)        the amount of the period that ends with each visit; NaN where unknown
    schedule, death, rate, years        see `area_under`

    Returns
    -------
    array (n,)     NaN where the amount of a visit that was planned up to death is unknown

    Notes
    -----
    Each amount counts (1 + rate)^-t at its planned time t in years. Of the period in which a patient dies, the amount
    counts if it is known; nothing counts after it.

    Examples
    --------
    >>> amounts = np.array([[100.0, 200.0], [100.0, np.nan], [100.0, np.nan]])
    >>> total_of(amounts, np.array([6.0, 12.0]), np.array([np.inf, 9.0, np.inf]), rate=0, years=1 / 12)
    array([300., 100.,  nan])
    """
    lacking = (np.isnan(values) & (schedule <= death[:, None])).any(axis=1)
    weights = (1 + rate) ** -(schedule * years)
    counted = np.where(np.isnan(values) | late(schedule, death, periods=True), 0.0, values)
    return np.asarray(np.where(lacking, np.nan, counted @ weights))


def late(schedule: np.ndarray, death: np.ndarray, *, periods: bool, times: np.ndarray | None = None) -> np.ndarray:
    """Return True (n, k) for visits after death.

    Parameters
    ----------
    periods : bool               each visit holds the amount of the period that ends with it: it is after death if the
                                 visit before it is
    times : array (n, k)         when visits took place, NaN where that is unknown; by default as planned

    Examples
    --------
    >>> late(np.array([0, 6, 12.0]), np.array([5.0]), periods=False)
    array([[False,  True,  True]])
    >>> late(np.array([0, 6, 12.0]), np.array([5.0]), periods=True)
    array([[False, False,  True]])
    """
    held = np.broadcast_to(schedule, (len(death), len(schedule)))
    if times is not None:
        held = np.where(np.isnan(times), held, times)
    if periods:
        held = np.column_stack([np.full(len(death), -np.inf), held[:, :-1]])
    return np.asarray(held > death[:, None])
