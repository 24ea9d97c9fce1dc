"""The panel of analyses that nobody declared: drawn from the patients and a seed, without a look at synthetic rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, product

import numpy as np

from heorsynth.checks.structure.columns import compared_columns, distinct
from heorsynth.checks.structure.panel_columns import (
    FEWEST,
    Column,
    Head,
    High,
    Level,
    Number,
    PanelColumns,
    RestrictedTime,
    filled,
    middle_of,
    panel_columns,
    upper,
)
from heorsynth.core.blocks import blocks
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.arrays import Distinct, Levels
from heorsynth.data.columns.schema import Schema
from heorsynth.estimators.least_squares import Model

CONTRAST, ADJUSTED, INTERACTION = "contrast", "adjusted", "treatment by covariate"
KINDS = (CONTRAST, ADJUSTED, INTERACTION)
"""Means in two groups, coefficients of linear models, and effects of treatment by a covariate."""

_MOST = 300
"""At most this many analyses are drawn, a third of each kind if the cohort has so many."""

_MOST_COLUMNS = 100
"""Of more columns, those with a role are analysed, and others at random up to this number: they fill the panel."""

_SAME = 0.95
"""Two columns that are related more closely than this say the same, such as an age in years and one in months."""

_TRIES = 20
"""Drawing adjusted analyses ends after this many attempts for each one wanted."""


@dataclass(frozen=True)
class Analysis:
    """One linear model of the panel; its estimate is the coefficient of the first term.

    Attributes
    ----------
    kind : str            CONTRAST, ADJUSTED or INTERACTION
    words : str           what is estimated, for a reader
    outcome : Column      such as a cost
    terms : tuple         each a column or two columns to multiply
    """

    kind: str
    words: str
    outcome: Column
    terms: tuple[tuple[Column, ...], ...]

    @property
    def unit(self) -> float:
        """The estimate is multiplied by this to be in the cohort's units."""
        return float(self.outcome.spread / np.prod([column.spread for column in self.terms[0]]))


@dataclass(frozen=True)
class DrawnPanel:
    """The analyses, the columns they need with the patients' values (n,), and the analyses as models on these.

    `told` says which of the cohort's columns they are drawn from, if not from all.
    """

    analyses: tuple[Analysis, ...]
    columns: tuple[Column, ...]
    values: tuple[np.ndarray, ...] = field(compare=False, repr=False)
    models: tuple[Model, ...]
    told: str = ""


