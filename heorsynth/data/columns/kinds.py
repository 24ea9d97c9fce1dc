"""What each column holds: numbers, codes, dates or levels. What was understood is told; what is unclear is asked."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from pandas.api import types

from heorsynth.core.errors import DurationError, MixedTypesError, Problem, RoleError, as_yaml, nearest
from heorsynth.core.numbers import WHOLE_FLOATS
from heorsynth.data.columns import number_text
from heorsynth.data.columns.detection import as_dates, is_number, looks_like_codes, rare_between, stands_apart
from heorsynth.data.columns.holdable import unholdable
from heorsynth.data.columns.levels import POOLED, SMALL_COUNT, as_text
from heorsynth.data.columns.role_checks import Found
from heorsynth.data.columns.schema import CODE, DATE, KINDS, NUMBER, Schema

ORIGIN = "1970-01-01"
"""A declared date is held as whole days since this day."""

MAX_LEVELS = 100
"""A column of more levels than this, each of enough patients, is text and no category."""

FEW_LEVELS = 20
"""Text of at most so many different numbers, each of `SMALL_COUNT` or more, is left as levels."""


@dataclass(frozen=True)
class Understood:
    """A frame whose columns are of the type of their kind.

    Attributes
    ----------
    frame : DataFrame         numbers as numeric columns, declared dates as days, marks of missing values as missing
    schema : Schema           with the kind of every column that was declared, or detected to be a code
    notes : tuple of str      what was understood, one sentence a column, without any value
    found : list              what must be asked or refused
    """

    frame: pd.DataFrame
    schema: Schema
    notes: tuple[str, ...] = ()
    found: list[Found] = field(default_factory=list)


def understood(frame: pd.DataFrame, schema: Schema, missing: Sequence[str] = (), *, part: bool = False) -> Understood:
    """The frame with every column read as what it holds.

    Parameters
    ----------
    frame : DataFrame (n, k)    never changed
    schema : Schema             roles, and the kinds and levels that were declared
    missing : sequence of str   marks to be read as missing in every column but the id, events, and numbers whose role
                                is a time, money or a utility
    part : bool                 the frame is a part of a cohort: what one part shows does not settle a kind, so text
                                that reads as numbers is asked about and codes are not looked for

    Notes
    -----
    1. Numbers stored as objects become numbers. Text that reads as numbers becomes numbers too, and is told; if some
       cells do not, the column is asked about. The id, arm, subgroups and events keep their values: there a number
       is a name.
    2. A column of whole numbers is a code where its name says so (`CODE_WORDS`) or its values do (`looks_like_codes`).
    3. A declared kind or declared levels are followed, and refused where the values contradict them.
    """
    wrong = declaration_problems(frame, schema)
    if wrong:
        return Understood(frame, schema, (), wrong)
    made: dict[str, pd.Series] = {}
    notes = [f"missing: {mark!r} stands in no column" for mark in missing if not _occurs(mark, frame)]
    found: list[Found] = []
    kinds = dict(schema.kind)
    for name in map(str, frame.columns):
        reading = _Reading(name, frame[name], schema)
        reading.read(missing, part=part)
        if reading.column is not frame[name]:
            made[name] = reading.column
        if reading.coded:
            kinds[name] = CODE
        notes += [f"{name}: {note}" for note in reading.notes]
        found += reading.found
    held = frame.assign(**made) if made else frame
    found += unholdable(held[list(made)])
    return Understood(held, replace(schema, kind=kinds), tuple(notes), found)


def declaration_problems(frame: pd.DataFrame, schema: Schema) -> list[Found]:
    """Declared kinds and levels that name no column, no kind, or a column with another role."""
    found: list[Found] = []
    present = [str(name) for name in frame.columns]
    for role, declared in (("kind", schema.kind), ("levels", schema.levels)):
        for name in declared:
            if name not in present:
                found.append((RoleError, Problem(f"{role} {name!r}", "not in the data", nearest(name, present))))
    for name, kind in schema.kind.items():
        if kind not in KINDS:
            found.append((RoleError, Problem(f"kind {name!r}", f"{kind!r} is not a kind", nearest(str(kind), KINDS))))
        if name in schema.levels:
            found.append((RoleError, Problem(f"kind {name!r}", "has declared levels too", "declare one of the two")))
    for name in [*schema.levels, *(name for name, kind in schema.kind.items() if kind == CODE)]:
        if name in schema.numeric:
            told = Problem(f"column {name!r}", "has a role that needs numbers", "declare it neither code nor levels")
            found.append((RoleError, told))
    return found


class _Reading:
    """One column on its way to its kind, with what was understood and what must be asked."""

    def __init__(self, name: str, column: pd.Series, schema: Schema) -> None:
        self.name, self.column, self.schema = name, column, schema
        self.error = DurationError if name in (schema.entry, *schema.times) else MixedTypesError
        self.coded = False
        self.notes: list[str] = []
        self.found: list[Found] = []

    def read(self, missing: Sequence[str], *, part: bool) -> None:
        """Read the column by its declaration, its role, or what it holds."""
        name, schema, given = self.name, self.schema, self.column
        measured = name in schema.numeric and is_number(given)  # there a mark such as 9 may be a time or a cost
        if name not in (schema.id, *schema.events) and not measured:
            self.column = _without_marks(given, missing)
        if name in schema.levels:
            self.check_levels(schema.levels[name])
        elif name in schema.kind:
            self.follow(schema.kind[name])
        elif name not in (schema.id, schema.arm, *schema.subgroups, *schema.events):
            self.settle(needed=name in schema.numeric, part=part)
            if not part and name not in schema.columns:
                self.detect()
        paid = {*schema.costs, *(one for total in schema.costs for one in schema.totals.get(total, ()))}
        if name in paid and schema.currency:
            self.check_currency(given, schema.currency)

    def detect(self) -> None:
        """Tell codes among whole numbers, and ask about a value that may stand for unknown."""
        if looks_like_codes(self.column):
            self.coded = True
            self.notes.append("whole numbers that look like codes, so no number between them is drawn")
        elif stands_apart(self.column):
            self.ask_of_sentinel()
        elif rare_between(self.column):
            self.notes.append(f"a number that fewer than {SMALL_COUNT} patients have is drawn as numbers near it; "
                              "declare levels to have no number but those")  # fmt: skip
        elif _loses_order(self.column):
            self.notes.append(f"levels that fewer than {SMALL_COUNT} patients have are pooled, so their order is lost")

    def settle(self, *, needed: bool, part: bool) -> None:
        """Read numbers stored as objects or text as numbers; ask where only some cells are.

        `needed` says that the column's role needs numbers; other text of a few common numbers stays levels.
        """
        if not needed and _too_long(self.column):
            self.column = as_text(self.column)
            self.notes.append("whole numbers of more than 15 digits, held as text: they are codes")
            return
        values = _object_numbers(self.column)
        if values is not None:
            self.column = values
            self.notes.append("numbers stored as objects, read as numbers")
            return
        if not _holds_text(self.column) or (self.column == POOLED).any():
            return
        numbers, counts = number_text.parsed(self.column)
        held = number_text.held(numbers, counts)
        if held == number_text.LEVELS:
            self._tell_marks()
        elif held == number_text.CODES and not needed:
            self.notes.append("numbers spelt as codes are (leading zeros, too many digits), kept as text")
        elif held == number_text.NUMBERS and not needed and self._are_levels():
            return
        elif part or held == number_text.UNCLEAR:
            self._ask(numbers, counts)
        else:
            self._take(numbers, counts)

    def follow(self, kind: str) -> None:
        """Read the column as the declared kind."""
        if kind == DATE:
            self._take_dates()
        elif kind == NUMBER and not is_number(self.column):
            numbers, counts = number_text.parsed(self.column)
            if number_text.n_left(counts):
                self._ask(numbers, counts)
            else:
                self._take(numbers, counts)

    def check_currency(self, given: pd.Series, currency: str) -> None:
        """Refuse money whose cells name another currency than the declared one."""
        named = number_text.currencies_in(given) if _holds_text(given) else set()
        if named and named != {currency}:
            told = f"its cells say {', '.join(sorted(named))}, and the declared currency is {currency}"
            fix = "declare the currency of the cells, or convert them first"
            self.found.append((RoleError, Problem(f"column {self.name!r}", told, fix)))

    def ask_of_sentinel(self) -> None:
        """Ask about a value that few patients have, far from all others, as codes for unknown are."""
        told = "a value that fewer than 5 patients have lies far from the few other values, as a code for unknown does"
        fix = f"if it means missing, list it under missing; else say kind={{{self.name!r}: 'number'}}"
        paste = f"if it means missing, list it under missing; else write kind: {{{as_yaml(self.name)}: number}}"
        self.found.append((MixedTypesError, Problem(f"column {self.name!r}", told, fix, paste)))

    def check_levels(self, levels: Sequence[str]) -> None:
        """Refuse values outside the declared levels."""
        allowed = {*levels, *(f"{level}.0" for level in levels)}  # 2 is written 2.0 beside 1.5
        outside = int((~as_text(self.column).dropna().isin(allowed)).sum())
        if outside:
            told = f"{outside} of {len(self.column)} values are none of its {len(levels)} declared levels"
            problem = Problem(f"levels {self.name!r}", told, "declare every level, or correct the values")
            self.found.append((RoleError, problem))

    def _take(self, numbers: np.ndarray, counts: Counter[str]) -> None:
        whole = bool(np.all(np.isfinite(numbers) & (numbers == np.floor(numbers)) & (np.abs(numbers) < WHOLE_FLOATS)))
        self.column = pd.Series(numbers.astype("int64") if whole else numbers, self.column.index, name=self.column.name)
        marks = [kind for kind in (*number_text.READ, number_text.MISSING) if kind != number_text.PLAIN]
        told = number_text.told(counts, tuple(marks))
        self.notes.append("text read as numbers" + (f" ({told})" if told else ""))

    def _are_levels(self) -> bool:
        """Whether there are few different texts, each of enough patients: as levels they lose nothing."""
        patients = self.column.value_counts()
        return len(patients) <= FEW_LEVELS and bool((patients >= SMALL_COUNT).all())

    def _tell_marks(self) -> None:
        if marks := number_text.marks_in(self.column):
            told = ", ".join(repr(mark) for mark in marks)
            self.notes.append(f"{told} kept as a level; list it under missing if it means missing")

    def _take_dates(self) -> None:
        dates = as_dates(self.column)
        unread = int((dates.isna() & self.column.notna()).sum())
        if unread:
            told = f"{unread} of {len(dates)} values are no dates, or their order of day and month is not clear"
            fix = "write dates as YYYY-MM-DD; or, if they are none, say 'number' or 'code'"
            self.found.append((RoleError, Problem(f"kind {self.name!r}", told, fix)))
            return
        days = (dates - pd.Timestamp(ORIGIN)).dt.days
        self.column = days.astype(float) if days.isna().any() else days.astype("int64")
        self.notes.append(f"dates held as whole days since {ORIGIN}")

    def _ask(self, numbers: np.ndarray, counts: Counter[str]) -> None:
        read, left = int(np.isfinite(numbers).sum()), number_text.n_left(counts)
        told = f"{read} of {read + left} known values are numbers"
        told += f"; {left} are not ({number_text.told(counts)})" if left else " stored as text"
        as_number = f"say kind={{{self.name!r}: 'number'}}; "
        in_protocol = f"write kind: {{{as_yaml(self.name)}: number}}; "
        if left:
            words = list(number_text.marks_in(self.column, number_text.UNKNOWN_WORDS)) or ["…"]
            as_number = f"correct those cells, or say what stands for missing, missing={words!r}; "
            in_protocol = f"correct those cells, or say what stands for missing, missing: {json.dumps(words)}; "
        problem = Problem(
            f"column {self.name!r}",
            told,
            f"{as_number}or, if its values are names, say kind={{{self.name!r}: 'code'}}",
            f"{in_protocol}or, if its values are names, write kind: {{{as_yaml(self.name)}: code}}",
        )
        self.found.append((self.error, problem))


def _holds_text(column: pd.Series) -> bool:
    """True where some known value is text, also as a category."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return False
    if not (types.is_object_dtype(column) or types.is_string_dtype(column)):
        return False
    return any(isinstance(value, str) for value in pd.unique(column.dropna()))


