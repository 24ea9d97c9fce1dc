"""Where each measure of the visits is due for whom, and what is known of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from heorsynth.data.cohort.visits import ends, visit_arrays
from heorsynth.data.columns.arrays import Arrays
from heorsynth.data.columns.schema import Schema
from heorsynth.data.visits.area import late


@dataclass(frozen=True)
class VisitGrid:
    """Where each measure (n, k) is due, in the period in which follow-up ends, or gone; and what is known.

    Attributes
    ----------
    size : int            number of visits of all measures
    dead : array (n,)
    place : Mapping       measure to the place of each of its visits among those of all measures
    due, part, gone, known : Mapping      measure to True (n, k)
    """

    size: int
    dead: np.ndarray
    place: Mapping[str, list[int]]
    due: Mapping[str, np.ndarray]
    part: Mapping[str, np.ndarray]
    gone: Mapping[str, np.ndarray]
    known: Mapping[str, np.ndarray]

    @classmethod
    def of(cls, table: Arrays, schema: Schema, plan: tuple[float, ...], *, follows: bool = True) -> VisitGrid:
        """The grid of these rows; without `follows`, visits of those alive do not end with their follow-up."""
        end, dead = ends(table, schema)
        end = np.where(dead | follows, end, np.inf)
        place, parts = {}, [dict[str, np.ndarray]() for _ in range(4)]
        due, part, gone, known = parts
        for measure, held in schema.visits.items():
            planned, times, values = visit_arrays(table, schema, measure)
            place[measure] = [plan.index(time) for time, _ in held]
            known[measure] = ~np.isnan(values)
            early = (planned <= end[:, None]) | (known[measure] & (times <= end[:, None]))
            if measure in schema.schedule.periods:
                gone[measure] = late(planned, end, periods=True)
                due[measure] = planned <= end[:, None]
            else:
                gone[measure], due[measure] = ~early, early
            part[measure] = ~due[measure] & ~gone[measure]
        return cls(len(plan), dead, place, due, part, gone, known)

    @property
    def attended(self) -> dict[str, np.ndarray]:
        """Measure to True (n, k) where it is due and known."""
        return {measure: self.known[measure] & due for measure, due in self.due.items()}

    def any(self, held: Mapping[str, np.ndarray]) -> np.ndarray:
        """True (n, K) where any measure is."""
        found = np.zeros((len(self.dead), self.size), dtype=bool)
        for measure, columns in self.place.items():
            found[:, columns] |= held[measure]
        return found
