"""The law of `heor` under differential privacy: it rests on sums with noise, and on nothing else of the patients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from heorsynth.core.errors import GeneratorError, Problem
from heorsynth.core.random import stream
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.levels import as_text
from heorsynth.data.columns.schema import Schema
from heorsynth.generators.heor.cells import Cells
from heorsynth.generators.heor.columns import ColumnLaw
from heorsynth.generators.heor.groups import ALL
from heorsynth.generators.heor.law import HeorLaw
from heorsynth.generators.heor.outcome import Outcome, scores_of
from heorsynth.generators.heor.quantities import paid
from heorsynth.generators.heor.shape import Shape, earlier, states
from heorsynth.generators.latent.dependence import Dependence, Thresholds, correlations
from heorsynth.generators.latent.quantiles import Quantiles
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
    without_tail,
)
from heorsynth.generators.protection.guard import Noise
from heorsynth.generators.protection.public import PublicColumn, stated_schema
from heorsynth.generators.rules.plan import primary_of
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

_LARGEST_NOISE = 5.0
"""More standard errors of noise are not repeated in each cohort: shares would be 0 and 1."""

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
        GeneratorError      too many combinations of arm and subgroups
        """
        schema = stated_schema(cohort.schema, public)
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
        spent = [part for made_of in paid(schema).values() for part in sorted(made_of)]
        groups = {name: schema.arm for name in spent if schema.arm is not None and public[name].edges}
        groups |= {band.source: name for name, band in cut.items()}
        free = [name for name in public if name not in (*schema.strata, *first)]
        modelled = {name: groups.get(name, ALL) for name in free}
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
        spent = [part for made_of in paid(schema).values() for part in made_of]
        columns = {name: 2.0 if name in spent else 1.0 for name in public if name not in own}
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
        counts = {name: self._counted(name, values[name], bins, cells, cell) for name in self.shape.modelled}
        laws = tuple(self._column(name, counts[name], bins.get(name)) for name in self.shape.modelled)
        center, scale, among = _centred(cells, outcome)
        arm = np.array([member[0] if member else ALL for member in cells.members], dtype=object)[np.maximum(cell, 0)]
        blocks = [
            _scores(one, self.columns[one.name], values[one.name], counts[one.name], bins.get(one.name), arm)
            for one in laws
        ]
        scores = (scores_of(cells, outcome, np.maximum(cell, 0), time, cause) - center) / scale
        held = np.column_stack([scores, *blocks]) * (cell >= 0)[:, None]
        target = self._target(held, among, laws, thresholds)
        blank = Dependence.blank(center, scale)
        return HeorLaw(self.shape, cells, outcome, laws, blank, None, self._noise()).with_dependence(target, rng)

    def _noise(self) -> Noise:
        """The noise in the law in standard errors of the patients' own estimates, up to `_LARGEST_NOISE`.

        A share that sums half of k intervals has the noise sqrt(k / 2) · scale / n, and a standard error of at most
        1 / (2 sqrt(n)); so it is by arm, where each arm has its part of the intervals and of the patients.
        """
        told = {one.name: one for one in self.account.told}
        found = {name: one.scale * np.sqrt(2 * one.numbers / self.n) for name, one in told.items()}
        columns = [min(_LARGEST_NOISE, found[name]) for name in self.shape.modelled]
        ties = product_error(told[PAIRS].scale, self.n) * np.sqrt(self.n) if PAIRS in told else 0.0
        outcome = min(_LARGEST_NOISE, found.get(FOLLOW_UP, 0.0))
        return Noise(float(outcome), float(np.mean(columns)) if columns else 0.0, min(1.0, float(ties)), values=False)

    def _encoded(self, cohort: Cohort) -> dict[str, np.ndarray]:
        """The modelled columns of the patients: text with '' for missing, or numbers in their range, with NaN."""
        rows, found = cohort.rows, dict[str, np.ndarray]()
        for name in self.shape.modelled:
            column, held = self.public[name], rows[name]
            found[name] = column.numbers(held) if column.edges else as_text(held).fillna("").to_numpy(dtype=object)
        primary = self.shape.primary
        if primary is None:
            return found
        for first in earlier(self.shape.schema, primary):
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

    def _counted(
        self, name: str, values: np.ndarray, bins: Mapping[str, Bins], cells: Cells, cell: np.ndarray
    ) -> dict[str, np.ndarray]:
        """The share (k,) of patients at each level or in each interval, the last of missing values, by arm or in all.

        Costs and utilities are counted by arm. That takes no more of the budget: a patient is in one place of them all.
        """
        column, arm = self.columns[name], self.shape.schema.arm
        size = len(column.levels) if column.values else len(bins[name].left)
        places = _places(column, values, bins.get(name))
        places = np.where(places < 0, size, places) if column.may_miss else places
        size += column.may_miss
        groups: tuple[str, ...] = (ALL,)
        arms = np.zeros(len(cells.members), dtype=int)
        if arm is not None and self.shape.modelled[name] == arm:
            groups, arms = tuple(dict.fromkeys(member[0] for member in cells.members)), _arms(cells, self.shape.schema)
        places = np.where((places < 0) | (cell < 0), -1, arms[np.maximum(cell, 0)] * size + places)
        told = self.account.sum(name, in_places(places, len(groups) * size), ONE_PLACE).reshape(len(groups), size)
        mechanism = self.account.told[-1]
        patients = np.maximum(np.bincount(arms, cells.counts, len(groups)), 1.0)
        shares = pulled_together(told / patients[:, None], patients, float(mechanism.variance))
        if name in self.shape.amounts:
            known = size - column.may_miss
            shares[:, :known] = without_tail(shares[:, :known], mechanism.scale / patients)
        held = [onto_total(one, 1.0) for one in shares]
        return {group: one if column.may_miss else np.append(one, 0.0) for group, one in zip(groups, held, strict=True)}

    def _column(self, name: str, shares: Mapping[str, np.ndarray], bins: Bins | None) -> ColumnLaw:
        """The law of a column with these shares of levels or intervals, the last of missing values, by group."""
        column, group = self.columns[name], self.shape.modelled[name]
        missing = {key: float(held[-1]) for key, held in shares.items()}
        known = {key: _known(held) for key, held in shares.items()}
        if bins is None:
            order = np.argsort(-known[ALL], kind="stable")
            levels = tuple(column.levels[place] for place in order)
            return ColumnLaw(name, group, levels, {ALL: tuple(known[ALL][order].tolist())}, {}, missing)
        if group not in self.shape.schema.bands:
            laws = {key: _pieces(bins, held, column) for key, held in known.items()}
            return ColumnLaw(name, group, (), {}, laws, missing)
        band = self.shape.schema.bands[group]
        ends = [-np.inf, *band.edges, np.inf]
        inside = {
            label: (bins.left >= low) & (bins.left < high)
            for label, low, high in zip(band.labels, ends[:-1], ends[1:], strict=True)
        }
        laws = {label: _pieces(bins, np.where(held, known[ALL], 0.0), column, held) for label, held in inside.items()}
        laws |= {"": _pieces(bins, known[ALL], column)}
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


