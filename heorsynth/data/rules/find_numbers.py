"""Finds rules of numbers: equal columns, order, sums with their areas and differences, and steps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from heorsynth.data.rules import chance
from heorsynth.data.rules.numeric_rules import Equal, Order, Steps, Sum
from heorsynth.data.rules.patients import Patients
from heorsynth.data.rules.rule import near, visit_of

_MOST_SUMMED = 150
"""Sums are looked for among at most so many columns at once."""

_MOST_TERMS = 12
"""A sum has at most so many terms: a combination of more columns is no rule that anybody wrote down."""

_SCREENED = 64
"""Rows in which a candidate is tried first, before all rows."""

_SUM_ROWS = 1500
"""Rows in which dependent columns are looked for; every row is then tested."""

_LOOSE = 0.02
"""A column whose part outside the others is below this share of its size may be a rounded sum of them."""

_DENOMINATORS = (1, 2, 4, 12, 100, 365, 1000)
"""Factors are fractions with one of these denominators at most, the simplest that fits."""

_STRONG = -30.0
"""Columns that no role and no tie puts on one scale need this log10 of the chance to be called ordered."""

_FEWEST_VALUES = 8
"""Steps are looked for in a column of at least so many different values."""

_LARGEST = 1e9
"""Steps are not looked for in larger numbers: a float has too few digits for them."""


def equal_columns(patients: Patients) -> Iterator[Equal]:
    """Yield a rule for each column that equals an earlier one in every row."""
    numeric, seen = frozenset(patients.numeric), dict[bytes, str]()
    names = (*patients.numeric, *(name for name in patients.levels if name not in numeric))
    first = {name: _content(patients, name, _places(patients.n, _SCREENED)) for name in names}
    often = Counter(first.values())
    for name in (name for name in names if often[first[name]] > 1):  # all others differ in a screened row already
        key = _content(patients, name, slice(None))
        values = patients.table.numbers(name) if name in numeric else patients.table.levels(name).codes
        known = ~np.isnan(values) if name in numeric else values >= 0
        if key not in seen:
            seen[key] = name
        elif int(known.sum()) >= patients.least:
            log_chance = chance.equal_values(values[known], values[known])
            yield Equal(seen[key], name, support=int(known.sum()), log_chance=log_chance)


def _content(patients: Patients, name: str, rows: np.ndarray | slice) -> bytes:
    """What a column has in these rows: numbers to ten digits, or levels."""
    if name not in patients.numeric:
        levels = patients.table.levels(name)
        return "\0".join(levels.names).encode() + levels.codes[rows].tobytes()
    values = patients.table.numbers(name)[rows]
    known = ~np.isnan(values)
    with np.errstate(divide="ignore"):
        size = np.where(values == 0, 0, 9 - np.floor(np.log10(np.abs(np.where(known, values, 1)))))
    return (np.round(np.where(known, values, 0) * 10.0**size) + 0.0).tobytes() + size.tobytes() + known.tobytes()


def ordered_columns(patients: Patients, names: Sequence[str]) -> Iterator[Order]:
    """Yield a rule for each pair of columns of one scale of which one is never above the other.

    One scale means: by their roles, by values that enough patients have equal in both, or beyond any doubt (`_STRONG`).
    An order that the margins alone imply is no rule.
    """
    if len(names) < 2:
        return
    names = [name for name in names if _several(patients.table.numbers(name))]
    values = patients.table.several_numbers(tuple(names))
    screen = values[:, _places(patients.n, _SCREENED)]
    with np.errstate(invalid="ignore"):
        lows, highs = np.nanmin(values, axis=1), np.nanmax(values, axis=1)
        for i, name in enumerate(names):
            fits = ~(screen[i] > screen).any(axis=1) & ~(highs[i] <= lows)
            fits[i] = False
            for j in np.flatnonzero(fits).tolist():
                other = names[j]
                known = ~np.isnan(values[i]) & ~np.isnan(values[j])
                low, high = values[i][known], values[j][known]
                if patients.declared(name, other) or len(low) < patients.least or np.any(low > high):
                    continue
                log_chance = chance.never_above(low, high)
                tied = low == high
                shared = tied.any() and int((tied & (low != _mode(low[tied]))).sum()) >= patients.least
                if shared or patients.same_scale(name, other) or log_chance < _STRONG:
                    yield Order(name, other, support=len(low), log_chance=log_chance)


def reduced_orders(found: Sequence[Order], patients: Patients, sums: Sequence[Sum]) -> list[Order]:
    """The orders that neither follow from two others (a <= b <= c) nor from a sum of parts that are never negative."""
    pairs = {(rule.low, rule.high) for rule in found}
    implied = set()
    for added in sums:
        parts = [name for factor, name in added.terms if factor >= 1]
        positive = all(
            factor > 0 and np.nanmin(patients.table.numbers(name), initial=0.0) >= 0 for factor, name in added.terms
        )
        if positive and added.constant >= 0:
            implied |= {(name, added.whole) for name in parts}
    kept = []
    for rule in found:
        either = ~np.isnan(patients.table.numbers(rule.low)) & ~np.isnan(patients.table.numbers(rule.high))
        between = [
            middle
            for (low, middle) in pairs
            if low == rule.low and (middle, rule.high) in pairs and (rule.high, middle) not in pairs
        ]
        through = any(not np.isnan(patients.table.numbers(middle)[either]).any() for middle in between)
        if not through and (rule.low, rule.high) not in implied:
            kept.append(rule)
    return kept


def sums(patients: Patients, names: Sequence[str]) -> Iterator[Sum]:
    """Yield a rule for each column that is a constant plus simple multiples of others.

    Columns with the same missing values are looked at together, each group with the columns that are always known.
    """
    table = patients.table
    several = [name for name in names if not _constant(table.numbers(name))]
    groups: dict[bytes, list[str]] = {}
    for name in several[:_MOST_SUMMED]:
        groups.setdefault(np.packbits(np.isnan(table.numbers(name))).tobytes(), []).append(name)
    always = groups.pop(np.packbits(np.zeros(patients.n, dtype=bool)).tobytes(), [])
    found: list[Sum] = []
    for group in [[], *(held for held in groups.values() if len(held) > 0)]:
        for rule in _sums_of(patients, [*always, *group]):
            if rule not in found and (not group or {*rule.columns} & {*group}):
                found.append(rule)
                yield rule


def _sums_of(patients: Patients, names: Sequence[str]) -> Iterator[Sum]:
    """Yield the sums among columns that are known in the same rows: each column in turn against the smaller ones."""
    schema, table = patients.schema, patients.table
    values = table.several_numbers(tuple(names)).T
    rows = np.flatnonzero(~np.isnan(values).any(axis=1))
    if len(rows) < max(patients.least, 2):
        return
    some = values[rows[_places(len(rows), _SUM_ROWS)]]
    fixed = {*schema.times, *schema.events, *schema.strata}
    size = np.abs(some).mean(axis=0)
    order = sorted(range(len(names)), key=lambda place: (names[place] not in fixed, size[place]))
    basis, free = [np.full(len(some), 1 / np.sqrt(len(some)))], list[int]()
    for place in order:
        column = some[:, place]
        rest = column - column.mean()
        spread = float(np.linalg.norm(rest))
        for _ in range(2):
            made = np.array(basis)
            rest = rest - made.T @ (made @ rest)
        left = float(np.linalg.norm(rest))
        if spread == 0:
            continue
        if left < _LOOSE * spread and len(some) > len(free) + 5:
            rule = _simple_sum(patients, names, place, free, some, left)
            if rule is not None:
                yield rule
                continue
        if left > 1e-9 * spread and len(basis) < len(some):
            basis.append(rest / left)
            free.append(place)


def _simple_sum(
    patients: Patients, names: Sequence[str], place: int, free: Sequence[int], some: np.ndarray, left: float
) -> Sum | None:
    """The sum with simple factors that gives a column in every row, if there is one; turned so that it adds up."""
    means = some.mean(axis=0)
    design = some[:, list(free)] - means[list(free)]
    scale = np.linalg.norm(design, axis=0)
    solved, *_ = np.linalg.lstsq(design / scale, some[:, place] - means[place], rcond=None)
    errors = np.sqrt(np.maximum(np.diag(np.linalg.pinv((design / scale).T @ (design / scale))), 0))
    errors = errors * left / np.sqrt(max(len(some) - len(scale), 1)) / scale
    factors = solved / scale
    close = np.maximum(5 * errors, 1e-8 * np.maximum(np.abs(factors), 1e-3))
    chosen = [(_simple(one, slack), names[held]) for one, slack, held in zip(factors, close, free, strict=True)]
    terms = [(factor, name) for factor, name in chosen if factor]
    if any(factor is None for factor, _ in chosen) or not 1 <= len(terms) <= _MOST_TERMS:
        return None
    rest = some[:, place] - sum(float(factor or 0) * some[:, names.index(name)] for factor, name in terms)
    slack = max(5 * left / len(some), 1e-9 * float(np.abs(some[:, place]).max()))
    constant = _simple(float(rest.mean()), slack)
    if constant is None:
        return None
    whole = names[place]
    if patients.declared(whole, *(name for _, name in terms)):
        return None
    rule = _adding(whole, [(float(factor or 0), name) for factor, name in terms], constant)
    for within in (0.0, _rounding(patients.table.numbers(rule.whole))):
        tried = replace(rule, within=within)
        if not tried.broken_rows(patients.table).any():
            known = tried.about(patients.table)
            total = tried.total(patients.table)[known]
            values = patients.table.numbers(tried.whole)[known]
            tries = len(terms) * np.log10(2000.0 * max(len(names), 2))
            log_chance = chance.equal_values(total, values, max(within, 1e-9 * float(np.abs(values).max()))) + tries
            return replace(tried, support=int(known.sum()), log_chance=log_chance)
    return None


def _adding(whole: str, terms: list[tuple[float, str]], constant: float) -> Sum:
    """The relation written for the column that is a sum of positive multiples of the others, if there is one."""
    held = [(-1.0, whole), *terms]
    forms = []
    for factor, name in held:
        others = [(-one / factor, other) for one, other in held if other != name]
        forms.append((min(one for one, _ in others), name, others, -constant / factor))
    best = max(forms, key=lambda form: (form[0] > 0, form[1] == whole))
    if best[0] <= 0:
        best = next(form for form in forms if form[1] == whole)
    simple = tuple(
        sorted(((_tidy(one), name) for one, name in best[2]), key=lambda term: visit_of(term[1]) or (term[1], 0.0))
    )
    return Sum(best[1], simple, _tidy(best[3]))


def _tidy(factor: float) -> float:
    return float(f"{factor:.12g}") + 0.0


def _simple(factor: float, slack: float) -> float | None:
    """The simplest fraction within the slack of a factor; 0 if that fits; None if none does."""
    if abs(factor) <= slack:
        return 0.0
    for most in _DENOMINATORS:
        close = float(Fraction(factor).limit_denominator(most))
        if close and abs(close - factor) <= slack:
            return close
    rounded = float(f"{factor:.6g}")
    return rounded if abs(rounded - factor) <= slack < 1e-4 * abs(factor) else None


def _rounding(values: np.ndarray) -> float:
    """Half a unit of the last decimal of a column that has one to four decimals, else 0."""
    known = values[~np.isnan(values)]
    for decimals in range(1, 5):
        if np.allclose(np.round(known, decimals), known, rtol=0, atol=1e-9):
            return _tidy(0.5 * 10.0**-decimals) if np.any(known % 1 != 0) else 0.0
    return 0.0


def steps(patients: Patients, names: Sequence[str]) -> Iterator[Steps]:
    """Yield a rule for each column whose values are all multiples of more than one unit of its last decimal."""
    for name in names:
        held = patients.table.distinct(name)
        known = held.values[held.counts > 0]
        if held.n_known < patients.least or np.abs(known).max() > _LARGEST:
            continue
        some = known[_places(len(known), _SCREENED)]
        for decimals in range(4):
            if not near(np.round(some * 10.0**decimals) / 10.0**decimals, some).all():
                continue
            units = np.round(known * 10.0**decimals)
            if near(units / 10.0**decimals, known).all():
                break
        else:
            continue
        if np.gcd.reduce(units[_places(len(known), _SCREENED)].astype(np.int64)) == 1:
            continue
        different = np.unique(units).astype(np.int64)
        multiple = int(np.gcd.reduce(different))
        if multiple > 1 and len(different) >= _FEWEST_VALUES:
            step = multiple / 10.0**decimals
            yield Steps(name, step, support=held.n_known, log_chance=chance.in_steps(multiple, len(different)))


def tied_pairs(patients: Patients, names: Sequence[str]) -> Iterator[tuple[str, str, np.ndarray]]:
    """Yield each pair of columns that enough patients have equal at many values, with the rows (n,) where they are."""
    values = patients.table.several_numbers(tuple(names))
    screen = values[:, _places(patients.n, 4 * _SCREENED)]
    often = ((i, i + 1 + j) for i in range(len(names)) for j in np.flatnonzero(_equal(screen, i) >= 3).tolist())
    for i, j in often:
        if patients.declared(names[i], names[j]):
            continue
        tied = values[i] == values[j]
        if int((tied & (values[i] != _mode(values[i][tied]))).sum()) >= patients.least and not tied.all():
            yield names[i], names[j], tied


def _equal(screen: np.ndarray, place: int) -> np.ndarray:
    """In how many rows each later column of a screen (k, n) equals the one at a place."""
    return np.asarray((screen[place] == screen[place + 1 :]).sum(axis=1))


def _places(n: int, wanted: int) -> np.ndarray:
    """At most so many places among n, spread evenly."""
    return np.unique(np.linspace(0, n - 1, min(n, wanted)).astype(int))


def _mode(values: np.ndarray) -> float:
    different, counts = np.unique(values, return_counts=True)
    return float(different[counts.argmax()])


def _several(values: np.ndarray) -> bool:
    """True if a column has more than two different values: an order of two states is an implication."""
    return len(np.unique(values[~np.isnan(values)][:1000])) > 2


def _constant(values: np.ndarray) -> bool:
    known = values[~np.isnan(values)]
    return len(known) == 0 or bool((known == known[0]).all())