def drawn_panel(real: Cohort, rng: np.random.Generator, most: int = _MOST) -> DrawnPanel:
    """Draw the panel: contrasts, adjusted coefficients, and effects of treatment by covariate.

    Parameters
    ----------
    real : Cohort        the patients; nothing else decides which analyses there are
    rng : Generator      decides which of them are drawn
    most : int           size of the panel; it is smaller if the patients allow fewer analyses

    Notes
    -----
    Left out are the id; groups (for a number: its high and low half) of fewer than ten patients; groups in which the
    outcome does not vary; fewer than ten patients for each coefficient; a total with its parts, a band with its number,
    an endpoint with a follow-up or an event; and pairs of columns of which one all but determines the other.
    """
    names = compared_columns(real)
    used = _few(names, real.schema, rng)
    source = _Source(real, used)
    interactions = list(source.interactions())
    contrasts = list(source.contrasts())
    chosen = _some(interactions, most // len(KINDS), rng)
    chosen = _some(contrasts, (most - len(chosen)) // 2, rng) + chosen
    adjusted = source.adjusted(most - len(chosen), rng)
    analyses = tuple(sorted((*chosen, *adjusted), key=lambda one: KINDS.index(one.kind)))
    columns = tuple(dict.fromkeys(column for one in analyses for column in _columns_of(one)))
    place = {column: index for index, column in enumerate(columns)}
    models = tuple(
        Model(place[one.outcome], tuple(tuple(place[column] for column in term) for term in one.terms))
        for one in analyses
    )
    told = "" if len(used) == len(names) else f"of {len(used)} of {len(names):,} columns, drawn at random: "
    values = tuple(source.values[column] for column in columns)
    return DrawnPanel(analyses, columns, values, models, told)


def _few(names: Sequence[str], schema: Schema, rng: np.random.Generator) -> list[str]:
    """Return the columns that the panel is drawn from: all, or those with a role and others at random."""
    if len(names) <= _MOST_COLUMNS:
        return list(names)
    roles = {
        *schema.columns,
        *schema.bands,
        *schema.totals,
        *(part for held in schema.totals.values() for part in held),
    }
    others = [name for name in names if name not in roles]
    drawn = rng.permutation(len(others))[: max(0, _MOST_COLUMNS - (len(names) - len(others)))]
    chosen = {others[place] for place in drawn}
    return [name for name in names if name in roles or name in chosen]


def _columns_of(analysis: Analysis) -> Iterator[Column]:
    yield analysis.outcome
    for term in analysis.terms:
        yield from term


def _some(analyses: Sequence[Analysis], most: int, rng: np.random.Generator) -> list[Analysis]:
    order = rng.permutation(len(analyses))[:most]
    return [analyses[place] for place in sorted(order)]


class _Source:
    """All analyses that the patients allow."""

    def __init__(self, real: Cohort, names: Sequence[str]) -> None:
        self.schema = real.schema
        self.columns = panel_columns(real, names)
        self.linked = _linked(real, self.columns)
        times = {column.source: held for column, held in self.columns.values.items()}
        self.values = {
            column: times[column.source] if isinstance(column, RestrictedTime) else column.of(real)
            for column in _every(self.columns)
        }
        self.known = {column: np.isfinite(values) for column, values in self.values.items()}
        self.all_known = frozenset(column for column, known in self.known.items() if known.all())
        self.high: dict[Column, np.ndarray] = {}
        known = [column for column in self.values if column in self.all_known]
        cuts = {column: middle_of(column, real, self.values[column]) for column in known}
        self.head = Head({column: self.values[column] for column in cuts}, cuts)
        self.parts = {part for parts in self.schema.totals.values() for part in parts}

    def contrasts(self) -> Iterator[Analysis]:
        """Yield each number and endpoint across the groups of every other column."""
        groups: list[High | Level] = [*self.columns.high.values()]
        groups += [one for levels in self.columns.levels.values() for one in _once(levels)]
        outcomes: list[Number | RestrictedTime] = [*self.columns.numbers, *self.columns.times]
        for outcome, group in product(outcomes, groups):
            if not self.apart(outcome, group) or not self.estimable(outcome, ((group,),)):
                continue
            rest = " and the rest" if isinstance(group, Level) else ""
            mean = outcome.words if isinstance(outcome, RestrictedTime) else f"mean of {outcome.words}"
            yield Analysis(CONTRAST, f"{mean} by {group.words}{rest}", outcome, ((group,),))

    def interactions(self) -> Iterator[Analysis]:
        """Yield the effect of treatment on each cost, utility and endpoint by each covariate."""
        schema, columns = self.schema, self.columns
        wanted = {*schema.costs, *schema.utilities, *self.parts}
        taken = {*wanted, *schema.events, schema.arm, schema.entry}
        outcomes: list[Number | RestrictedTime] = [one for one in columns.numbers if one.source in wanted]
        outcomes += columns.times
        covariates: list[Number | Level] = [one for one in columns.numbers if one.source not in taken]
        for name, levels in columns.levels.items():
            covariates += () if name in taken else _once(levels)
        for arm, outcome, covariate in product(columns.arms, outcomes, covariates):
            terms = ((arm, covariate), (arm,), (covariate,))
            if self.apart(outcome, covariate) and self.apart(arm, covariate) and self.estimable(outcome, terms):
                which = f" ({arm.level} against {arm.against})" if len(columns.arms) > 1 else ""
                words = f"treatment{which} by {covariate.words} in a linear model of {outcome.words}"
                yield Analysis(INTERACTION, words, outcome, terms)

    def adjusted(self, most: int, rng: np.random.Generator) -> list[Analysis]:
        """Draw coefficients of linear models on arm and two or three other columns, each once."""
        blocks, outcomes = self._blocks(), self._outcomes()
        found: dict[tuple[object, ...], Analysis] = {}
        names = [name for name in blocks if name != self.schema.arm]
        for _ in range(_TRIES * most if names and outcomes else 0):
            if len(found) == most:
                break
            several = outcomes[rng.integers(len(outcomes))]
            outcome = several[rng.integers(len(several))]
            chosen = [names[place] for place in rng.permutation(len(names))[: rng.integers(2, 4)]]
            chosen = [name for name in (self.schema.arm, *chosen) if name in blocks]
            terms = [(column,) for name in chosen for column in blocks[name]]
            first = terms[rng.integers(len(terms))]
            sources = [(name,) for name in (outcome.source, *chosen)]
            if len(chosen) < 2 or any(self._same(one, other) for (one,), (other,) in combinations(sources, 2)):
                continue
            ordered = (first, *(term for term in terms if term != first))
            key = (outcome, first, frozenset(terms))
            if key not in found and self.estimable(outcome, ordered):
                of = f"the share with {outcome.words}" if isinstance(outcome, Level) else outcome.words
                words = f"{first[0].words} in a linear model of {of} on {_listed(chosen)}"
                found[key] = Analysis(ADJUSTED, words, outcome, ordered)
        return list(found.values())

    def _blocks(self) -> dict[str, tuple[Column, ...]]:
        """Return what each column is in a design: itself, or indicators of all levels but a reference."""
        blocks: dict[str, tuple[Column, ...]] = {one.source: (one,) for one in self.columns.numbers}
        for name, levels in self.columns.levels.items():
            if name == self.schema.arm:
                reference = next((one.against for one in self.columns.arms), None)
                blocks[name] = tuple(one for one in levels if one.level != reference) or levels
            elif name not in self.schema.events:
                blocks[name] = levels[1:] or levels
        return blocks

    def _outcomes(self) -> list[tuple[Column, ...]]:
        """Return the outcomes of adjusted analyses; the levels of a column count as one when one is drawn."""
        alone: list[tuple[Column, ...]] = [(one,) for one in self.columns.numbers]
        alone += [(one,) for one in self.columns.times]
        taken = (self.schema.arm, *self.schema.events)
        return alone + [_once(levels) for name, levels in self.columns.levels.items() if name not in taken]

    def apart(self, one: Column, other: Column) -> bool:
        """Return whether two columns may be in one analysis."""
        outcomes = {*self.schema.times, *self.schema.events}
        if isinstance(one, RestrictedTime):
            return other.source not in outcomes
        return not self._same(one.source, other.source)

    def _same(self, one: str, other: str) -> bool:
        return one == other or frozenset((one, other)) in self.linked

    def estimable(self, outcome: Column, terms: tuple[tuple[Column, ...], ...]) -> bool:
        """Return whether each group of the patients is large enough, and the outcome varies in it."""
        used = (outcome, *(column for term in terms for column in term))
        if len(self.values[outcome]) < FEWEST * (len(terms) + 1):
            return False
        if self.all_known.issuperset(used):
            observed = self.values[outcome]
            return all(
                self.head.shows(outcome, term) or filled(observed, [self._high(column) for column in term])
                for term in terms
            )
        whole = np.logical_and.reduce([self.known[column] for column in used])
        if whole.sum() < FEWEST * (len(terms) + 1):
            return False
        observed = self.values[outcome][whole]
        return all(filled(observed, [upper(self.values[column][whole]) for column in term]) for term in terms)

    def _high(self, column: Column) -> np.ndarray:
        """Return the upper values of a column that is known of all patients."""
        if column not in self.high:
            self.high[column] = upper(self.values[column])
        return self.high[column]


def _once(levels: tuple[Level, ...]) -> tuple[Level, ...]:
    """Return the levels, without the commoner of two: it would give the same analysis with the other sign."""
    return levels if len(levels) > 2 else levels[-1:]


def _every(columns: PanelColumns) -> Iterator[Column]:
    held: Iterable[Iterable[Column]] = (
        columns.numbers, columns.times, columns.high.values(), columns.arms, *columns.levels.values()
    )  # fmt: skip
    for several in held:
        yield from several


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]


def _linked(real: Cohort, columns: PanelColumns) -> frozenset[frozenset[str]]:
    """Return the pairs of columns of which one determines the other, declared or seen in the patients."""
    coded = {name: distinct(real, name) for name in columns.high}
    levels = {name: real.coded(name) for name in columns.levels}
    shown = {
        name: np.isin(levels[name].names[:-1], [one.level for one in held]) for name, held in columns.levels.items()
    }
    found = set(_declared(real.schema))
    found |= {frozenset(pair) for pair in _correlated(coded)}
    found |= {
        frozenset((number, name))
        for number, values in coded.items()
        for name, share in zip(levels, _explained(values, list(levels.values())), strict=True)
        if share > _SAME
    }
    found |= {
        frozenset((one, other))
        for one, other in combinations(levels, 2)
        if _levels_correlate(levels[one], levels[other])[np.ix_(shown[one], shown[other])].max(initial=0.0) > _SAME
    }
    return frozenset(found)


def _declared(schema: Schema) -> Iterator[frozenset[str]]:
    for total, parts in schema.totals.items():
        yield from (frozenset((total, part)) for part in parts)
    for name, band in schema.bands.items():
        yield frozenset((name, band.source))
        yield from (frozenset((name, other)) for other, its in schema.bands.items() if its.source == band.source)


def _correlated(coded: Mapping[str, Distinct]) -> Iterator[tuple[str, str]]:
    """Yield the pairs of numbers whose ranks correlate, those without gaps in one product."""
    whole = [name for name, held in coded.items() if held.n_known == len(held.codes)]
    if len(whole) > 1:
        together = _whole_correlations([coded[name] for name in whole])
        yield from ((whole[one], whole[other]) for one, other in np.argwhere(np.triu(together > _SAME, 1)))
    ranks = {name: held.ranks for name, held in coded.items()} if len(whole) < len(coded) else {}
    for one, other in combinations(ranks, 2):
        if not (one in whole and other in whole) and _correlation(ranks[one], ranks[other]) > _SAME:
            yield one, other


def _whole_correlations(several: Sequence[Distinct]) -> np.ndarray:
    """Return the absolute correlations (k, k) of the ranks of columns without gaps, which all vary."""
    n, product = len(several[0].codes), np.zeros((len(several), len(several)))
    centred = [held.rank_of_code - (n + 1) / 2 for held in several]
    for rows in blocks(n):
        part = np.array([ranks[held.codes[rows]] for ranks, held in zip(centred, several, strict=True)])
        product += part @ part.T
    spread = np.sqrt(np.diagonal(product))
    return np.abs(product / np.outer(spread, spread))


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Return the absolute correlation over the rows with both values known; 0 without variation."""
    both = np.isfinite(one) & np.isfinite(other)
    first, second = one[both], other[both]
    if len(first) < 2 or min(np.ptp(first), np.ptp(second)) == 0:
        return 0.0
    return float(abs(np.corrcoef(first, second)[0, 1]))


def _levels_correlate(one: Levels, other: Levels) -> np.ndarray:
    """Return the absolute correlations (L, K) of the indicators of two columns' levels; 0 without variation."""
    shape = len(one.names), len(other.names)
    cells = (one.codes.astype(np.int64) % shape[0]) * shape[1] + other.codes.astype(np.int64) % shape[1]
    both = np.bincount(cells, minlength=shape[0] * shape[1]).reshape(shape)[:-1, :-1].astype(float)
    rows, columns, n = both.sum(axis=1, keepdims=True), both.sum(axis=0, keepdims=True), both.sum()
    spread = np.sqrt(rows * (n - rows) * columns * (n - columns))
    return np.abs(np.divide(n * both - rows * columns, spread, out=np.zeros(both.shape), where=spread > 0))


def _explained(numbers: Distinct, several: Sequence[Levels]) -> Iterator[float]:
    """Yield the variance of ranks that each column explains, as a share of the most it could: 1 for bands."""
    seen, ranks = numbers.codes >= 0, numbers.ranks
    known = seen.all()
    ordered = np.repeat(numbers.rank_of_code[:-1], numbers.counts)
    for held in several:
        both = held.codes >= 0
        values, group, ascending = ranks, held.codes, ordered
        if not (known and both.all()):
            both &= seen
            values, group = ranks[both], held.codes[both]
            ascending = np.sort(values)
        counts = np.bincount(group)
        sizes = counts[counts > 0]
        if len(sizes) < 2 or ascending[0] == ascending[-1]:
            yield 0.0
            continue
        means = np.bincount(group, values)[counts > 0] / sizes
        order = np.argsort(means)
        best = np.add.reduceat(ascending, np.cumsum([0, *sizes[order][:-1]])) / sizes[order]
        centre = values.mean()
        yield float((sizes * (means - centre) ** 2).sum() / (sizes[order] * (best - centre) ** 2).sum())