def _known(shares: np.ndarray) -> np.ndarray:
    """The shares (k,) of known values among these, where the last share is that of missing ones."""
    total = float(shares[:-1].sum())
    return np.asarray(shares[:-1] / total) if total > 0 else np.full(len(shares) - 1, 1 / (len(shares) - 1))


def _arms(cells: Cells, schema: Schema) -> np.ndarray:
    """The number of the arm (c,) of each cell; 0 for all where there are none."""
    if schema.arm is None:
        return np.zeros(len(cells.members), dtype=int)
    return np.unique([member[0] for member in cells.members], return_inverse=True)[1]


def _places(column: PublicColumn, values: np.ndarray, bins: Bins | None) -> np.ndarray:
    """The level or the interval (n,) of each value (n,); -1 for a missing value, or one that is not stated."""
    if bins is not None:
        return bins.places(values)
    places = {level: place for place, level in enumerate(column.levels)}
    return np.array([places.get(str(value), -1) for value in values], dtype=int)


def _pieces(bins: Bins, shares: np.ndarray, column: PublicColumn, held: np.ndarray | None = None) -> Quantiles:
    """The quantile function of a column with these shares of its intervals; even over those held if noise left none."""
    if shares.sum() <= 0:
        shares = np.ones(len(shares)) if held is None else held.astype(float)
    left, right = bins.written(column.decimals)
    taken = shares > 0
    return Quantiles.of_pieces(shares[taken], left[taken], right[taken], column.decimals)


def _scores(
    law: ColumnLaw,
    column: PublicColumn,
    values: np.ndarray,
    shares: Mapping[str, np.ndarray],
    bins: Bins | None,
    groups: np.ndarray,
) -> np.ndarray:
    """The standardised scores (n, width) of a column's values; 0, the mean, for what is missing or not stated.

    A number is scored within its group (n,), as `ColumnLaw.scores` does.
    """
    places = _places(column, values, bins)
    parts = []
    if law.may_miss:
        parts.append(standard((places < 0).astype(float), float(np.mean([held[-1] for held in shares.values()]))))
    if bins is None:
        held = np.array([column.levels[place] if place >= 0 else "" for place in places], dtype=object)
        parts += [
            (places >= 0) * standard((held == level).astype(float), rate)
            for level, rate in zip(law.levels[:-1], law.shares[ALL], strict=False)
        ]
        return np.column_stack(parts) if parts else np.zeros((len(values), 0))
    scored = np.zeros(len(values))
    for group, one in shares.items():
        rows = groups == group if len(shares) > 1 else np.ones(len(values), dtype=bool)
        scored[rows] = bins.scores(values[rows], _known(one))
    return np.column_stack([*parts, scored])


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
