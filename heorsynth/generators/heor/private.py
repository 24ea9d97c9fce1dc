"""The law of `heor` under differential privacy: it rests on sums with noise, and on nothing else of the patients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from heorsynth.core.errors import GeneratorError, Problem
from heorsynth.core.random import stream
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.cohort.domain import ColumnDomain, Domain
from heorsynth.data.columns.levels import as_text
from heorsynth.data.columns.schema import Schema
from heorsynth.generators.heor.cells import Cells
from heorsynth.generators.heor.columns import ALL, ColumnLaw
from heorsynth.generators.heor.dependence import Dependence, Thresholds, correlations
from heorsynth.generators.heor.law import HeorLaw
from heorsynth.generators.heor.outcome import Outcome, scores_of
from heorsynth.generators.heor.quantiles import Quantiles
from heorsynth.generators.heor.shape import Shape, earlier, primary_of, states
from heorsynth.generators.protection.account import Account
from heorsynth.generators.protection.counts import (
    ONE_PLACE,
    Bins,
    in_pairs,
    in_places,
    mean_products,
    n_bins,
    nearest_correlation,
    onto_total,
    product_error,
    pulled_together,
    standard,
)
from heorsynth.generators.protection.public import PublicColumn
from heorsynth.generators.sampling.target_shares import allocate

CELLS, FOLLOW_UP, PAIRS = "arms and subgroups", "follow-up", "associations"
"""The sums that are no column's."""

_WEIGHTS = {CELLS: 0.1, FOLLOW_UP: 0.35, PAIRS: 0.25}
"""Shares of the budget; the columns have the rest, a cost or utility twice as much as another column."""

_MOST_CELLS = 200
"""Largest number of combinations of arm and subgroups that are counted."""

_FEWEST = 0.02
"""No combination is drawn with a smaller part of an even share than this: an arm that noise has emptied stays."""

_NOISE_SQUARES = 2.0
"""An association is shrunk as if its noise had so many times its variance: the largest of many is mostly noise."""

_SIMULATED = 4000
"""Rows of the draw that centres the scores."""


