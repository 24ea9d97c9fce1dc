"""`Trajectories`: one measure of n patients at k visits, which visits were attended, and outcomes linear in it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from heorsynth.core.errors import NotEstimableError, Problem
from heorsynth.data.visits.area import area_under, late


@dataclass(frozen=True, eq=False)
class Trajectories:
    """One measure at k visits.

    Attributes
    ----------
    times : array (k,)               planned times of the visits, ascending
    values : array (n, k)            NaN where not measured; values after death are ignored
    late : array of bool (n, k)      whether a visit is after the patient's death (`heorsynth.data.visits.area.late`)

    Raises
    ------
    NotEstimableError                shapes that do not match, or times that do not increase

    Examples
    --------
    >>> nan = np.nan
    >>> values = np.array([[0.8, 0.7, 0.9], [0.6, nan, 0.5], [0.7, 0.6, nan], [0.4, 0.3, nan]])
    >>> late = np.array([[False] * 3] * 3 + [[False, False, True]])
    >>> seen = Trajectories(np.array([0, 0.5, 1]), values, late)
    >>> seen.attending.sum(axis=0).tolist(), seen.alive.sum(axis=0).tolist()
    ([4, 4, 2], [4, 4, 3])
    >>> seen.intermittent.tolist(), seen.dropped_out.tolist()
    ([False, True, False, False], [False, False, True, False])
    >>> seen.with_death[3].tolist()
    [0.4, 0.3, 0.0]
    """

    times: np.ndarray
    values: np.ndarray
    late: np.ndarray

    def __post_init__(self) -> None:
        times, values = np.asarray(self.times, float), np.asarray(self.values, float)
        if values.ndim != 2 or values.shape[1:] != times.shape or np.shape(self.late) != values.shape:
            fix = "give one column of values a time"
            raise NotEstimableError("visits", Problem("times, values, late", "shapes do not match", fix))
        if not (np.diff(times) > 0).all():
            raise NotEstimableError("visits", Problem("times", "do not increase", "sort the visits by time"))
        object.__setattr__(self, "times", times)
        object.__setattr__(self, "values", values)

    @property
    def n(self) -> int:
        """The number of patients."""
        return len(self.values)

    def take(self, rows: np.ndarray) -> Trajectories:
        """Return the trajectories of some patients."""
        return Trajectories(self.times, self.values[rows], self.late[rows])

    @cached_property
    def alive(self) -> np.ndarray:
        """Whether each patient is alive at each visit (n, k)."""
        return ~np.asarray(self.late, bool)

    @cached_property
    def known(self) -> np.ndarray:
        """Whether a value of a living patient was measured (n, k)."""
        return np.asarray(self.alive & np.isfinite(self.values))

    @cached_property
    def living_values(self) -> np.ndarray:
        """The values (n, k) of living patients, NaN where not measured and after death."""
        return np.where(self.known, self.values, np.nan)

    @cached_property
    def with_death(self) -> np.ndarray:
        """The values (n, k), 0 after death, NaN where a living patient was not measured."""
        return np.where(self.alive, self.living_values, 0.0)

    @cached_property
    def attending(self) -> np.ndarray:
        """Whether a value was measured at each visit or at a later one (n, k): the patient has not dropped out."""
        return np.asarray(np.logical_or.accumulate(self.known[:, ::-1], axis=1)[:, ::-1])

    @cached_property
    def gaps(self) -> np.ndarray:
        """Whether a value is missing and a later one was measured (n, k)."""
        return np.asarray(self.attending & ~self.known)

    @property
    def intermittent(self) -> np.ndarray:
        """Whether a patient has a gap (n,)."""
        return np.asarray(self.gaps.any(axis=1))

    @property
    def dropped_out(self) -> np.ndarray:
        """Whether a patient was alive at a visit after the last measured value (n,)."""
        return np.asarray((self.alive & ~self.attending).any(axis=1))


@dataclass(frozen=True, eq=False)
class Outcome:
    """An outcome that is linear in the values at visits: an area, a total, or one value.

    Attributes
    ----------
    seen : Trajectories         the measure
    weights : array (n, k)      of each patient's values: `area_weights` for an area, 1 for a total

    Examples
    --------
    >>> Outcome.of_column(np.array([1.0, np.nan])).known.tolist()
    [True, False]
    """

    seen: Trajectories
    weights: np.ndarray

    @classmethod
    def of_column(cls, values: np.ndarray) -> Outcome:
        """Return an outcome that is not measured at visits (n,)."""
        held = np.asarray(values, float)[:, None]
        return cls(Trajectories(np.zeros(1), held, np.zeros(held.shape, dtype=bool)), np.ones(held.shape))

    def take(self, rows: np.ndarray) -> Outcome:
        """Return the outcome of some patients."""
        return Outcome(self.seen.take(rows), self.weights[rows])

    @property
    def known(self) -> np.ndarray:
        """Whether all values of living visits are known (n,)."""
        return np.asarray((self.seen.known | self.seen.late).all(axis=1))

    def of(self, values: np.ndarray) -> np.ndarray:
        """Return the outcome (n,) of values (n, k): the weighted sum, without those after death."""
        return np.asarray((np.where(self.seen.late, 0.0, values) * self.weights).sum(axis=1))


def area_weights(
    times: np.ndarray,
    death: np.ndarray,
    *,
    rate: float = 0.0,
    years: float = 1.0,
    moments: np.ndarray | None = None,
) -> np.ndarray:
    """Return the weights (n, k) of the values in each patient's area: the area is linear in them.

    Parameters
    ----------
    times : array (k,)         planned times
    death : array (n,)         time of death; infinite for patients who are not known to have died
    rate, years                discount rate a year, and years in a unit of the times
    moments : array (n, k)     when each visit took place; by default as planned

    See Also
    --------
    heorsynth.data.visits.area.area_under : The area, and its formula.

    Examples
    --------
    >>> area_weights(np.array([0.0, 0.5, 1.0]), np.array([np.inf, 0.7])).round(3).tolist()
    [[0.25, 0.5, 0.25], [0.25, 0.45, 0.0]]
    """
    at = np.broadcast_to(times, (len(death), len(times))) if moments is None else moments
    after = late(times, death, periods=False, times=moments)
    columns = [
        area_under(at, np.where(after, np.nan, one), times, death, rate=rate, years=years) for one in np.eye(len(times))
    ]
    return np.column_stack(columns)
