"""Finds rules of levels: bands of a number, levels that decide others, and implied values and missing values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from heorsynth.core.ranks import rising
from heorsynth.data.rules import chance
from heorsynth.data.rules.find_numbers import tied_pairs
from heorsynth.data.rules.level_rules import Bands, Gives, Implies, Statement, Together
from heorsynth.data.rules.patients import Patients
from heorsynth.data.rules.rule import as_level

_FEWEST_IMPLIED = 50
"""A level that implies a level needs so many patients: with fewer, a strong association often has no exception."""

_SPIKE = 0.1
"""A number that this share of the patients has is a value that can imply, and be implied."""

_BLOCK = 10_000
"""Rows that are counted together: a sum of more ones loses none in 32 bits, and memory stays small."""

_SCREENED = 1000
"""Rows in which levels are tried first, before all rows."""

_MOST_TIED = 40
"""Conditions are looked for in at most so many pairs of columns that are often equal."""


def bands(patients: Patients) -> Iterator[Bands]:
    """Yield a rule for each column of levels that lie one after the other along a number.

    A cut is the roundest number between the largest value of one band and the smallest of the next.
    """
    coded = {name: patients.table.levels(name) for name in patients.levels}
    alike = _known_together(patients)
    for number in patients.numeric:
        values = patients.table.numbers(number)
        known = ~np.isnan(values)
        names = _in_a_row(alike.get(np.packbits(known).tobytes()), values, known)
        names = [name for name in names if name != number and not patients.declared(name, number)]
        order = _ascending(values, np.flatnonzero(known)) if names else np.zeros(0, dtype=int)
        ordered = values[order]
        for name in names:
            levels = coded[name]
            codes = levels.codes[order]
            cuts = np.flatnonzero(np.diff(codes.astype(int)))
            counts = np.bincount(codes, minlength=len(levels.names) - 1)
            counts = counts[counts > 0]
            if len(cuts) != len(counts) - 1 or counts.min() < patients.least or len(np.unique(ordered)) == len(counts):
                continue
            if np.any(ordered[cuts] == ordered[cuts + 1]):
                continue
            edges = tuple(_round_cut(ordered[cut], ordered[cut + 1]) for cut in cuts)
            held = patients.value_of(name)
            labels = tuple(held[str(levels.names[codes[place]])] for place in (*cuts, len(codes) - 1))
            yield Bands(
                name,
                number,
                edges,
                labels,
                support=int(known.sum()),
                log_chance=chance.contiguous(counts.astype(float)),
            )


_Coded = tuple[list[str], np.ndarray]
"""Columns of levels that are known in the same rows: names and codes (k, n)."""


def _known_together(patients: Patients) -> dict[bytes, _Coded]:
    """Columns of levels by the rows in which they are known."""
    groups: dict[bytes, list[str]] = {}
    for name in patients.levels:
        groups.setdefault(np.packbits(patients.table.levels(name).codes >= 0).tobytes(), []).append(name)
    found = {}
    for rows, names in groups.items():
        found[rows] = names, np.array([patients.table.levels(name).codes for name in names])
    return found


def _in_a_row(coded: _Coded | None, values: np.ndarray, known: np.ndarray) -> list[str]:
    """The columns whose levels lie one after the other in the order of the known values (n,).

    Levels that do not in some of the rows do not in all.
    """
    rows = np.flatnonzero(known)
    if coded is None or not len(rows):
        return []
    names, codes = coded
    for some in (rows[:: max(1, len(rows) // _SCREENED)], rows):
        ordered = codes[:, _ascending(values, some)]
        changes = (ordered[:, 1:] != ordered[:, :-1]).sum(axis=1)
        kept = np.flatnonzero(changes == [len(np.unique(one)) - 1 for one in ordered])
        names, codes = [names[place] for place in kept], codes[kept]
        if not names:
            break
    return names


def _ascending(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """These rows in the ascending order of their values, those of equal values in their own order."""
    return rows[rising(values[rows])]


def _round_cut(below: float, above: float) -> float:
    """The number with the fewest digits above one value and not above the other, nearest to their middle.

    Examples
    --------
    >>> _round_cut(39.0, 40.0), _round_cut(17.2, 23.9), _round_cut(1.23, 1.26)
    (40.0, 20.0, 1.25)
    """
    middle = (below + above) / 2
    for decimals in range(-12, 13):
        unit = 10.0**-decimals
        for step in (10 * unit / 2, unit):
            cut = round(round(middle / step) * step, max(decimals, 0) + 1)
            for tried in (cut, round(cut + step, max(decimals, 0) + 1), round(cut - step, max(decimals, 0) + 1)):
                if below < tried <= above and (tried < above or float(above).is_integer()):
                    return float(tried)
    return middle


def _missing_together(patients: Patients) -> list[list[str]]:
    """The columns that are missing for enough patients and known for enough, in groups that are missing together."""
    groups: dict[bytes, list[str]] = {}
    for name in dict.fromkeys((*patients.levels, *patients.numeric)):
        missing = patients.table.missing(name)
        if patients.least <= missing.sum() <= patients.n - patients.least:
            groups.setdefault(np.packbits(missing).tobytes(), []).append(name)
    return list(groups.values())


def together(patients: Patients) -> Iterator[Together]:
    """Yield a rule for each group of columns that are missing in the same rows."""
    for group in _missing_together(patients):
        if len(group) > 1 and not patients.declared(*group):
            count = int(patients.table.missing(group[0]).sum())
            yield Together(
                tuple(group),
                support=count,
                log_chance=float(chance.implied(np.array(count), np.array(count), patients.n)) * (len(group) - 1),
            )


@dataclass(frozen=True)
class _Marks:
    """Statements on single columns.

    Attributes
    ----------
    statements : tuple of Statement (t)
    rows : array of bool (n, t)      where each holds
    level : array of bool (t,)       those that name a level
    alike : Mapping                  column to the first of those that are missing together with it
    """

    statements: tuple[Statement, ...]
    rows: np.ndarray
    level: np.ndarray
    alike: Mapping[str, str]

    @cached_property
    def counts(self) -> np.ndarray:
        return np.asarray(self.rows.sum(axis=0))

    @cached_property
    def states(self) -> Mapping[tuple[str, str], int]:
        """Column and state to the place of its statement."""
        return {(one.column, one.state): place for place, one in enumerate(self.statements) if one.state}

    @cached_property
    def missing(self) -> np.ndarray:
        """The places of the statements that a column is missing."""
        return np.array([place for place, one in enumerate(self.statements) if one.state == "missing"], dtype=int)

    @cached_property
    def of_column(self) -> Mapping[str, Sequence[Statement]]:
        """Column to its statements."""
        found: dict[str, list[Statement]] = {}
        for one in self.statements:
            found.setdefault(one.column, []).append(one)
        return found

    @classmethod
    def of(cls, patients: Patients, texts: Sequence[str], numbers: Sequence[str]) -> _Marks:
        """Levels of columns, frequent numbers, and missing values; of columns that are missing together, the first."""
        found: list[Statement] = []
        rows: list[np.ndarray] = []
        level: list[bool] = []
        for name in texts:
            held, coded = patients.value_of(name), patients.table.levels(name)
            for place, text in enumerate(coded.names[:-1]):
                found.append(Statement(name, value=held[str(text)]))
                rows.append(coded.codes == place)
                level.append(True)
        for name in (one for one in numbers if one not in texts):
            values = patients.table.numbers(name)
            different, counts = np.unique(values[~np.isnan(values)], return_counts=True)
            if len(counts) and counts.max() >= max(patients.least, _SPIKE * patients.n) and len(counts) > 1:
                spike = float(different[counts.argmax()])
                found.append(Statement(name, value=int(spike) if spike.is_integer() else spike))
                rows.append(values == different[counts.argmax()])
                level.append(False)
        groups = _missing_together(patients)
        for name in (group[0] for group in groups):
            missing = patients.table.missing(name)
            found += [Statement(name, state="missing"), Statement(name, state="known")]
            rows += [missing, ~missing]
            level += [False, False]
        held_rows = np.column_stack([np.zeros((patients.n, 0), dtype=bool), *rows])
        alike = {name: group[0] for group in groups for name in group}
        return cls(tuple(found), held_rows, np.array(level, dtype=bool), alike)


def implications(patients: Patients, texts: Sequence[str], numbers: Sequence[str]) -> tuple[list[Gives], list[Implies]]:
    """The levels that decide another column's, and what statements on one column imply for others."""
    marks = _Marks.of(patients, texts, numbers)
    if not marks.statements:
        return [], []
    common = np.zeros((len(marks.statements), len(marks.statements)))
    for start in range(0, patients.n, _BLOCK):
        held = marks.rows[start : start + _BLOCK].astype(np.float32)
        common += held.T @ held
    given = list(_given(patients, texts, marks, common))
    ties = {frozenset((rule.code, rule.label)) for rule in given}
    found = [
        *_implied(patients, marks, common, ties),
        *_implied_equalities(patients, marks, numbers),
    ]
    return given, found