@dataclass(frozen=True, repr=False)
class PrivatePlan:
    """What is asked of the patients. It follows from what is public alone.

    Attributes
    ----------
    shape : Shape
    public : Mapping           column of the cohort to what is public of it
    columns : Mapping          the same of the columns as they are modelled
    cells : Cells              every combination of levels, without counts
    n : int                    patients; their number is public
    account : Account
    """

    shape: Shape
    public: Mapping[str, PublicColumn]
    columns: Mapping[str, PublicColumn]
    cells: Cells
    n: int
    account: Account

    @classmethod
    def of(cls, cohort: Cohort, public: Mapping[str, PublicColumn], account: Account) -> PrivatePlan:
        """The plan for a cohort, of which only the roles, the names of columns and the number of patients are read.

        Raises
        ------
        GeneratorError      delayed entry, a band outside its stated range, or too many combinations of subgroups
        """
        schema = cohort.schema
        _require_possible(schema, public)
        levels = [_levels(name, schema, public) for name in schema.strata]
        members = tuple(sorted(product(*levels)))
        if len(members) > _MOST_CELLS:
            found = f"{len(members):,} combinations of arm and subgroups"
            problem = Problem("subgroups", found, f"declare fewer of them: at most {_MOST_CELLS} can be counted")
            raise GeneratorError("generator 'heor'", problem)
        cells = Cells(schema.strata, members, np.ones(len(members), dtype=int))
        primary = primary_of(schema)
        first = () if primary is None else (primary.time, primary.event)
        formats = {name: column.format for name, column in public.items()}
        cut = {name: band for name, band in schema.bands.items() if name in schema.strata}
        formats |= {name: PublicColumn(band.labels).format for name, band in cut.items()}
        sources = {band.source: name for name, band in cut.items()}
        free = [name for name in public if name not in (*schema.strata, *first)]
        modelled = {name: sources.get(name, ALL) for name in free}
        shape = Shape(schema, formats, modelled, {})
        columns = dict(public)
        for before in () if primary is None else earlier(schema, primary):
            states = [f"{how}:{code}" for how in ("tied", "apart") for code in public[before.event].levels]
            columns[before.event], columns[before.time] = PublicColumn(tuple(states)), PublicColumn((), (0.0, 1.0))
        return cls(shape, public, columns, cells, cohort.n, account)

    @staticmethod
    def shares(schema: Schema, public: Mapping[str, PublicColumn]) -> dict[str, float]:
        """The share of the budget that each sum has."""
        primary = primary_of(schema)
        own = {*schema.strata, *(() if primary is None else (primary.time, primary.event))}
        paid = {*schema.costs, *schema.utilities, *(part for parts in schema.totals.values() for part in parts)}
        columns = {name: 2.0 if name in paid else 1.0 for name in public if name not in own}
        weights = {CELLS: _WEIGHTS[CELLS]} if schema.strata else {}
        weights |= {} if primary is None else {FOLLOW_UP: _WEIGHTS[FOLLOW_UP]}
        weights |= {PAIRS: _WEIGHTS[PAIRS]} if columns and (schema.strata or primary or len(columns) > 1) else {}
        rest = (1 - sum(_WEIGHTS.values())) / max(1.0, sum(columns.values()))
        weights |= {name: rest * weight for name, weight in columns.items()}
        return {name: weight / sum(weights.values()) for name, weight in weights.items()}

    def law(self, cohort: Cohort, thresholds: Thresholds, rng: np.random.Generator) -> HeorLaw:
        """The law of these patients; `rng` draws what corrects the latent correlations, and no noise."""
        values = self._encoded(cohort)
        cell, time, cause = self._outcome_of(cohort)
        cells = self._cells(cell)
        outcome = self._outcome(cells, cell, time, cause)
        bins = self._bins()
        counts = {name: self._counted(name, values[name], bins) for name in self.shape.modelled}
        laws = tuple(self._column(name, counts[name], bins.get(name)) for name in self.shape.modelled)
        center, scale, among = _centred(cells, outcome)
        blocks = [_scores(one, self.columns[one.name], values[one.name], counts[one.name], bins) for one in laws]
        scores = (scores_of(cells, outcome, np.maximum(cell, 0), time, cause) - center) / scale
        held = np.column_stack([scores, *blocks]) * (cell >= 0)[:, None]
        target = self._target(held, among, laws, thresholds)
        blank = Dependence(center, scale, np.zeros((0, 0)), np.zeros((0, 0)))
        return HeorLaw(self.shape, cells, outcome, laws, blank).with_dependence(target, rng)

    def domain(self, cohort: Cohort) -> Domain:
        """What each column may hold, as it is public; of the cohort, only the names of columns are read."""
        schema, found = cohort.schema, dict[str, ColumnDomain]()
        for name in map(str, cohort.rows.columns):
            if name in schema.bands:
                band = schema.bands[name]
                found[name] = replace(PublicColumn(band.labels).domain, may_miss=self.public[band.source].may_miss)
            elif name in schema.totals:
                parts = [self.public[part] for part in schema.totals[name]]
                whole, missing = all(one.whole for one in parts), any(one.may_miss for one in parts)
                found[name] = PublicColumn((), (0.0, 1.0), whole, missing).domain
            elif name in self.public:
                found[name] = self.public[name].domain
        return Domain.of_columns(schema, found, self.n)

    def _encoded(self, cohort: Cohort) -> dict[str, np.ndarray]:
        """The modelled columns of the patients: text with '' for missing, or numbers in their range, with NaN."""
        rows, found = cohort.rows, dict[str, np.ndarray]()
        for name in self.shape.modelled:
            column, held = self.public[name], rows[name]
            found[name] = column.numbers(held) if column.edges else as_text(held).fillna("").to_numpy(dtype=object)
        primary = self.shape.primary
        for first in () if primary is None else earlier(self.shape.schema, primary):
            last = self.public[primary.time].numbers(rows[primary.time])
            tied = found[first.time] >= last
            found[first.event] = states(tied, found[first.event])
            found[first.time] = np.where(tied, np.nan, found[first.time] / np.maximum(last, 1e-12))
        return found

    def _outcome_of(self, cohort: Cohort) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The cell (n,) of each patient, -1 for levels that are not stated; the time and the cause of his ending."""
        places = {member: place for place, member in enumerate(self.cells.members)}
        texts = [as_text(cohort.rows[name]).fillna("").tolist() for name in self.cells.names]
        held = zip(*texts, strict=True) if texts else [()] * self.n
        cell = np.array([places.get(member, -1) for member in held])
        primary = self.shape.primary
        if primary is None:
            return cell, np.ones(self.n), np.zeros(self.n, dtype=int)
        time, events = self.public[primary.time].numbers(cohort.rows[primary.time]), self.public[primary.event]
        codes = np.array([*map(int, events.levels), 0])
        return cell, time, codes[events.codes(cohort.rows[primary.event])]

    def _cells(self, cell: np.ndarray) -> Cells:
        """The cells with their noised counts, which sum to n."""
        if not self.cells.names:
            return replace(self.cells, counts=np.array([self.n]))
        size = len(self.cells.members)
        told = self.account.sum(CELLS, in_places(cell, size), ONE_PLACE)
        counts = np.maximum(onto_total(told.astype(float), self.n), _FEWEST * self.n / size)
        return replace(self.cells, counts=allocate(counts, self.n))

    def _outcome(self, cells: Cells, cell: np.ndarray, time: np.ndarray, cause: np.ndarray) -> Outcome | None:
        """The law of the primary endpoint, by arm."""
        primary = self.shape.primary
        if primary is None:
            return None
        mechanism, column = self.account.mechanism(FOLLOW_UP, ONE_PLACE), self.public[primary.time]
        cuts = Bins.of(column, n_bins(self.n, mechanism.scale), single=False)
        arms, ending = _arms(cells, self.shape.schema), max(map(int, self.public[primary.event].levels)) + 1
        n_arms, size = int(arms.max()) + 1, len(cuts.left) * ending
        place = cuts.places(time) * ending + cause
        where = np.where(cell >= 0, arms[np.maximum(cell, 0)] * size + place, -1)
        told = self.account.sum(FOLLOW_UP, in_places(where, n_arms * size), ONE_PLACE).reshape(n_arms, size)
        patients = np.maximum(np.bincount(arms, cells.counts, n_arms), 1.0)
        shares = pulled_together(told / patients[:, None], patients, float(mechanism.variance))
        held = np.array([onto_total(one, 1.0) for one in shares]).reshape(n_arms, len(cuts.left), ending)
        weights = np.maximum(cells.counts, 1e-9)
        return Outcome.of_shares(held[arms], weights, np.append(cuts.left, cuts.right[-1]), column.decimals)

    def _bins(self) -> dict[str, Bins]:
        """The intervals of each column of numbers."""
        found, schema = {}, self.shape.schema
        for name, group in self.shape.modelled.items():
            column = self.columns[name]
            if column.edges:
                count = n_bins(self.n, self.account.mechanism(name, ONE_PLACE).scale)
                cuts = schema.bands[group].edges if group in schema.bands else ()
                found[name] = Bins.of(column, count, amount=name in self.shape.amounts, cuts=cuts)
        return found

    def _counted(self, name: str, values: np.ndarray, bins: Mapping[str, Bins]) -> np.ndarray:
        """The share (k,) of patients at each level or in each interval; the last is that of missing values."""
        column = self.columns[name]
        size = len(column.levels) if column.values else len(bins[name].left)
        places = _places(column, values, bins.get(name))
        places = np.where(places < 0, size, places) if column.may_miss else places
        told = self.account.sum(name, in_places(places, size + column.may_miss), ONE_PLACE)
        shares = onto_total(told.astype(float), self.n) / self.n
        return shares if column.may_miss else np.append(shares, 0.0)

    def _column(self, name: str, shares: np.ndarray, bins: Bins | None) -> ColumnLaw:
        """The law of a column with these shares of levels or intervals, the last of missing values."""
        column, group = self.columns[name], self.shape.modelled[name]
        known = shares[:-1] if shares[:-1].sum() > 0 else np.ones(len(shares) - 1)
        known, missing = known / known.sum(), float(shares[-1])
        if bins is None:
            order = np.argsort(-known, kind="stable")
            levels = tuple(column.levels[place] for place in order)
            return ColumnLaw(name, group, levels, {ALL: tuple(known[order].tolist())}, {}, {ALL: missing})
        if group == ALL:
            law = _pieces(bins, known, np.ones(len(known), dtype=bool), column)
            return ColumnLaw(name, group, (), {}, {ALL: law}, {ALL: missing})
        band = self.shape.schema.bands[group]
        ends = [-np.inf, *band.edges, np.inf]
        inside = {
            label: (bins.left >= low) & (bins.left < high)
            for label, low, high in zip(band.labels, ends[:-1], ends[1:], strict=True)
        }
        laws = {label: _pieces(bins, known, held, column) for label, held in inside.items()}
        laws |= {"": _pieces(bins, known, np.ones(len(known), dtype=bool), column)}
        return ColumnLaw(name, group, (), {}, laws, {label: float(label == "") for label in laws})

    def _target(
        self, scores: np.ndarray, among: np.ndarray, laws: Sequence[ColumnLaw], thresholds: Thresholds
    ) -> np.ndarray:
        """The correlations (q + p, q + p) of scores and columns: told with noise, and shrunk by more than it."""
        first = len(among)
        owner = np.array([*[-1] * first, *np.repeat(np.arange(len(laws)), [law.width for law in laws])])
        pairs = owner[:, None] != owner[None, :]
        target = np.eye(len(owner))
        target[:first, :first] = among
        if PAIRS in self.account.shares and pairs.any():
            held, sensitivity = in_pairs(scores, pairs)
            told = self.account.sum(PAIRS, held, sensitivity)
            found = mean_products(told, pairs, self.n)
            noise = product_error(self.account.told[-1].scale, self.n) ** 2
            least = thresholds.residual / self.n + _NOISE_SQUARES * noise
            kept = np.clip(1 - least / np.maximum(found**2, 1e-12), 0.0, 1.0)
            target = np.where(pairs, np.clip(found, -1.0, 1.0) * kept, target)
        start = first
        for law in laws:
            _fill_levels(target, law, start + int(law.may_miss))
            start += law.width
        return nearest_correlation(target)


def _levels(name: str, schema: Schema, public: Mapping[str, PublicColumn]) -> list[str]:
    """The levels that an arm or a subgroup may have, "" if it may be missing."""
    band = schema.bands.get(name)
    column = public[name if band is None else band.source]
    return [*(column.levels if band is None else band.labels), *([""] if column.may_miss else [])]


def _arms(cells: Cells, schema: Schema) -> np.ndarray:
    """The number of the arm (c,) of each cell; 0 for all where there are none."""
    if schema.arm is None:
        return np.zeros(len(cells.members), dtype=int)
    return np.unique([member[0] for member in cells.members], return_inverse=True)[1]


def _require_possible(schema: Schema, public: Mapping[str, PublicColumn]) -> None:
    """Raise GeneratorError if a cohort with these roles has no private law."""
    problems = []
    if schema.entry is not None:
        problems.append(Problem("epsilon", "delayed entry has no private law", "drop the role entry, or drop epsilon"))
    for name, band in schema.bands.items():
        column = public[band.source]
        if not column.edges or not column.edges[0] < band.edges[0] <= band.edges[-1] < column.edges[-1]:
            found = f"its range does not hold the edges of the band {name!r}"
            problems.append(Problem(f"public: {band.source!r}", found, "state a range beyond the edges on both sides"))
    if problems:
        raise GeneratorError("generator 'heor'", problems)


def _places(column: PublicColumn, values: np.ndarray, bins: Bins | None) -> np.ndarray:
    """The level or the interval (n,) of each value (n,); -1 for a missing value, or one that is not stated."""
    if bins is not None:
        return bins.places(values)
    places = {level: place for place, level in enumerate(column.levels)}
    return np.array([places.get(str(value), -1) for value in values], dtype=int)


def _pieces(bins: Bins, shares: np.ndarray, held: np.ndarray, column: PublicColumn) -> Quantiles:
    """The quantile function of a column in those of its intervals that are held; even where noise left no share.

    An interval holds the written numbers from its left end to just below its right end; the last, its right end too.
    """
    weights = np.where(held, shares, 0.0)
    weights = weights if weights.sum() > 0 else held.astype(float)
    taken, step = weights > 0, 10.0**-column.decimals
    wide = bins.right > bins.left
    left = np.where(wide, bins.left - 0.499 * step, bins.left)
    right = np.where(wide, bins.right - 0.501 * step, bins.right)
    right[-1] = bins.right[-1] + (0.499 * step if wide[-1] else 0.0)
    return Quantiles.of_pieces(weights[taken], left[taken], np.maximum(left, right)[taken], column.decimals)


def _scores(
    law: ColumnLaw, column: PublicColumn, values: np.ndarray, shares: np.ndarray, bins: Mapping[str, Bins]
) -> np.ndarray:
    """The standardised scores (n, width) of a column's values; 0, the mean, for what is missing or not stated."""
    places = _places(column, values, bins.get(law.name))
    parts = []
    if law.may_miss:
        parts.append(standard((places < 0).astype(float), float(shares[-1])))
    if law.levels:
        known = np.where(places >= 0, 1.0, 0.0)
        held = np.array([column.levels[place] if place >= 0 else "" for place in places], dtype=object)
        rates = law.shares[ALL]
        parts += [
            known * standard((held == level).astype(float), rate)
            for level, rate in zip(law.levels[:-1], rates, strict=False)
        ]
    else:
        parts.append(bins[law.name].scores(values, shares[:-1]))
    return np.column_stack(parts)


