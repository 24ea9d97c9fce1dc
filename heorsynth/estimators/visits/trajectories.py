"""`Trajectories`: one measure of n patients at k visits, with the time of death, and which visits were attended."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from heorsynth.core.errors import NotEstimableError, Problem


@dataclass(frozen=True, eq=False)
class Trajectories:
    """One measure at k visits.

    Attributes
    ----------
    times : array (k,)        planned times of the visits, ascending
    values : array (n, k)     NaN where not measured; values after death are ignored
    death : array (n,)        time of death in the unit of `times`; infinite for patients who are not known to have died

    Raises
    ------
    NotEstimableError         shapes that do not match, or times that do not increase

    Examples
    --------
    >>> nan = np.nan
    >>> values = np.array([[0.8, 0.7, 0.9], [0.6, nan, 0.5], [0.7, 0.6, nan], [0.4, 0.3, nan]])
    >>> seen = Trajectories(np.array([0, 0.5, 1]), values, np.array([np.inf, np.inf, np.inf, 0.9]))
    >>> seen.attending.sum(axis=0).tolist(), seen.alive.sum(axis=0).tolist()
    ([4, 4, 2], [4, 4, 3])
    >>> seen.intermittent.tolist(), seen.dropped_out.tolist()
    ([False, True, False, False], [False, False, True, False])
    >>> seen.with_death[3].tolist()
    [0.4, 0.3, 0.0]
    """

    times: np.ndarray
    values: np.ndarray
    death: np.ndarray

    def __post_init__(self) -> None:
        times, values = np.asarray(self.times, float), np.asarray(self.values, float)
        if values.ndim != 2 or values.shape[1:] != times.shape or len(self.death) != len(values):
            fix = "give one column of values a time, and one time of death a patient"
            raise NotEstimableError("visits", Problem("times, values, death", "shapes do not match", fix))
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
        return Trajectories(self.times, self.values[rows], self.death[rows])

    @cached_property
    def alive(self) -> np.ndarray:
        """Whether each patient is alive at each visit (n, k)."""
        return np.asarray(self.times[None, :] < np.asarray(self.death, float)[:, None])

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