def _given(patients: Patients, texts: Sequence[str], marks: _Marks, common: np.ndarray) -> Iterator[Gives]:
    """Yield a rule for each pair of columns of which the first decides the second; of a one-to-one pair, one rule."""
    places: dict[str, list[int]] = {name: [] for name in texts}
    for place, one in enumerate(marks.statements):
        if one.column in places and (one.value is not None or one.state == "missing"):
            places[one.column].append(place)
    decides = {pair for pair in _deciding(texts, places, marks, common) if not patients.declared(*pair)}
    for code, label in sorted(decides):
        twin = (label, code) in decides and (label, code) < (code, label)
        through = any(
            (code, middle) in decides and (middle, label) in decides and (middle, code) not in decides
            and (label, middle) not in decides
            for middle in texts
        )  # fmt: skip
        if twin or through:
            continue
        pairs = []
        rows = _values(places[code], marks)
        table = common[np.ix_(rows, places[label])]
        for row, counts in zip(rows, table, strict=True):
            best = int(counts.argmax())
            if counts[best] >= patients.least:
                statement = marks.statements[places[label][best]]
                pairs.append((_level(marks.statements[row]), statement.value))
        totals = table.sum(axis=0)
        log_chance = chance.decided(len(rows), totals[totals > 0].astype(float))
        if len(pairs) > 1:
            support = int(table[table >= patients.least].sum())
            yield Gives(code, label, tuple(pairs), support=support, log_chance=log_chance)