def _centred(cells: Cells, outcome: Outcome | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean and standard deviation (q,) of the scores under a law, and their correlations (q, q).

    They follow no seed: what is asked of the patients next must be the same whenever its noise is.
    """
    rng = stream(0, "private scores")
    cell = np.repeat(np.arange(len(cells.members)), cells.allocated(_SIMULATED))
    time, cause = np.ones(len(cell)), np.zeros(len(cell), dtype=int)
    if outcome is not None:
        time, cause = outcome.draw(cell, rng)
    scores = scores_of(cells, outcome, cell, time, cause)
    center, scale = scores.mean(axis=0), scores.std(axis=0)
    among = correlations(scores, np.ones_like(scores, dtype=bool))[0] if scores.shape[1] else np.zeros((0, 0))
    return center, np.where(scale > 0, scale, 1.0), among


def _fill_levels(target: np.ndarray, law: ColumnLaw, first: int) -> None:
    """Write the correlations of the indicators of one column's levels, which follow from their shares."""
    if not law.levels:
        return
    rates = np.array(law.shares[ALL][:-1])
    odds = np.sqrt(rates / np.maximum(1 - rates, 1e-9))
    block = -np.outer(odds, odds)
    np.fill_diagonal(block, 1.0)
    target[first : first + len(rates), first : first + len(rates)] = np.clip(block, -1.0, 1.0)
