"""Interpret each column as numbers, codes, dates or levels. Interpretations are noted; unclear columns are problems."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from pandas.api import types

from heorsynth.core.display import agreeing
from heorsynth.core.errors import DurationError, MixedTypesError, Problem, RoleError, as_yaml, nearest
from heorsynth.core.numbers import WHOLE_FLOATS
from heorsynth.data.columns import number_text
from heorsynth.data.columns.detection import as_dates, has_likely_sentinel, has_rare_number, is_number, looks_like_codes
from heorsynth.data.columns.holdable import unsupported_columns
from heorsynth.data.columns.levels import POOLED, SMALL_COUNT, as_text
from heorsynth.data.columns.role_checks import TypedProblem
from heorsynth.data.columns.schema import CODE, DATE, KINDS, NUMBER, Schema

_ORIGIN = "1970-01-01"
"""Dates are stored as whole days since this day."""

MAX_LEVELS = 100
"""A column with more levels than this is treated as text, even if each level has enough patients."""

FEW_LEVELS = 20
"""Text with at most this many different numbers, each with `SMALL_COUNT` patients or more, is kept as levels."""


@dataclass(frozen=True)
class _ReadColumns:
    """A frame in which each column has the type of its kind.

    Attributes
    ----------
    frame : DataFrame         numbers as numeric columns, declared dates as days, missing marks as missing
    schema : Schema           the roles, with the kind of each column that was declared or detected as a code
    notes : tuple of str      how columns were interpreted, one sentence each, without any value
    problems : list           columns that are unclear or contradict their declaration
    """

    frame: pd.DataFrame
    schema: Schema
    notes: tuple[str, ...] = ()
    problems: list[TypedProblem] = field(default_factory=list)


def read_columns(
    frame: pd.DataFrame, schema: Schema, missing: Sequence[str] = (), *, part: bool = False, synthetic: bool = False
) -> _ReadColumns:
    """Return the frame with each column converted to the kind of values it holds.

    Parameters
    ----------
    frame : DataFrame (n, k)    never changed
    schema : Schema             the roles, with the declared kinds and levels
    missing : sequence of str   marks that mean missing. They apply to all columns except the id, events, and numeric
                                columns that are a time, an amount or a utility
    part : bool                 the frame is a part of a cohort. One part cannot decide a column's kind: text that reads
                                as numbers is reported as a problem, and codes are not detected
    synthetic : bool            the rows are synthetic: what a rare number means was settled with the patients

    Notes
    -----
    1. Numbers stored as objects become numbers. Text that reads as numbers becomes numbers, with a note. If some cells
       are not numbers, the column is a problem. The id, arm, subgroups and events are never converted.
    2. A column of whole numbers holds codes if its name says so (`CODE_WORDS`) or its values do (`looks_like_codes`).
    3. Declared kinds and levels are applied. Values that contradict them are a problem.
    """
    wrong = _declaration_problems(frame, schema)
    if wrong:
        return _ReadColumns(frame, schema, (), wrong)
    made: dict[str, pd.Series] = {}
    notes = [f"missing: {mark!r} occurs in no column" for mark in missing if not _occurs(mark, frame)]
    problems: list[TypedProblem] = []
    kinds = dict(schema.kind)
    for name in map(str, frame.columns):
        reading = _Reading(name, frame[name], schema)
        reading.read(missing, part=part, synthetic=synthetic)
        if reading.column is not frame[name]:
            made[name] = reading.column
        if reading.coded:
            kinds[name] = CODE
        notes += [f"{name}: {note}" for note in reading.notes]
        problems += reading.problems
    converted = frame.assign(**made) if made else frame
    problems += unsupported_columns(converted[list(made)])
    return _ReadColumns(converted, replace(schema, kind=kinds), tuple(notes), problems)


def _declaration_problems(frame: pd.DataFrame, schema: Schema) -> list[TypedProblem]:
    """Return declared kinds and levels with an unknown column, an unknown kind, or a column with another role."""
    problems: list[TypedProblem] = []
    present = [str(name) for name in frame.columns]
    for role, declared in (("kind", schema.kind), ("levels", schema.levels)):
        for name in declared:
            if name not in present:
                problems.append((RoleError, Problem(f"{role} {name!r}", "not in the data", nearest(name, present))))
    for name, kind in schema.kind.items():
        if kind not in KINDS:
            problems.append(
                (RoleError, Problem(f"kind {name!r}", f"{kind!r} is not a kind", nearest(str(kind), KINDS)))
            )
        if name in schema.levels:
            problems.append((RoleError, Problem(f"kind {name!r}", "has declared levels too", "declare one of the two")))
    for name in [*schema.levels, *(name for name, kind in schema.kind.items() if kind == CODE)]:
        if name in schema.numeric:
            fix = "declare neither the kind code nor levels for it"
            problems.append((RoleError, Problem(f"column {name!r}", "has a numeric role", fix)))
    return problems


class _Reading:
    """One column while it is converted, with the notes and problems so far."""

    def __init__(self, name: str, column: pd.Series, schema: Schema) -> None:
        self.name, self.column, self.schema = name, column, schema
        self.error = DurationError if name in (schema.entry, *schema.times) else MixedTypesError
        self.coded = False
        self.notes: list[str] = []
        self.problems: list[TypedProblem] = []

    def read(self, missing: Sequence[str], *, part: bool, synthetic: bool) -> None:
        """Read the column by its declaration, its role, or what it holds."""
        name, schema, given = self.name, self.schema, self.column
        measured = name in schema.numeric and is_number(given)  # a mark such as 9 may be a real time or cost
        if name not in (schema.id, *schema.events) and not measured:
            self.column = _without_marks(given, missing)
        if name in schema.levels:
            self.check_levels(schema.levels[name])
        elif name in schema.kind:
            self.read_as_declared(schema.kind[name])
        elif name not in (*schema.identifiers, schema.arm, *schema.subgroups, *schema.events):
            self.read_by_content(needed=name in schema.numeric, part=part)
            if not part and name not in schema.columns:
                self.detect(synthetic=synthetic)
        paid = {*schema.costs, *(one for total in schema.costs for one in schema.totals.get(total, ()))}
        if name in paid and schema.currency:
            self.check_currency(given, schema.currency)

    def detect(self, *, synthetic: bool) -> None:
        """Detect codes, and values that probably mean unknown."""
        if looks_like_codes(self.column):
            self.coded = True
            self.notes.append("whole numbers that look like codes, so no number between them is drawn")
        elif synthetic:
            return
        elif has_likely_sentinel(self.column):
            self.report_sentinel()
        elif has_rare_number(self.column):
            self.notes.append(f"a number of fewer than {SMALL_COUNT} patients is replaced by numbers near it; "
                              "declare levels to allow no other numbers")  # fmt: skip
        elif _loses_order(self.column):
            self.notes.append(f"levels of fewer than {SMALL_COUNT} patients are pooled, so the order of levels is lost")

    def read_by_content(self, *, needed: bool, part: bool) -> None:
        """Convert numbers stored as objects or text to numbers, and report columns with other cells.

        `needed` is True if the column's role needs numbers. Otherwise, text of a few common numbers is kept as levels.
        """
        if not needed and _beyond_float_precision(self.column):
            self.column = as_text(self.column)
            self.notes.append("whole numbers with more than 15 digits, kept as text because they are codes")
            return
        values = _object_numbers(self.column)
        if values is not None:
            self.column = values
            self.notes.append("numbers stored as objects, read as numbers")
            return
        if not _holds_text(self.column) or (self.column == POOLED).any():
            return
        numbers, counts = number_text.parsed(self.column)
        content = number_text.content_of(numbers, counts)
        if content == number_text.LEVELS:
            self._note_missing_marks()
        elif content == number_text.CODES and not needed:
            self.notes.append("numbers written like codes (leading zeros, too many digits), kept as text")
        elif content == number_text.NUMBERS and not needed and self._fits_levels():
            return
        elif part or content == number_text.UNCLEAR:
            self._report_unread(numbers, counts)
        else:
            self._use_numbers(numbers, counts)

    def read_as_declared(self, kind: str) -> None:
        """Read the column as the declared kind."""
        if kind == DATE:
            self._use_dates()
        elif kind == NUMBER and not is_number(self.column):
            numbers, counts = number_text.parsed(self.column)
            if number_text.n_unread(counts):
                self._report_unread(numbers, counts)
            else:
                self._use_numbers(numbers, counts)

    def check_currency(self, given: pd.Series, currency: str) -> None:
        """Report amounts whose cells name another currency than the declared one."""
        named = number_text.currencies_in(given) if _holds_text(given) else set()
        if named and named != {currency}:
            message = f"its cells name {', '.join(sorted(named))}, and the declared currency is {currency}"
            fix = "declare the currency of the cells, or convert them first"
            self.problems.append((RoleError, Problem(f"column {self.name!r}", message, fix)))

    def report_sentinel(self) -> None:
        """Report a rare value far from all others, which probably is a code for unknown."""
        message = "a value of fewer than 5 patients lies far from the few other values and may be a code for unknown"
        fix = f"if it means missing, list it under missing; else say kind={{{self.name!r}: 'number'}}"
        paste = f"if it means missing, list it under missing; else write kind: {{{as_yaml(self.name)}: number}}"
        self.problems.append((MixedTypesError, Problem(f"column {self.name!r}", message, fix, paste)))

    def check_levels(self, levels: Sequence[str]) -> None:
        """Report values outside the declared levels."""
        allowed = {*levels, *(f"{level}.0" for level in levels)}  # a column with 1.5 writes 2 as 2.0
        outside = int((~as_text(self.column).dropna().isin(allowed)).sum())
        if outside:
            are = agreeing(outside, "is", "are")
            message = f"{outside} of {len(self.column)} values {are} not among its {len(levels)} declared levels"
            problem = Problem(f"levels {self.name!r}", message, "declare every level, or correct the values")
            self.problems.append((RoleError, problem))

    def _use_numbers(self, numbers: np.ndarray, counts: Counter[str]) -> None:
        whole = bool(np.all(np.isfinite(numbers) & (numbers == np.floor(numbers)) & (np.abs(numbers) < WHOLE_FLOATS)))
        self.column = pd.Series(numbers.astype("int64") if whole else numbers, self.column.index, name=self.column.name)
        marks = [kind for kind in (*number_text.READ, number_text.MISSING) if kind != number_text.PLAIN]
        message = number_text.counts_in_words(counts, tuple(marks))
        self.notes.append("text read as numbers" + (f" ({message})" if message else ""))

    def _fits_levels(self) -> bool:
        """Return True if there are few different texts, each with enough patients, so that no level is rare."""
        patients = self.column.value_counts()
        return len(patients) <= FEW_LEVELS and bool((patients >= SMALL_COUNT).all())

    def _note_missing_marks(self) -> None:
        if marks := number_text.marks_in(self.column):
            message = ", ".join(repr(mark) for mark in marks)
            self.notes.append(f"{message} kept as a level; list it under missing if it means missing")

    def _use_dates(self) -> None:
        dates = as_dates(self.column)
        unread = int((dates.isna() & self.column.notna()).sum())
        if unread:
            not_dates = agreeing(unread, "is not a date", "are not dates")
            message = f"{unread} of {len(dates)} values {not_dates}, or the order of day and month is ambiguous"
            fix = "write dates as YYYY-MM-DD; if they are not dates, declare the kind 'number' or 'code'"
            self.problems.append((RoleError, Problem(f"kind {self.name!r}", message, fix)))
            return
        days = (dates - pd.Timestamp(_ORIGIN)).dt.days
        self.column = days.astype(float) if days.isna().any() else days.astype("int64")
        self.notes.append(f"dates stored as whole days since {_ORIGIN}")

    def _report_unread(self, numbers: np.ndarray, counts: Counter[str]) -> None:
        read, left = int(np.isfinite(numbers).sum()), number_text.n_unread(counts)
        message = f"{read} of {read + left} known values are numbers"
        message += f"; {left} are not ({number_text.counts_in_words(counts)})" if left else " stored as text"
        as_number = f"say kind={{{self.name!r}: 'number'}}; "
        in_protocol = f"write kind: {{{as_yaml(self.name)}: number}}; "
        if left:
            words = list(number_text.marks_in(self.column, number_text.UNKNOWN_WORDS)) or ["…"]
            as_number = f"correct those cells, or declare which mean missing, missing={words!r}; "
            in_protocol = f"correct those cells, or declare which mean missing, missing: {json.dumps(words)}; "
        problem = Problem(
            f"column {self.name!r}",
            message,
            f"{as_number}or, if its values are names, say kind={{{self.name!r}: 'code'}}",
            f"{in_protocol}or, if its values are names, write kind: {{{as_yaml(self.name)}: code}}",
        )
        self.problems.append((self.error, problem))


def _holds_text(column: pd.Series) -> bool:
    """Return True if a column that is not categorical holds text."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return False
    if not (types.is_object_dtype(column) or types.is_string_dtype(column)):
        return False
    return any(isinstance(value, str) for value in pd.unique(column.dropna()))


