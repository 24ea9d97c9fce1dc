"""Two reconstructed endpoints of the same patients joined, so that progression never comes after death."""

from __future__ import annotations

import numpy as np
import pandas as pd

from heorsynth.core.errors import CurveError, Problem, nearest
from heorsynth.core.random import check_seed, stream
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.schema import schema_of
from heorsynth.published.reconstruction.cohorts import ReconstructedCohorts
from heorsynth.published.reconstruction.reconstruct import labelled

_CLOSE = 0.01
"""Share of the follow-up by which reconstructed times of the two endpoints may differ and count as one time."""


_CLOSE_LOSS = 0.15
"""Share of the follow-up by which the time of a loss, which no curve shows, may be moved."""


def joined(first: ReconstructedCohorts, last: ReconstructedCohorts, seed: int = 1) -> ReconstructedCohorts:
    """Return cohorts with both endpoints, the first never after the last, such as PFS and OS.

    Parameters
    ----------
    first, last : ReconstructedCohorts    of the same arms with the same numbers of patients, m cohorts each
    seed : int                            of the assignment

    Returns
    -------
    ReconstructedCohorts    columns pfs_time, pfs_event, os_time, os_event (after the names of the endpoints) and arm.
                            Events, patients and, but for moved times, curves and numbers at risk are those of the two
                            reconstructions

    Raises
    ------
    CurveError              other arms, numbers of patients or of cohorts; or no assignment exists: the curves cross

    Notes
    -----
    The patients of the two reconstructions are matched at random among the assignments with first <= last. From the
    longest first time down, each patient gets a last time that is not earlier, drawn among those not yet taken; such an
    assignment exists if and only if the sorted times are in that order. Where a sorted first time exceeds the last time
    by at most `_CLOSE` of the follow-up, it is the clicking error, and the first time is moved to the last. Where one
    of the two is a loss, whose time was drawn and is not on the curve, it is moved by up to `_CLOSE_LOSS`. A move may
    change a number at risk by those who are moved across its time.

    A patient lost to the first endpoint is matched with the soonest loss to the last that is left. What the curves say
    nothing of is how the two endpoints depend on each other within a patient: this assignment is drawn at random among
    those that keep the order, and no estimate of their association.

    See Also
    --------
    reconstruct : Gives the reconstruction of one endpoint.

    Examples
    --------
    >>> from heorsynth.published.reconstruction.reconstruct import reconstruct
    >>> curve = pd.DataFrame({"arm": "a", "time": [1.0, 1.0, 2.0, 2.0, 3.0], "survival": [1.0, 0.8, 0.8, 0.4, 0.4]})
    >>> late = curve.assign(survival=[1.0, 1.0, 1.0, 0.8, 0.8])
    >>> risk = pd.DataFrame({"arm": ["a"], "time": [0], "at_risk": [5]})
    >>> pfs, os = (reconstruct(one, risk, m=2, endpoint=name) for one, name in [(curve, "pfs"), (late, "os")])
    >>> both = joined(pfs, os)[0].frame
    >>> bool((both["pfs_time"] <= both["os_time"]).all()), list(both.columns)
    (True, ['pfs_time', 'pfs_event', 'os_time', 'os_event', 'arm'])
    """
    check_seed(seed)
    one, other = (next(iter(cohorts[0].schema.endpoints)) for cohorts in (first, last))
    names = (one, other)
    _refuse(first, last, names)
    frames = [
        _frame(one, other, names, stream(seed, "join", part))
        for part, (one, other) in enumerate(zip(first, last, strict=True))
    ]
    schema = schema_of(
        endpoints={name: (f"{name}_time", f"{name}_event") for name in names},
        arm=first[0].schema.arm,
        arm_reference=first[0].schema.arm_reference,
        unit=first[0].schema.unit,
        order=[names],
    )
    facts = {
        "rests_on": first.label.settings["rests_on"],
        "joined": {name: dict(one.label.settings) for name, one in zip(names, (first, last), strict=True)},
    }
    return labelled(frames, schema, facts, seed)


