"""What is drawn of a column that rules tie to others: its place within a bound, or its value given their state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from heorsynth.data.rules.level_rules import Statement
from heorsynth.data.rules.rule import as_level, near

_OTHER_STATE = "other"
"""The state of rows whose own state too few patients have."""

RATIO, GAP, OWN = "ratio", "gap", "own"
"""What is drawn of a column that a bound limits: its share of the bound, its distance from it, or its own value."""


@dataclass(frozen=True)
class Bounded:
    """A column that is drawn relative to another: as a share of it, or a distance from it.

    Attributes
    ----------
    column, bound : str
    form : str                      `RATIO`, `GAP` or `OWN`
    below : bool                    True if the column is at most the bound, False if it is at least that
    positive : bool                 True if the column is always above 0
    whens : tuple of Statement      where one is true, the column equals the bound
    """

    column: str
    bound: str
    form: str
    below: bool
    positive: bool
    whens: tuple[Statement, ...] = ()

    def encoded(self, values: np.ndarray, bound: np.ndarray, equal: np.ndarray) -> np.ndarray:
        """What is drawn (n,) in place of these values, given the bound; NaN where the column equals it by rule."""
        with np.errstate(invalid="ignore", divide="ignore"):
            share = values / bound if self.form == RATIO else np.abs(bound - values)
        return np.where(equal, np.nan, values if self.form == OWN else share)

    def decoded(self, drawn: np.ndarray, bound: np.ndarray, equal: np.ndarray, decimals: int | None) -> np.ndarray:
        """The values (n,) of what was drawn, at these decimals and within the bound."""
        if self.form == OWN:
            return np.where(equal, bound, drawn)
        away = np.maximum(drawn, 0.0)
        values = away * bound if self.form == RATIO else bound - away if self.below else bound + away
        if decimals is not None:
            tied = (drawn >= 1 - 1e-9) if self.form == RATIO else drawn <= 0
            values = np.where(tied, bound, np.round(values, decimals))
        if self.positive:
            values = np.maximum(values, 10.0 ** -(6 if decimals is None else decimals))
        values = np.minimum(values, bound) if self.below else np.maximum(values, bound)
        return np.where(equal, bound, np.where(np.isnan(drawn), np.nan, values))


@dataclass(frozen=True)
class States:
    """What decides the law of a column: statements on other columns, or the level of one.

    Attributes
    ----------
    tests : tuple of Statement     a statement without value, state and other column stands for the level itself
    known : tuple of str           the states that enough patients have; the others share one law
    """

    tests: tuple[Statement, ...]
    known: tuple[str, ...] = ()

    @property
    def columns(self) -> frozenset[str]:
        return frozenset(test.column for test in self.tests)

    def raw(self, columns: Mapping[str, np.ndarray]) -> np.ndarray:
        """The state (n,) of each row as text."""
        parts = [_told(test, columns[test.column]) for test in self.tests]
        found = parts[0]
        for part in parts[1:]:
            found = np.char.add(np.char.add(found, " / "), part)
        return found

    def placed(self, columns: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """States (k,), with those of too few patients as one, and the place (n,) of each row's state among them."""
        told = [_holds(test, columns[test.column]) for test in self.tests]
        answers = [one for one in told if one is not None]
        if len(answers) == len(told):
            names = np.array([" / ".join(one) for one in product(("no", "yes"), repeat=len(answers))])
            place = np.ravel_multi_index(tuple(one.astype(np.intp) for one in answers), (2,) * len(answers))
        else:
            names, place = np.unique(self.raw(columns), return_inverse=True)
        other = _OTHER_STATE if _OTHER_STATE in self.known else self.known[0]
        return np.where(np.isin(names, self.known), names, other), np.asarray(place)

    def counted(self, columns: Mapping[str, np.ndarray], least: int) -> States:
        """The same, with the states that at least so many patients have; the most frequent first."""
        present, counts = np.unique(self.raw(columns), return_counts=True)
        order = np.lexsort((present, -counts))
        known = [str(present[place]) for place in order if counts[place] >= least]
        rare = len(known) < len(present)
        return replace(self, known=(*known, *((_OTHER_STATE,) if rare or not known else ())))


def _told(test: Statement, values: np.ndarray) -> np.ndarray:
    """Whether a statement holds (n,), as text; the level itself of one that only names a column."""
    holds = _holds(test, values)
    return values.astype(str) if holds is None else np.where(holds, "yes", "no")


def _holds(test: Statement, values: np.ndarray) -> np.ndarray | None:
    """True (n,) where a statement holds; None for one that only names a column."""
    text = values.dtype == object or values.dtype.kind in "US"
    if test.state:
        missing = values == "" if text else np.isnan(values.astype(float))
        return np.asarray(missing == (test.state == "missing"))
    if test.value is None:
        return None
    if text:
        return np.asarray(values == as_level(test.value))
    return near(values.astype(float), np.full(len(values), float(test.value)))
