"""The design of a formula: columns and levels are fixed from the patients, so that every cohort has the same."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from heorsynth.checks.analyses.formula import ReadFormula, same_term
from heorsynth.core.errors import NotEstimableError
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.levels import SMALL_COUNT, as_text

_INTERCEPT = "Intercept"

_OTHER_LEVEL = "a level that no patient has"
_CONTEXT = {"sqrt": np.sqrt}


@dataclass(frozen=True, eq=False)
class Design:
    """The columns of a formula, with the levels, knots and centres of the patients.

    Attributes
    ----------
    formula : ReadFormula     the formula
    levels : dict          column of levels -> levels of the patients, the reference first
    spec                   the specification of formulaic, made from the patients
    """

    formula: ReadFormula
    levels: dict[str, list[str]]
    spec: Any

    @classmethod
    def of(cls, formula: ReadFormula, real: Cohort) -> Design:
        """Return the design of the patients.

        Raises
        ------
        NotEstimableError      a term cannot be computed, or no row is complete
        """
        from formulaic import Formula  # takes long to import

        levels = {name: _levels_of(real, name) for name in formula.columns if not _is_number(real, name)}
        frame = _frame(real, formula, levels)
        if frame.isna().any(axis=1).all():
            raise NotEstimableError("no patient has a value in every column of the formula")
        matrix = _computed(lambda: Formula(formula.terms).get_model_matrix(frame, context=_CONTEXT))
        spec = matrix.model_spec
        if any(part.start == part.stop for part in spec.term_slices.values()):
            raise NotEstimableError("a term has only one level, or follows from the others")
        return cls(formula, levels, spec)

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns, with the intercept."""
        return tuple(map(str, self.spec.column_names))

    def matrix(self, cohort: Cohort) -> pd.DataFrame:
        """Return the columns in a cohort; rows with a missing value are left out, and keep their place as index.

        Raises
        ------
        NotEstimableError      the cohort has a level that no patient has, or a value that is not finite
        """
        frame = _frame(cohort, self.formula, self.levels)
        made = _computed(lambda: self.spec.get_model_matrix(frame, context=_CONTEXT))
        numbers = pd.DataFrame(made).astype(float)
        if not np.isfinite(numbers.to_numpy()).all():
            raise NotEstimableError("a term is not a finite number in every row")
        return numbers

    def focus(self, wanted: Sequence[str]) -> tuple[str, ...]:
        """Return the columns of the wanted terms: all but the intercept if none is named."""
        terms = {str(term): self.columns[part] for term, part in self.spec.term_slices.items()}
        chosen = [
            column
            for term, held in terms.items()
            for column in held
            if not wanted or any(same_term(one, term) or same_term(one, column) for one in wanted)
        ]
        return tuple(column for column in chosen if column != _INTERCEPT)

    def shown(self, matrix: pd.DataFrame) -> dict[str, str]:
        """Return column -> the name that may be shown, for the matrix of the patients.

        A column that fewer than five patients make different from the others is about those few. Its name gets no
        level, and its estimate is not shown (`rare`).
        """
        hidden = self.rare(matrix)
        shown: dict[str, str] = {}
        for column in self.columns:
            plain = re.sub(r"\[[^\]]*\]", "", column)
            n = sum(other in hidden and re.sub(r"\[[^\]]*\]", "", other) == plain for other in shown)
            shown[column] = f"{plain}, rare level {n + 1}" if column in hidden and plain != column else column
        return shown

    def rare(self, matrix: pd.DataFrame) -> frozenset[str]:
        """Return the columns that rest on fewer than five patients, or compare with fewer than five."""
        hidden: set[str] = set()
        for part in self.spec.term_slices.values():
            held = [column for column in self.columns[part] if column != _INTERCEPT]
            values = matrix[held].to_numpy()
            counted = {column: int(np.count_nonzero(values[:, place])) for place, column in enumerate(held)}
            hidden |= {column for column, count in counted.items() if count < SMALL_COUNT}
            if np.isin(values, (0.0, 1.0)).all() and held:
                reference = len(values) - int(values.any(axis=1).sum())
                hidden |= set(held) if 0 < reference < SMALL_COUNT else set()
        return frozenset(hidden)


def _is_number(cohort: Cohort, name: str) -> bool:
    kind = cohort.rows[name].dtype
    return bool(pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_bool_dtype(kind))


def _levels_of(real: Cohort, name: str) -> list[str]:
    held = set(real.levels(name).tolist()) - {""}
    if name == real.schema.arm:
        return list(real.arm_levels)
    kind = real.rows[name].dtype
    if isinstance(kind, pd.CategoricalDtype):
        named = as_text(pd.Series(kind.categories)).tolist()
        return [level for level in named if level in held]
    return sorted(held)


def _frame(cohort: Cohort, formula: ReadFormula, levels: dict[str, list[str]]) -> pd.DataFrame:
    """Return the columns of the right-hand side: numbers, and categories with the levels of the patients."""
    frame: dict[str, Any] = {}
    for name in formula.columns:
        if name in levels:
            held = cohort.levels(name)
            if not set(held.tolist()) <= {*levels[name], ""}:
                raise NotEstimableError(f"{name}: {_OTHER_LEVEL}")
            frame[name] = pd.Categorical([level or None for level in held.tolist()], categories=levels[name])
        else:
            frame[name] = pd.to_numeric(cohort.rows[name]).to_numpy(float, na_value=np.nan)
    return pd.DataFrame(frame, index=range(cohort.n))


def _computed(make: Any) -> Any:
    """Return what formulaic makes; a warning or an error of it is a NotEstimableError without its text."""
    from formulaic.errors import FormulaicError

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", category=RuntimeWarning)
        try:
            return make()
        except Warning:
            raise NotEstimableError(_OTHER_LEVEL) from None
        except (FormulaicError, ValueError, TypeError, KeyError, ArithmeticError, np.linalg.LinAlgError) as error:
            raise NotEstimableError(f"a term cannot be computed ({type(error).__name__})") from None
