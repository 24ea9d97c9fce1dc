"""What to match: published means, standard deviations and shares as moments of the own patients' columns."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from heorsynth.core.errors import ComparisonError, Problem, nearest
from heorsynth.core.numbers import is_number

Match = Mapping[str, float | Mapping[str, float]]
"""Column to its published mean, to {"mean": …, "sd": …}, or to the share of each level."""

_SUM = 0.02
"""Shares of all levels sum to 1 within the rounding of printed percentages."""


def moments(frame: pd.DataFrame, match: Match) -> tuple[np.ndarray, np.ndarray]:
    """Return covariates (n, p) and their targets (p,); rows with a missing value have NaN.

    A standard deviation is matched by the second moment, mean² + sd². Of the shares of all levels, the last is left
    out, because it follows from the others.

    Raises
    ------
    ComparisonError      a column is not there or not a number, a level does not occur, or a share is not within (0, 1)
    """
    problems, columns, targets = [], [], []
    for name, stated in match.items():
        if name not in frame:
            problems.append(Problem(f"match {name!r}", "no such column", nearest(name, map(str, frame.columns))))
            continue
        try:
            for values, target in _of_one(frame[name], stated):
                columns.append(values)
                targets.append(target)
        except ValueError as error:
            problems.append(Problem(f"match {name!r}", str(error), _FIX))
    if problems or not columns:
        raise ComparisonError("match", problems or Problem("", "no column to match", _FIX))
    return np.column_stack(columns), np.array(targets)


_FIX = "give a mean, {'mean': 61.2, 'sd': 9.8}, or shares such as {'female': 0.4}"


def _of_one(column: pd.Series, stated: float | Mapping[str, float]) -> list[tuple[np.ndarray, float]]:
    given = {"mean": stated} if not isinstance(stated, Mapping) else dict(stated)
    if not given or not all(is_number(value) for value in given.values()):
        raise ValueError("not a number or a mapping of numbers")
    if "mean" in given and set(given) <= {"mean", "sd"}:
        return _numbers(column, given)
    levels = column.astype("object").map(str, na_action="ignore")
    unknown = sum(level not in set(levels.dropna()) for level in map(str, given))
    if unknown:
        raise ValueError(f"{unknown} of {len(given)} levels do not occur among the patients")
    if not all(0 < value < 1 for value in given.values()) or sum(given.values()) > 1 + _SUM:
        raise ValueError("shares that are not between 0 and 1")
    shares = {str(level): float(share) for level, share in given.items()}
    if sum(shares.values()) > 1 - _SUM:
        total = sum(shares.values())
        shares = {level: share / total for level, share in list(shares.items())[:-1]}
    known = levels.notna().to_numpy()
    return [(np.where(known, (levels == level).to_numpy(float), np.nan), share) for level, share in shares.items()]


def _numbers(column: pd.Series, given: Mapping[str, float]) -> list[tuple[np.ndarray, float]]:
    if not pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        raise ValueError("a mean of a column that is not a number")
    values, mean = column.to_numpy(float, na_value=np.nan), float(given["mean"])
    found = [(values, mean)]
    if "sd" in given:
        if given["sd"] <= 0:
            raise ValueError("a standard deviation that is not positive")
        found.append(((values - mean) ** 2, float(given["sd"]) ** 2))  # centred, so that squares do not lose digits
    return found
