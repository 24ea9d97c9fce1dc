"""Guesses the roles of the columns of a file from their names and types; every guess is shown to the user."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from pandas.api import types

from heorsynth.data.columns import number_text
from heorsynth.data.columns.identifiers import ROW_NAMES, identifying_reason, looks_like_dates, names_a_person, words_of
from heorsynth.data.columns.levels import SMALL_COUNT, as_text
from heorsynth.data.columns.schema import Schema
from heorsynth.generators.sampling.source import unfit_columns
from heorsynth.protocol.start import vocabulary as words
from heorsynth.protocol.start.guess_endpoints import endpoints, is_named

_MAX_ARMS = 6
_MAX_GROUP_LEVELS = 8


@dataclass(frozen=True)
class Guess:
    """A guessed role, its columns, and the reason without any value."""

    role: str
    columns: tuple[str, ...]
    reason: str


def names_in(frame: pd.DataFrame) -> list[str]:
    """The column names of a frame, as text."""
    return [str(name) for name in frame.columns]


@dataclass(frozen=True)
class TextNumbers:
    """Text columns of a file that contain numbers, codes of digits, or marks of missing values.

    Attributes
    ----------
    frame : DataFrame      the rows; columns with mostly numbers are converted to numbers
    counts : Mapping       converted column to the number of cells of each kind (`number_text.parsed`)
    codes : tuple          columns of digits with leading zeros
    marks : tuple          marks of missing values in the converted columns, as written
    currencies : Mapping   converted column to the codes of the currencies in its cells
    unclear : tuple        columns of numbers with ambiguous separators of thousands or decimals, or several currencies
    """

    frame: pd.DataFrame
    counts: Mapping[str, Counter[str]]
    codes: tuple[str, ...]
    marks: tuple[str, ...]
    currencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unclear: tuple[str, ...] = ()


def text_numbers(frame: pd.DataFrame) -> TextNumbers:
    """Find the text columns of a file that contain numbers, codes or marks. The frame is not changed."""
    numeric: dict[str, np.ndarray] = {}
    counts: dict[str, Counter[str]] = {}
    codes, unclear, marks, currencies = list[str](), list[str](), set[str](), dict[str, tuple[str, ...]]()
    for name in names_in(frame):
        column = frame[name]
        if not (types.is_object_dtype(column) or types.is_string_dtype(column)) or looks_like_dates(column):
            continue
        numbers, kinds = number_text.parsed(column)
        content = number_text.content_of(numbers, kinds)
        if content == number_text.CODES:
            codes.append(name)
        elif content == number_text.UNCLEAR and _doubtful(kinds):
            unclear.append(name)
        if content not in (number_text.LEVELS, number_text.CODES):
            currencies[name] = tuple(sorted(number_text.currencies_in(column)))
        if content in (number_text.LEVELS, number_text.CODES) or name in unclear:
            continue
        in_column = number_text.marks_in(column, (*number_text.MISSING_MARKS, *number_text.UNKNOWN_WORDS))
        numeric[name], counts[name] = number_text.parsed(column.mask(column.isin(in_column)))
        marks |= set(in_column)
    converted = frame.assign(**numeric) if numeric else frame
    return TextNumbers(converted, counts, tuple(codes), tuple(sorted(marks)), currencies, tuple(unclear))


def _doubtful(counts: Counter[str]) -> bool:
    """True if most other cells could be numbers with ambiguous separators, other currencies or percent signs."""
    doubtful = counts[number_text.AMBIGUOUS] + counts[number_text.CURRENCIES]
    return 2 * doubtful > number_text.n_unread(counts)


def guess_roles(frame: pd.DataFrame, taken: Iterable[str] = (), unclear: Iterable[str] = ()) -> list[Guess]:
    """The guessed roles of the columns, without those in `taken`; each column has at most one role.

    Columns in `unclear` have numbers that cannot be read yet: they can be costs, but not the id, and are not dropped.
    Columns that cannot be synthesised (dates, free text, further ids, constants) are guessed as `drop`. The reasons
    contain names, types and numbers of levels, never a value.
    """
    left = frame.drop(columns=list(taken))
    guesses: list[Guess] = []

    def take(role: str, columns: list[str], reason: str) -> None:
        if columns:
            guesses.append(Guess(role, tuple(columns), reason))
            left.drop(columns=columns, inplace=True)

    take("drop", [name for name in names_in(left) if left[name].nunique() < 2], "constant or empty")
    if "USUBJID" not in set(taken):
        take("id", *_id(left.drop(columns=list(unclear))))
    for pair, reason in endpoints(left):
        take("endpoint", list(pair), reason)
    take(
        "arm",
        [name for name in names_in(left) if _is_arm(left[name])][:1],
        f"named like an arm, at most {_MAX_ARMS} levels",
    )
    numbers = [name for name in names_in(left) if types.is_numeric_dtype(left[name]) or name in unclear]
    take("costs", [name for name in numbers if is_named(name, words.COST)], "a number named like a cost")
    numbers = [name for name in numbers if name in left]
    take("utilities", [name for name in numbers if is_named(name, words.UTILITY)], "a number named like a utility")
    take("subgroups", [name for name in names_in(left) if is_named(name, words.GROUP) and _is_group(left[name])],
         f"named like a subgroup, 2 to {_MAX_GROUP_LEVELS} levels of at least 2 patients")  # fmt: skip
    id_column = next((guess.columns[0] for guess in guesses if guess.role == "id"), None)
    for _, problem in unfit_columns(left.drop(columns=list(unclear), errors="ignore"), Schema({}, id=id_column)):
        take("drop", [name for name in names_in(left) if problem.where == f"column {name!r}"], problem.found)
    return guesses


def _id(frame: pd.DataFrame) -> tuple[list[str], str]:
    """The column that identifies patients, if any: by its name, else by its values; and the reason."""
    for name in names_in(frame):
        if names_a_person(name) and identifying_reason(frame[name]):
            return [name], "named like an id, all different"
    for name in names_in(frame):
        column = frame[name]
        if identifying_reason(column) and not ROW_NAMES.fullmatch(name):
            return [name], "whole numbers one apart, all different"
        if _is_key(column):
            return [name], "short text, all different"
    return [], ""


def _is_key(column: pd.Series) -> bool:
    if types.is_numeric_dtype(column):
        return False
    known = column.dropna()
    if known.empty or known.duplicated().any() or looks_like_dates(known):
        return False
    return len(known) == len(column) and not known.astype(str).str.contains(r"\s").any()


def _is_group(column: pd.Series) -> bool:
    counts = column.value_counts()
    return 2 <= len(counts) <= _MAX_GROUP_LEVELS and int(counts.min()) >= 2


def _is_arm(column: pd.Series) -> bool:
    """True for a few levels and a name like an arm; "group" counts only alone or with another word for an arm."""
    name = str(column.name)
    parts = set(words_of(name))
    named = is_named(name, words.ARM) or bool("group" in parts and parts <= words.ARM | words.BESIDE_ARM)
    if not named:
        return False
    counts = column.value_counts()
    return 2 <= len(counts) <= _MAX_ARMS and int(counts.min()) >= 2


def currencies_named(columns: Iterable[str]) -> set[str]:
    """The currencies in the names of these columns."""
    parts = {word for name in columns for word in words_of(name)}
    return {code for code in set(number_text.CURRENCY_OF.values()) if code.lower() in parts and code != "TRY"}


def shared_levels(column: pd.Series) -> tuple[str, ...]:
    """The levels of a column, if enough patients share each to publish it; else none."""
    counts = as_text(column).value_counts()
    shown = len(counts) <= _MAX_GROUP_LEVELS and bool((counts >= SMALL_COUNT).all())
    return tuple(sorted(map(str, counts.index))) if shown else ()


def guess_reference(column: pd.Series) -> str:
    """The level of an arm that is named like a control, such as placebo; "" if none or several are."""
    controls = [level for level in shared_levels(column) if set(words_of(level)) & words.CONTROL]
    return controls[0] if len(controls) == 1 else ""
