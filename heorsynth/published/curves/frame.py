"""The frame of curves: arm, time, survival; and what makes points a survival curve."""

from __future__ import annotations

import numpy as np
import pandas as pd

from heorsynth.core.errors import PaperError, Problem

COLUMNS = ("arm", "time", "survival")
_FEWEST_POINTS = 5
"""Fewer points do not draw a curve."""

_PERCENT = 1.5
"""Survival above this is in percent: a share is at most 1, and clicking errs by less."""

_OVER, _RISE, _BEFORE = 0.05, 0.10, 0.02
"""Clicking may put a point this far above 1, above an earlier point, and, as a share of the axis, before its time. So
the two ends of a step may change places, and only a rise over a longer time is one."""


def curve_frame(points: pd.DataFrame, subject: str) -> pd.DataFrame:
    """Return points as numbers, with survival as a share, each arm in the order of time.

    Points at the same time keep their order from high to low. Small errors of clicking are kept as they are:
    `reconstruct` cleans them.

    Raises
    ------
    PaperError      a point is not a number; survival is above 1 and not in percent, or negative; an arm has fewer than
                    five points, rises by more than 0.1, or begins before time 0
    """
    frame = points.astype({"arm": str}).reset_index(drop=True)
    marked = frame["survival"].astype(str).str.contains("%").any()
    for name in ("time", "survival"):
        frame[name] = pd.to_numeric(frame[name].astype(str).str.rstrip("% "), errors="coerce").astype(float)
    bad = int((~np.isfinite(frame[["time", "survival"]].to_numpy(float))).any(axis=1).sum())
    if bad:
        raise PaperError(
            subject, Problem("", f"{bad} of {len(frame)} points are not numbers", "correct or remove them")
        )
    if marked or frame["survival"].max() > _PERCENT:
        frame["survival"] = frame["survival"] / 100
    problems = [one for arm, part in frame.groupby("arm", sort=False) for one in _problems(str(arm), part)]
    if problems:
        raise PaperError(subject, problems)
    order = frame.assign(arm=pd.Categorical(frame["arm"], frame["arm"].unique()), falling=-frame["survival"])
    kept = order.sort_values(["arm", "time", "falling"], kind="stable").index
    return frame.loc[kept, list(COLUMNS)].reset_index(drop=True)


def _problems(arm: str, part: pd.DataFrame) -> list[Problem]:
    where = f"arm {arm!r}" if arm else ""
    if len(part) < _FEWEST_POINTS:
        return [Problem(where, f"{len(part)} points: a curve needs {_FEWEST_POINTS}", "click both ends of every step")]
    found: list[Problem] = []
    ordered = part.sort_values("time", kind="stable")
    time, survival = ordered["time"].to_numpy(float), ordered["survival"].to_numpy(float)
    lowest = np.concatenate([[np.inf], np.minimum.accumulate(survival)])
    earlier = lowest[np.searchsorted(time, time - _BEFORE * time[-1], side="right")]
    if survival.max() > 1 + _OVER:
        fix = "calibrate the axis again: survival is between 0 and 1, or 0 and 100 percent"
        found.append(Problem(where, f"survival of {survival.max():.3g}, above 1 and not in percent", fix))
    elif survival.min() < -_OVER:
        found.append(Problem(where, f"survival of {survival.min():.3g}, below 0", "calibrate the axis again"))
    elif (rise := float((survival - earlier).max())) > _RISE:
        fix = "remove the points of another curve; a curve of cumulative incidence is 1 - survival"
        found.append(Problem(where, f"the curve rises by {rise:.2f}", fix))
    if part["time"].min() < -_BEFORE * part["time"].max():
        found.append(Problem(where, "a point before time 0", "calibrate the axis again"))
    return found
