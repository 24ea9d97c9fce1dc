"""Frames of a published figure, checked against each other and cleaned: one `Arm` for each arm."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from pandas.api import types

from heorsynth.core.errors import CurveError, Problem, nearest
from heorsynth.published.reconstruction.arm import Arm
from heorsynth.published.reconstruction.facts import contradictions
from heorsynth.published.reconstruction.path import AXIS, HALF_PIXEL, clicked_path

_FEWEST_POINTS = 5
"""Points of a curve, at least."""

_ABOVE_ONE = 1 + 8 * HALF_PIXEL / AXIS[1]
"""The largest survival that a careless click at 1 can give."""

_PERCENT = (2.0, 102.0)
"""A curve whose largest survival lies between these is in percent."""

_ALLOWED_RISE = 6.0
"""Clicking errors that a point may lie above or below the monotone curve."""

_COLUMNS = {
    "curves": ("arm", "time", "survival"),
    "at_risk": ("arm", "time", "at_risk"),
    "totals": ("arm", "n", "events"),
}
"""The columns of each frame; events may be missing."""


class PercentSurvival(UserWarning):
    """The curves are in percent and were divided by 100."""


def arms_of(
    curves: pd.DataFrame,
    at_risk: pd.DataFrame | None = None,
    totals: pd.DataFrame | None = None,
    error: float | None = None,
) -> tuple[Arm, ...]:
    """Return the arms of a figure in the order of the curves.

    Parameters
    ----------
    curves, at_risk, totals    as in `reconstruct`
    error : float, optional    standard deviation of a click in pixels; estimated if None

    Raises
    ------
    CurveError    lists all problems at once

    Warns
    -----
    PercentSurvival    the curves are in percent
    """
    frames = {"curves": curves, "at_risk": at_risk, "totals": totals}
    given = {name: frame for name, frame in frames.items() if frame is not None}
    refuse([problem for name, frame in given.items() for problem in _columns(name, frame)])
    refuse([problem for name, frame in given.items() for problem in _values(name, frame)])
    curves, problems = _as_shares(curves)
    names = list(dict.fromkeys(curves["arm"].astype(str)))
    for name, frame in given.items():
        problems += _names(name, frame, names) if name != "curves" else []
    problems += [problem for name in names for problem in _few(name, _of(curves, name))]
    refuse(problems)
    width = float(curves["time"].max())
    arms: list[Arm] = []
    for name in names:
        arm, found = _arm(name, _of(curves, name), _of(at_risk, name), _of(totals, name), width, error)
        problems += found
        arms += [] if arm is None else [arm]
    refuse(problems)
    return tuple(arms)


def refuse(problems: Sequence[Problem]) -> None:
    """Raise CurveError if there is a problem."""
    if problems:
        raise CurveError("published curve", problems)


def _of(frame: pd.DataFrame | None, name: str) -> pd.DataFrame | None:
    return None if frame is None else frame[frame["arm"].astype(str) == name]


def _columns(name: str, frame: pd.DataFrame) -> Iterator[Problem]:
    for column in _COLUMNS[name]:
        if column not in frame.columns and column != "events":
            fix = nearest(column, map(str, frame.columns)) if len(frame.columns) else "give the columns"
            yield Problem(name, f"no column {column!r}", f"columns are {', '.join(_COLUMNS[name])}; {fix}")


def _values(name: str, frame: pd.DataFrame) -> Iterator[Problem]:
    if frame["arm"].isna().any():
        yield Problem(f"{name}, arm", f"{int(frame['arm'].isna().sum())} rows name no arm", "name the arm in every row")
    for column in _COLUMNS[name][1:]:
        if column not in frame.columns:
            continue
        held = frame[column]
        where = f"{name}, {column}"
        if not types.is_numeric_dtype(held) or types.is_bool_dtype(held):
            yield Problem(where, "not numbers", "read the column as numbers")
            continue
        values = held.to_numpy(float)
        unknown = ~np.isfinite(values) if column != "events" else np.isinf(values)
        if unknown.any():
            yield Problem(
                where, f"{int(unknown.sum())} of {len(values)} are missing", "drop those rows, or click again"
            )
        if (values < 0).any() and not (column == "survival" and values.min() > 1 - _ABOVE_ONE):
            yield Problem(
                where, f"{int((values < 0).sum())} of {len(values)} are negative", "check the axes of the figure"
            )
        if column in ("at_risk", "n", "events") and (values % 1)[np.isfinite(values)].any():
            yield Problem(where, "not whole numbers", "give numbers of patients")


def _as_shares(curves: pd.DataFrame) -> tuple[pd.DataFrame, list[Problem]]:
    """The curves with survival as a share. Percent is recognised by the largest value of all arms, and told."""
    top = float(curves["survival"].max())
    if top <= _ABOVE_ONE:
        return curves.assign(survival=curves["survival"].clip(0.0, 1.0)), []
    if _PERCENT[0] < top <= _PERCENT[1]:
        told = f"the largest survival is {top:.4g}: read as percent and divided by 100"
        warnings.warn(told, PercentSurvival, stacklevel=4)
        return curves.assign(survival=(curves["survival"] / 100).clip(0.0, 1.0)), []
    fix = "give survival between 0 and 1, or in percent"
    return curves, [Problem("curves, survival", f"the largest is {top:.4g}: neither a share nor percent", fix)]


def _names(name: str, frame: pd.DataFrame, arms: Sequence[str]) -> Iterator[Problem]:
    given = list(dict.fromkeys(frame["arm"].astype(str)))
    for one in given:
        if one not in arms:
            yield Problem(f"{name}, arm", f"{one!r} has no curve", f"{nearest(one, arms)}")


def _few(name: str, points: pd.DataFrame | None) -> Iterator[Problem]:
    n = 0 if points is None else len(points)
    if n < _FEWEST_POINTS:
        found = f"{n} points, at least {_FEWEST_POINTS} are needed"
        yield Problem(f"curves, arm {name!r}", found, "click both ends of each visible step")


def _arm(
    name: str,
    points: pd.DataFrame | None,
    at_risk: pd.DataFrame | None,
    totals: pd.DataFrame | None,
    width: float,
    error: float | None,
) -> tuple[Arm | None, list[Problem]]:
    assert points is not None
    if not width > 0:
        return None, [Problem("curves, time", "no time above 0", "check the axes of the figure")]
    clicks = points["time"].to_numpy(float), points["survival"].to_numpy(float), width
    curve = clicked_path(*clicks, error)
    if error is None and curve.largest_rise > _ALLOWED_RISE:
        curve = clicked_path(*clicks, HALF_PIXEL)  # many small steps hide most of the error from its estimate
    if curve.largest_rise > _ALLOWED_RISE:
        rise = float(np.max(np.abs(curve.clicked - curve.level)))
        found = (
            f"the curve rises: a point lies {rise:.3f} ({curve.largest_rise:.0f} clicking errors) off a falling curve"
        )
        fix = "check that the points are of one arm; give accuracy=… in pixels if they were clicked less carefully"
        return None, [Problem(f"curves, arm {name!r}", found, fix)]
    n, events, problems = _totals(name, totals)
    times, counts, found_counts = _numbers_at_risk(name, at_risk, n, curve.time[-1], 6 * curve.time_error)
    problems += found_counts
    if problems or times is None or counts is None:
        return None, problems
    arm = Arm(name, curve, times, counts, events)
    return arm, list(contradictions(arm))


def _totals(name: str, totals: pd.DataFrame | None) -> tuple[int | None, int | None, list[Problem]]:
    if totals is None or not len(totals):
        return None, None, []
    if len(totals) > 1:
        return None, None, [Problem(f"totals, arm {name!r}", f"{len(totals)} rows", "give one row for each arm")]
    row = totals.iloc[0]
    known = "events" in totals.columns and not pd.isna(row["events"])
    return int(row["n"]), int(row["events"]) if known else None, []


def _numbers_at_risk(
    name: str, frame: pd.DataFrame | None, n: int | None, end: float, slack: float
) -> tuple[np.ndarray | None, np.ndarray | None, list[Problem]]:
    """Times and numbers at risk from time 0 on; numbers of 0 at the end are left out."""
    where = f"at_risk, arm {name!r}"
    rows = pd.DataFrame({"time": [], "at_risk": []}) if frame is None else frame.sort_values("time", kind="stable")
    times, counts = rows["time"].to_numpy(float), rows["at_risk"].to_numpy(float).astype(np.int64)
    keep = np.append(True, (np.diff(times) > 0) | (np.diff(counts) != 0))[: len(times)]
    times, counts = times[keep], counts[keep]
    if len(times) and times[0] == 0:
        if n is not None and counts[0] != n:
            found = f"{counts[0]} at time 0, but the total is {n}"
            return None, None, [Problem(where, found, "correct the number at risk or the total")]
    elif n is not None:
        times, counts = np.append(0.0, times), np.append(n, counts)
    else:
        return None, None, [Problem(where, "no number of patients at time 0", "give it, or totals with n")]
    if (np.diff(counts) > 0).any() or (np.diff(times) == 0).any():
        place = int(np.argmax((np.diff(counts) > 0) | (np.diff(times) == 0)))
        found = f"rises from {counts[place]} to {counts[place + 1]} at time {times[place + 1]:g}"
        return None, None, [Problem(where, found, "check the row of the table under the figure")]
    if counts[0] < 2:
        return None, None, [Problem(where, f"{counts[0]} patients at time 0", "give the number of patients")]
    if (counts == 0).any():
        gone = float(times[counts == 0][0])
        if gone < end - slack:
            found = f"0 at time {gone:g}, but the curve goes on to {end:.4g}"
            return None, None, [Problem(where, found, "correct the number, or end the curve there")]
    return times[counts > 0], counts[counts > 0], []