def _refuse(first: ReconstructedCohorts, last: ReconstructedCohorts, names: tuple[str, ...]) -> None:
    problems = []
    if names[0] == names[1]:
        problems.append(
            Problem("endpoint", f"both are {names[0]!r}", "reconstruct with endpoint='pfs' and endpoint='os'")
        )
    if len(first) != len(last):
        problems.append(Problem("m", f"{len(first)} and {len(last)} cohorts", "reconstruct with the same m"))
    if first[0].schema.unit != last[0].schema.unit:
        problems.append(Problem("unit", "the two differ", "give both curves in one unit"))
    sizes = [one[0].frame["arm"].value_counts() for one in (first, last)]
    for arm in sizes[0].index:
        if arm not in sizes[1].index:
            problems.append(
                Problem("arm", f"{arm!r} has no {names[1]} curve", nearest(str(arm), map(str, sizes[1].index)))
            )
        elif sizes[0][arm] != sizes[1][arm]:
            found = f"{sizes[0][arm]} patients for {names[0]}, {sizes[1][arm]} for {names[1]}"
            problems.append(Problem(f"arm {arm!r}", found, "join curves of the same patients"))
    problems += [
        Problem("arm", f"{arm!r} has no {names[0]} curve", "give it")
        for arm in sizes[1].index
        if arm not in sizes[0].index
    ]
    if problems:
        raise CurveError("joined endpoints", problems)


def _frame(one: Cohort, other: Cohort, names: tuple[str, ...], rng: np.random.Generator) -> pd.DataFrame:
    parts = []
    for arm in sorted(set(one.frame["arm"])):
        early, late = (cohort.frame[cohort.frame["arm"] == arm] for cohort in (one, other))
        time, event = early["time"].to_numpy(float), early["event"].to_numpy()
        end, death = late["time"].to_numpy(float), late["event"].to_numpy()
        place, time, end = assigned(time, event, end, death, f"arm {arm!r}", rng)
        columns = {f"{names[0]}_time": time, f"{names[0]}_event": event}
        columns |= {f"{names[1]}_time": end[place], f"{names[1]}_event": death[place], "arm": arm}
        parts.append(pd.DataFrame(columns))
    frame = pd.concat(parts, ignore_index=True)
    return frame.iloc[rng.permutation(len(frame))].reset_index(drop=True)


def assigned(
    time: np.ndarray, event: np.ndarray, end: np.ndarray, death: np.ndarray, where: str, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return for each first time (n,) the place of its last time, and both times after moves of losses.

    Examples
    --------
    >>> rng, one = np.random.default_rng(1), np.array([1, 1])
    >>> place, time, end = assigned(np.array([3.0, 1.0]), one, np.array([2.0, 3.0]), np.array([1, 0]), "", rng)
    >>> place.tolist()
    [1, 0]
    """
    time, end = _in_order(time, event, end, death, where)
    place = np.empty(len(time), dtype=np.int64)
    taken = np.zeros(len(end), dtype=bool)
    by_end = np.argsort(end, kind="stable")
    sorted_end = end[by_end]
    for patient in np.lexsort((rng.uniform(size=len(time)), -time)):
        start = int(np.searchsorted(sorted_end, time[patient], side="left"))
        free = by_end[start:][~taken[by_end[start:]]]
        choice = free[int(rng.integers(len(free)))] if event[patient] else _soonest(free, death)
        place[patient], taken[choice] = choice, True
    return place, time, end


def _in_order(
    time: np.ndarray, event: np.ndarray, end: np.ndarray, death: np.ndarray, where: str
) -> tuple[np.ndarray, np.ndarray]:
    """Both times, moved so that the sorted first times are at most the sorted last times."""
    time, end = time.copy(), end.copy()
    firsts, lasts = np.argsort(time, kind="stable"), np.argsort(end, kind="stable")
    excess = time[firsts] - end[lasts]
    drawn = (event[firsts] == 0) | (death[lasts] == 0)
    allowed = np.where(drawn, _CLOSE_LOSS, _CLOSE) * float(end.max())
    if (excess > allowed).any():
        crossed, most = int((excess > allowed).sum()), float(excess.max())
        found = f"infeasible: {crossed} of {len(time)} first times exceed every last time left, by up to {most:.3g}"
        raise CurveError(
            "joined endpoints", Problem(where, found, "check that both curves are of the same patients and unit")
        )
    raised = (excess > 0) & (event[firsts] != 0) & (death[lasts] == 0)
    end[lasts[raised]] = time[firsts[raised]]
    lowered = (excess > 0) & ~raised
    time[firsts[lowered]] = end[lasts[lowered]]
    ordered, ends = np.sort(time), np.sort(end)
    time[np.argsort(time, kind="stable")] = np.minimum(ordered, ends)
    return time, end


def _soonest(free: np.ndarray, death: np.ndarray) -> int:
    """The soonest last time that is a loss, for a patient lost to the first endpoint; the soonest if all are deaths."""
    lost = free[death[free] == 0]
    return int(lost[0] if len(lost) else free[0])
