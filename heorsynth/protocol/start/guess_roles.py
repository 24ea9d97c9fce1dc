"""Guesses what the columns of a new file are for, from their names and kinds. A guess is shown, never hidden."""

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
from heorsynth.generators.source import unfit_columns
from heorsynth.protocol.start import vocabulary as words
from heorsynth.protocol.start.guess_endpoints import endpoints, is_named

MAX_ARMS = 6
MAX_GROUP_LEVELS = 8


@dataclass(frozen=True)
class Guess:
    """One guessed role: which column or columns, and the reason, in words without any value."""

    role: str
    columns: tuple[str, ...]
    reason: str


def names_in(frame: pd.DataFrame) -> list[str]:
    """The names of a frame's columns, which a file has as text."""
    return [str(name) for name in frame.columns]


@dataclass(frozen=True)
class TextNumbers:
    """What the columns of text of a file hold that are numbers, codes of digits, or marks of missing values.

    Attributes
    ----------
    frame : DataFrame      the rows, with text that is mostly numbers as numbers
    counts : Mapping       for each such column how many cells are of which kind (`number_text.parsed`)
    codes : tuple          columns of digits with leading zeros
    marks : tuple          marks of missing values that stand in such a column, as they are written
    currencies : Mapping   for each such column the codes of the currencies whose signs stand there
    unclear : tuple        columns of numbers whose marks may be of thousands or of decimals, or in several currencies
    """

    frame: pd.DataFrame
    counts: Mapping[str, Counter[str]]
    codes: tuple[str, ...]
    marks: tuple[str, ...]
    currencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unclear: tuple[str, ...] = ()


def text_numbers(frame: pd.DataFrame) -> TextNumbers:
    """The numbers among the columns of text of a file. The frame is not changed."""
    made: dict[str, np.ndarray] = {}
    counts: dict[str, Counter[str]] = {}
    codes, unclear, marks, currencies = list[str](), list[str](), set[str](), dict[str, tuple[str, ...]]()
    for name in names_in(frame):
        column = frame[name]
        if not (types.is_object_dtype(column) or types.is_string_dtype(column)) or looks_like_dates(column):
            continue
        numbers, kinds = number_text.parsed(column)
        holds = number_text.content_of(numbers, kinds)
        if holds == number_text.CODES:
            codes.append(name)
        elif holds == number_text.UNCLEAR and _doubtful(kinds):
            unclear.append(name)
        if holds not in (number_text.LEVELS, number_text.CODES):
            currencies[name] = tuple(sorted(number_text.currencies_in(column)))
        if holds in (number_text.LEVELS, number_text.CODES) or name in unclear:
            continue
        found = number_text.marks_in(column, (*number_text.MISSING_MARKS, *number_text.UNKNOWN_WORDS))
        made[name], counts[name] = number_text.parsed(column.mask(column.isin(found)))
        marks |= set(found)
    held = frame.assign(**made) if made else frame
    return TextNumbers(held, counts, tuple(codes), tuple(sorted(marks)), currencies, tuple(unclear))


def _doubtful(counts: Counter[str]) -> bool:
    """Whether most of what is no number may be one, by its marks of thousands, its currency or its percent sign."""
    doubtful = counts[number_text.AMBIGUOUS] + counts[number_text.CURRENCIES]
    return 2 * doubtful > number_text.n_unread(counts)


def guess_roles(frame: pd.DataFrame, taken: Iterable[str] = (), unclear: Iterable[str] = ()) -> list[Guess]:
    """The guessed roles of a frame's columns, but for those `taken`; each column in at most one.

    Columns that are `unclear` are numbers that cannot be read yet: they may be costs, and are neither id nor dropped.

    Only names, types and numbers of levels are looked at and told, never a value. What no generator can make anew
    (dates, free text, further ids, what is the same for everyone) is guessed to be dropped.
    """
    left = frame.drop(columns=list(taken))
    found: list[Guess] = []

    def take(role: str, columns: list[str], reason: str) -> None:
        if columns:
            found.append(Guess(role, tuple(columns), reason))
            left.drop(columns=columns, inplace=True)

    take("drop", [name for name in names_in(left) if left[name].nunique() < 2], "the same for everyone, or empty")
    if "USUBJID" not in set(taken):
        take("id", *_id(left.drop(columns=list(unclear))))
    for pair, reason in endpoints(left):
        take("endpoint", list(pair), reason)
    take(
        "arm",
        [name for name in names_in(left) if _is_arm(left[name])][:1],
        f"named like an arm, at most {MAX_ARMS} levels",
    )
    numbers = [name for name in names_in(left) if types.is_numeric_dtype(left[name]) or name in unclear]
    take("costs", [name for name in numbers if is_named(name, words.COST)], "a number named like a cost")
    numbers = [name for name in numbers if name in left]
    take("utilities", [name for name in numbers if is_named(name, words.UTILITY)], "a number named like a utility")
    take("subgroups", [name for name in names_in(left) if is_named(name, words.GROUP) and _is_group(left[name])],
         f"named like a subgroup, 2 to {MAX_GROUP_LEVELS} levels of at least 2 patients")  # fmt: skip
    held = next((guess.columns[0] for guess in found if guess.role == "id"), None)
    for _, problem in unfit_columns(left.drop(columns=list(unclear), errors="ignore"), Schema({}, id=held)):
        take("drop", [name for name in names_in(left) if problem.where == f"column {name!r}"], problem.found)
    return found


def _id(frame: pd.DataFrame) -> tuple[list[str], str]:
    """The column that tells patients apart, if any: by name, else by values that could do nothing else."""
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
    return 2 <= len(counts) <= MAX_GROUP_LEVELS and int(counts.min()) >= 2


def _is_arm(column: pd.Series) -> bool:
    """True for a few levels under an arm's name; "group" names an arm only alone or beside such a word."""
    name = str(column.name)
    parts = set(words_of(name))
    named = is_named(name, words.ARM) or bool("group" in parts and parts <= words.ARM | words.BESIDE_ARM)
    if not named:
        return False
    counts = column.value_counts()
    return 2 <= len(counts) <= MAX_ARMS and int(counts.min()) >= 2


def currencies_named(columns: Iterable[str]) -> set[str]:
    """The currencies that the names of these columns say."""
    found = {word for name in columns for word in words_of(name)}
    return {code for code in set(number_text.CURRENCY_OF.values()) if code.lower() in found and code != "TRY"}


def shared_levels(column: pd.Series) -> tuple[str, ...]:
    """The levels of a column, if each is shared by enough patients to be told; else none."""
    counts = as_text(column).value_counts()
    shown = len(counts) <= MAX_GROUP_LEVELS and bool((counts >= SMALL_COUNT).all())
    return tuple(sorted(map(str, counts.index))) if shown else ()


def guess_reference(column: pd.Series) -> str:
    """The one level of an arm that is called as controls are, such as placebo; "" if none or several are."""
    called = [level for level in shared_levels(column) if set(words_of(level)) & words.CONTROL]
    return called[0] if len(called) == 1 else ""