def _object_numbers(column: pd.Series) -> pd.Series | None:
    """Return numbers stored as objects, or as categories too rare to be levels, as a numeric column; else None."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        kind, patients = column.cat.categories.dtype, column.value_counts()
        number = types.is_numeric_dtype(kind) and not types.is_bool_dtype(kind)
        if not number or patients[patients > 0].min() >= SMALL_COUNT:
            return None
        return pd.Series(pd.to_numeric(column.astype(object)), index=column.index, name=column.name)
    if not types.is_object_dtype(column):
        return None
    known = column.dropna()
    different = set(map(type, known))
    numbers = all(issubclass(one, (int, float, np.integer, np.floating)) and one is not bool for one in different)
    if not different or not numbers:
        return None
    made = pd.to_numeric(column.where(column.notna(), np.nan), errors="coerce")
    return made if made.notna().sum() == len(known) else None


def _loses_order(column: pd.Series) -> bool:
    """Return True for an ordered category with a level of 1 to `SMALL_COUNT` - 1 patients."""
    if not isinstance(column.dtype, pd.CategoricalDtype) or not column.cat.ordered:
        return False
    return any(0 < count < SMALL_COUNT for count in column.value_counts())


def _beyond_float_precision(column: pd.Series) -> bool:
    """Return True if some whole number is too long for a float to represent exactly."""
    if not types.is_integer_dtype(column):
        return False
    known = column.dropna()
    return bool(len(known)) and max(abs(int(known.min())), abs(int(known.max()))) >= WHOLE_FLOATS


def _occurs(mark: str, frame: pd.DataFrame) -> bool:
    """Return True if a declared mark occurs in some column."""
    return any(_is_mark(frame[name], [mark]).any() for name in frame.columns)


def _is_mark(column: pd.Series, missing: Sequence[str]) -> pd.Series:
    """Return True (n,) where a value equals one of the marks, as text or as a number."""
    if is_number(column):
        numbers = pd.to_numeric(pd.Series(list(missing), dtype=object), errors="coerce").dropna().tolist()
        return column.isin(numbers).fillna(False).astype(bool)
    if types.is_datetime64_any_dtype(column) or types.is_bool_dtype(column):
        return pd.Series(False, index=column.index)
    return column.astype(object).map(lambda value: isinstance(value, str) and value.strip() in missing).astype(bool)


def _without_marks(column: pd.Series, missing: Sequence[str]) -> pd.Series:
    """Return the column with the declared marks set to missing. It is the same object if no mark occurs."""
    marked = _is_mark(column, missing) if missing else None
    if marked is None or not marked.any():
        return column
    emptied = column.mask(marked)
    return emptied.cat.remove_unused_categories() if isinstance(emptied.dtype, pd.CategoricalDtype) else emptied