def _object_numbers(column: pd.Series) -> pd.Series | None:
    """Numbers stored as objects, or as categories too rare to be levels, as a numeric column; None for all else."""
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
    """True for an ordered category with a level that some have and fewer than `SMALL_COUNT` patients."""
    if not isinstance(column.dtype, pd.CategoricalDtype) or not column.cat.ordered:
        return False
    return any(0 < count < SMALL_COUNT for count in column.value_counts())


def _too_long(column: pd.Series) -> bool:
    """True for whole numbers of which some are too long for a float to tell them from the next."""
    if not types.is_integer_dtype(column):
        return False
    known = column.dropna()
    return bool(len(known)) and max(abs(int(known.min())), abs(int(known.max()))) >= WHOLE_FLOATS


def _occurs(mark: str, frame: pd.DataFrame) -> bool:
    """Whether a declared mark stands in some column."""
    return any(_is_mark(frame[name], [mark]).any() for name in frame.columns)


def _is_mark(column: pd.Series, missing: Sequence[str]) -> pd.Series:
    """True (n,) where a value is one of the marks, as text or as the number it says."""
    if is_number(column):
        numbers = pd.to_numeric(pd.Series(list(missing), dtype=object), errors="coerce").dropna().tolist()
        return column.isin(numbers).fillna(False).astype(bool)
    if types.is_datetime64_any_dtype(column) or types.is_bool_dtype(column):
        return pd.Series(False, index=column.index)
    return column.astype(object).map(lambda value: isinstance(value, str) and value.strip() in missing).astype(bool)


def _without_marks(column: pd.Series, missing: Sequence[str]) -> pd.Series:
    """The same column, or a copy in which the declared marks are missing."""
    marked = _is_mark(column, missing) if missing else None
    if marked is None or not marked.any():
        return column
    emptied = column.mask(marked)
    return emptied.cat.remove_unused_categories() if isinstance(emptied.dtype, pd.CategoricalDtype) else emptied
