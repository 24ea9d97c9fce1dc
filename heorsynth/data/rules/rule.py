"""`Rule`: what every row of a cohort obeys, and the few things that all kinds of rule share."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from pandas.api import types

from heorsynth.data.columns.arrays import Arrays

RELATIVE = 1e-9
"""Numbers that differ by at most this share of their size are equal: sums of floats are not exact."""

Value = str | int | float | bool
"""A level or number that a rule names, in the type of its column."""


@dataclass(frozen=True, kw_only=True)
class Rule(ABC):
    """A relation of columns that holds in every row.

    Attributes
    ----------
    support : int         patients that the rule says something about; 0 for a rule that nobody has counted
    log_chance : float    log10 of a bound on the probability that independent columns with these margins obey the
                          rule, times the number of candidates that were tried; 0 if it was not calculated
    """

    kind: ClassVar[str] = ""
    support: int = field(default=0, compare=False)
    log_chance: float = field(default=0.0, compare=False)

    @property
    @abstractmethod
    def columns(self) -> tuple[str, ...]:
        """The columns that the rule is about, each once."""

    @property
    @abstractmethod
    def text(self) -> str:
        """The rule in words, as `grammar.parsed` reads it."""

    @property
    @abstractmethod
    def targets(self) -> tuple[str, ...]:
        """The columns that `mended` can change so that the rule holds, the best first."""

    @abstractmethod
    def about(self, table: Arrays) -> np.ndarray:
        """True (n,) for the rows that the rule says something about."""

    @abstractmethod
    def broken_rows(self, table: Arrays) -> np.ndarray:
        """True (n,) for the rows that break the rule."""

    @abstractmethod
    def mended(self, table: Arrays, target: str) -> pd.Series:
        """The column `target` (n,), changed where the rule is broken so that it holds, as far as the target can."""

    def derived(self, table: Arrays, target: str) -> np.ndarray | None:
        """The column `target` (n,) as numbers or levels, worked out from the others; None if they do not decide it."""
        return None

    def broken(self, frame: pd.DataFrame) -> np.ndarray:
        """True (n,) for the rows of a frame that break the rule. All do if the frame lacks one of its columns."""
        if not {*self.columns} <= {*map(str, frame.columns)}:
            return np.ones(len(frame), dtype=bool)
        return self.broken_rows(Arrays(frame))

    def mend(self, frame: pd.DataFrame, target: str = "") -> pd.DataFrame:
        """The frame in which no row breaks the rule. `target` is one of `targets`, the first by default."""
        table, name = Arrays(frame), target or self.targets[0]
        return frame.assign(**{name: self.mended(table, name)}) if self.broken_rows(table).any() else frame

    def to_dict(self) -> dict[str, Any]:
        """The rule as data for JSON, with its support rounded down to a multiple of five."""
        return {
            "kind": self.kind,
            **asdict(self),
            "support": self.support // 5 * 5,
            "log_chance": round(self.log_chance),
        }


def name_text(name: str) -> str:
    """A column's name as it stands in the text of a rule.

    Examples
    --------
    >>> name_text("age group"), name_text("a`b")
    ('`age group`', '`a``b`')
    """
    return "`" + name.replace("`", "``") + "`"


def number_text(value: float) -> str:
    """A number as it stands in the text of a rule: shortest, and whole numbers without a point.

    Examples
    --------
    >>> number_text(40.0), number_text(0.25), number_text(-1e-7)
    ('40', '0.25', '-1e-07')
    """
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))


def value_text(value: Value) -> str:
    """A level or number as it stands in the text of a rule; text is in quotes.

    Examples
    --------
    >>> value_text("no"), value_text(0), value_text("it's")
    ("'no'", '0', "'it''s'")
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else number_text(value)


def as_level(value: Value) -> str:
    """A level as `as_text` in heorsynth.data.columns.levels writes it."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def plain(value: object) -> Value:
    """A value of a column as a number, truth value or text of Python."""
    held = value.item() if isinstance(value, np.generic) else value
    return held if isinstance(held, str | int | float | bool) else str(held)


def near(one: np.ndarray, other: np.ndarray, within: float = 0.0) -> np.ndarray:
    """True (n,) where two numbers are equal to `RELATIVE` of their size and `within`, or both are missing."""
    size = np.maximum(np.abs(one), np.abs(other))
    with np.errstate(invalid="ignore"):
        same = (one == other) | (np.abs(one - other) <= np.maximum(1.001 * within, RELATIVE * size))
    return np.asarray(same | (np.isnan(one) & np.isnan(other)))


def with_values(column: pd.Series, rows: np.ndarray, values: np.ndarray | Value | None) -> pd.Series:
    """The column with these values in these rows (a mask), in the column's type where it can hold them."""
    if not rows.any():
        return column
    if isinstance(column.dtype, pd.CategoricalDtype):
        wanted = pd.unique(pd.Series(values if isinstance(values, np.ndarray) else [values], dtype=object))
        lacking = [one for one in wanted if not pd.isna(one) and one not in column.cat.categories]
        column = column.cat.add_categories(lacking) if lacking else column
    found = column.astype(object)
    found[rows] = values
    if types.is_object_dtype(column) or (types.is_bool_dtype(column) and found.isna().any()):
        return found
    if types.is_integer_dtype(column) and not types.is_extension_array_dtype(column):
        numbers = found.astype(float)
        return numbers.round().astype(column.dtype) if numbers.notna().all() else numbers
    return found.astype(column.dtype)


_TRAILING = re.compile(r"^(.*?)(\d+(?:\.\d+)?)(\D*)$")


def visit_of(name: str) -> tuple[str, float] | None:
    """The stem and the number of a column that is named by its visit; None if its name holds no number.

    Examples
    --------
    >>> visit_of("u_12m"), visit_of("qaly")
    (('u_|m', 12.0), None)
    """
    found = _TRAILING.match(name)
    return None if found is None else (f"{found[1]}|{found[3]}", float(found[2]))