def _deciding(
    texts: Sequence[str], places: Mapping[str, Sequence[int]], marks: _Marks, common: np.ndarray
) -> list[tuple[str, str]]:
    """The pairs of columns of which each level of the first goes with one level of the second, or with missing."""
    of, valued = np.zeros((len(common), len(texts)), dtype=np.float32), np.zeros((len(texts), len(common)), np.float32)
    for column, name in enumerate(texts):
        of[places[name], column] = 1
        valued[column, _values(places[name], marks)] = 1
    several = ((common > 0).astype(np.float32) @ of > 1).astype(np.float32)
    decides = valued @ several == 0
    np.fill_diagonal(decides, False)
    return [(texts[code], texts[label]) for code, label in np.argwhere(decides)]


def _values(places: Sequence[int], marks: _Marks) -> list[int]:
    return [place for place in places if marks.statements[place].value is not None]


def _level(statement: Statement) -> str:
    return "" if statement.value is None else as_level(statement.value)


def _implied(patients: Patients, marks: _Marks, common: np.ndarray, ties: set[frozenset[str]]) -> Iterator[Implies]:
    """Yield a rule for each statement that implies another; of a rule and its reverse (not b implies not a), one."""
    counts, n = marks.counts, patients.n
    fits = (common == counts[:, None]) & (counts[:, None] >= patients.least) & (counts[None, :] < n)
    names = np.array([one.column for one in marks.statements], dtype=object)
    fits &= names[:, None] != names[None, :]
    level = marks.level
    enough = np.where(level[:, None] & level[None, :], _FEWEST_IMPLIED, patients.least)
    fits &= (counts[:, None] >= enough) & (n - counts[None, :] >= patients.least)
    seen: set[tuple[Statement | None, Statement | None]] = set()
    rows, columns = np.nonzero(fits)
    known_last = np.array([one.state == "known" for one in marks.statements])
    order = np.lexsort((columns, rows, counts[rows], known_last[rows] | known_last[columns]))
    for i, j in zip(rows[order], columns[order], strict=True):
        when, then = marks.statements[i], marks.statements[j]
        known = when.state == "known" or then.state == "known"
        if patients.declared(when.column, then.column) or frozenset((when.column, then.column)) in ties:
            continue
        if known and (then.state in (when.state, "missing")) and when.state:
            continue
        reverse = _negated(then, marks), _negated(when, marks)
        if None not in reverse and reverse in seen:
            continue
        if _through(i, j, marks, fits):
            continue
        seen.add((when, then))
        log_chance = float(chance.implied(counts[i], counts[j], n))
        yield Implies(when, then, support=int(counts[i]), log_chance=log_chance)


def _through(i: int, j: int, marks: _Marks, fits: np.ndarray) -> bool:
    """True if the implication follows from others: through a third column, or since it holds for all known values."""
    when, then = marks.statements[i], marks.statements[j]
    states = marks.states
    if when.state == then.state == "missing":
        return bool((fits[i, marks.missing] & fits[marks.missing, j]).any())
    known = states.get((marks.alike.get(when.column, ""), "known"))
    return bool(then.state and not when.state and known is not None and (known == j or fits[known, j]))


def _negated(statement: Statement, marks: _Marks) -> Statement | None:
    """The statement that is true in all other rows, if it is one: the other state, or the other of two levels."""
    if statement.state:
        return Statement(statement.column, state="known" if statement.state == "missing" else "missing")
    others = [one for one in marks.of_column[statement.column] if one != statement and one.state != "known"]
    return others[0] if len(others) == 1 and others[0].value is not None else None


def _implied_equalities(patients: Patients, marks: _Marks, numbers: Sequence[str]) -> Iterator[Implies]:
    """Yield a rule for each statement in whose rows two columns are equal, as no event implies equal times."""
    counts, n = marks.counts, patients.n
    for place, (one, other, tied) in enumerate(tied_pairs(patients, numbers)):
        if place >= _MOST_TIED:
            return
        both = marks.rows[tied].sum(axis=0)
        less = np.nanmean(patients.table.numbers(one)) <= np.nanmean(patients.table.numbers(other))
        then = Statement(one, other=other) if less else Statement(other, other=one)
        for index in np.flatnonzero((both == counts) & (counts >= patients.least)):
            when = marks.statements[index]
            if when.column not in (one, other) and when.state != "known":
                log_chance = float(chance.implied(counts[index], np.array(tied.sum()), n))
                yield Implies(when, then, support=int(counts[index]), log_chance=log_chance)
