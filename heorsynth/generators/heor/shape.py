"""Converts the rows of a cohort to the modelled columns, free of relations that always hold, and back."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from heorsynth.core.disclosure import small
from heorsynth.core.errors import Problem, UnfitColumnError
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.arrays import Arrays
from heorsynth.data.columns.levels import POOLED, as_text
from heorsynth.data.columns.schema import Endpoint, Schema
from heorsynth.data.rules.mending import Mending
from heorsynth.generators.heor.cells import Cells
from heorsynth.generators.heor.columns import ColumnLaw
from heorsynth.generators.heor.entry import EntryLaw, places
from heorsynth.generators.heor.groups import ALL, CAUSE, STRATUM, Grouping, Groups
from heorsynth.generators.latent.quantiles import MIN_PATIENTS, PIECES
from heorsynth.generators.protection.guard import MOST_PIECES, Guard, Noise, beyond_weights
from heorsynth.generators.rules.drawn import States
from heorsynth.generators.rules.plan import RULED, Planner, RulePlan, primary_of
from heorsynth.generators.sampling.formats import Format, decimals_of, formats_to_dict, is_levels
from heorsynth.generators.visits.attendance import Attendance


@dataclass(frozen=True)
class Shape:
    """Which columns are modelled, and how rows are assembled from them.

    Attributes
    ----------
    schema : Schema
    formats : Mapping          column to its format; without id and totals
    modelled : Mapping         column with a law of its own to the group that the law depends on, in drawing order
    pooled : Mapping           column to the number of patients whose level is written as "other (pooled)"
    least : int                patients that a level must have to be written
    entry : EntryLaw           of the time at which follow-up begins, if one is declared
    levels : Mapping           column to the patients that each of its levels must have
    visits : Attendance        who attends which visit; None without visits
    plan : RulePlan            how rules are kept; `schema` has the roles that the law works with under it
    """

    schema: Schema
    formats: Mapping[str, Format]
    modelled: Mapping[str, str]
    pooled: Mapping[str, int]
    least: int = MIN_PATIENTS
    entry: EntryLaw | None = None
    levels: Mapping[str, int] = field(default_factory=dict)
    plan: RulePlan = field(default_factory=RulePlan)
    visits: Attendance | None = None

    @property
    def primary(self) -> Endpoint | None:
        """The endpoint that is modelled first: the last of the declared order, or else the first declared."""
        return primary_of(self.schema)

    @property
    def amounts(self) -> frozenset[str]:
        """The costs, and the parts that they are sums of: larger amounts than the largest are possible."""
        schema = self.schema
        return frozenset(part for cost in schema.costs for part in (cost, *schema.totals.get(cost, ())))

    @classmethod
    def of(
        cls,
        cohort: Cohort,
        cells: Cells,
        least: int = MIN_PATIENTS,
        guard: Guard | None = None,
        mending: Mending | None = None,
        keep: Collection[str] = (),
    ) -> Shape:
        """The shape of a cohort; UnfitColumnError if a column shows the level of fewer than `least` patients."""
        schema, frame = cohort.schema, cohort.rows
        mending = mending or Mending()
        out = mending.worked_out
        skipped = {*schema.identifiers, *schema.totals, *schema.derived, *(set(schema.bands) - set(cells.names))}
        named = {*cells.names, *schema.events, *schema.levels}
        needed = {str(name): least if guard is None else guard.level(str(name)) for name in frame.columns}
        formats = {
            name: Format.of(
                frame[name],
                levels=schema.holds_levels(name),
                numbers=name in schema.numeric,
                least=0 if name in named else needed[name],
                pool_all=guard is not None,
            )
            for name in map(str, frame.columns)
            if name not in skipped
        }
        primary = primary_of(schema)
        own = {*cells.names, *((primary.time, primary.event) if primary else ())}
        free = [name for name in formats if name not in own and name not in out]
        schema = RulePlan(mending).schema(schema)
        groups = _groups(schema, cells)
        plan = RulePlan(mending)
        if mending.steps:
            loose = [name for name in free if name not in groups and name != schema.entry]
            first = (*cells.names, *((primary.event,) if primary else ()))
            numbers = [name for name in loose if not formats[name].values]
            plan = Planner(frame, numbers, loose, first, primary.time if primary else "", keep).plan(mending)
            groups |= dict.fromkeys(plan.states, RULED)
        ordered = [name for name in groups if groups[name] == CAUSE and name in free]
        order = plan.ordered([*ordered, *(name for name in free if name not in ordered)])
        modelled = {name: groups.get(name, ALL) for name in order}
        for name in free:
            few, levels = needed[name], name not in schema.numeric and is_levels(frame[name], needed[name])
            if not formats[name].values and (schema.holds_levels(name) or levels):
                raise _unfit(cohort, name, f"no level that {few} patients have")
            alone = guard is None and not formats[name].values and name not in schema.numeric
            if alone and _stands_out(frame[name], few):
                raise _unfit(cohort, name, f"one value for all but fewer than {few} patients: theirs would show")
        pooled = {name: _rare(frame[name], needed[name]) for name in free if POOLED in formats[name].values}
        for name, count in pooled.items():
            common, few = as_text(frame[name]).value_counts(), needed[name]
            if count and len(common[common >= few]) == 1 and common.iloc[0] - max(few - count, 0) < few:
                told = f"all but {small(count)} patients have one level: they are too few to hide"
                raise _unfit(cohort, name, told)
        entry = None
        if schema.entry is not None:
            held = frame[schema.entry].to_numpy(float)
            entry = EntryLaw.of(held, _earliest(frame, schema), least, decimals_of(held))
        rare = {name: count for name, count in pooled.items() if count}
        return cls(schema, formats, modelled, rare, least, entry, needed, plan)

    def with_states(self, cells: Cells, cell: np.ndarray, cause: np.ndarray, values: Mapping[str, np.ndarray]) -> Shape:
        """The same shape, with the states of columns that enough of these patients have."""
        told = self.columns_before(cells, cell, cause, values)
        states = {name: one.counted(told, self.least) for name, one in self.plan.states.items()}
        return replace(self, plan=replace(self.plan, states=states))

    def bounded(self, values: Mapping[str, np.ndarray], guard: Guard, cohort: str) -> dict[str, np.ndarray]:
        """The modelled columns (n,), with numbers capped; amounts are not, because that would change their mean.

        Raises
        ------
        UnfitColumnError      an amount in which fewer patients than must be hidden are far beyond all others
        """
        wrong = [name for name in values if name in self.amounts and guard.stands_out(values[name])]
        if wrong:
            found = f"fewer than {guard.bounds.hidden} patients are far beyond all others: their mean would tell them"
            fix = "cap the column, or keep the release internal"
            raise UnfitColumnError(f"cohort {cohort!r}", [Problem(f"column {name!r}", found, fix) for name in wrong])
        free = {name for name, held in values.items() if held.dtype != object and name not in self.amounts}
        return {name: guard.capped(guard.common(name, held)) if name in free else held for name, held in values.items()}

    def noise(self, values: Mapping[str, np.ndarray], guard: Guard, n: int) -> Noise:
        """The noise for these modelled columns of n patients."""
        free = 0
        for name, held in values.items():
            missing = held == "" if held.dtype == object else np.isnan(held)
            known = held[~missing]
            if self.modelled[name] not in (STRATUM, CAUSE) and len(known):
                kinds = len(np.unique(known.astype(str))) if held.dtype == object else 3 * MOST_PIECES
                free += kinds - 1 + int(missing.any())
        return Noise.of(guard.bounds, n, max(1, len(values)), free)

    def encoded(self, table: Arrays) -> dict[str, np.ndarray]:
        """The modelled columns of a table: text with '' for missing, or numbers with NaN."""
        found: dict[str, np.ndarray] = {}
        for name in self.modelled:
            if self.formats[name].values:
                coded = table.levels(name)
                values = coded.names.astype(object)[coded.codes]
                found[name] = pooled_levels(values, self.levels[name]) if name in self.pooled else values
            else:
                found[name] = table.numbers(name)
        primary, frame = self.primary, table.frame
        for one in self.plan.bounded:
            limit, values = table.numbers(one.bound), table.numbers(one.column)
            equal = np.any([when.holds(table) for when in one.whens], axis=0) if one.whens else np.zeros(table.n, bool)
            found[one.column] = one.encoded(values, limit, equal & ~np.isnan(values))
        if primary is None:
            return found
        last = frame[primary.time].to_numpy(float)
        for first in earlier(self.schema, primary):
            before = frame[first.time].to_numpy(float)
            tied = before >= last
            found[first.event] = states(tied, as_text(frame[first.event]).to_numpy(dtype=str))
            found[first.time] = np.where(tied, np.nan, before / last)
        if self.schema.entry is not None:
            found[self.schema.entry] = places(found[self.schema.entry], _earliest(frame, self.schema))
        return found

    def frame(
        self,
        cells: Cells,
        cell: np.ndarray,
        time: np.ndarray,
        cause: np.ndarray,
        values: Mapping[str, np.ndarray],
    ) -> pd.DataFrame:
        """Rows in the columns and types of the source; endpoints keep their order, and entry comes before them."""
        found = {name: values[name] for name in self.modelled}
        for name in cells.names:
            found[name] = cells.levels(name, cell)
        primary = self.primary
        if primary is not None:
            decimals = self.formats[primary.time].decimals
            last = time if decimals is None else np.round(time, decimals)
            found[primary.time], found[primary.event] = last, cause
            for first in earlier(self.schema, primary):
                state = values[first.event].astype(str)
                tied = np.char.startswith(state, "tied")
                step = self.formats[first.time].decimals
                found[first.time] = np.where(tied, last, _below(values[first.time] * last, last, step))
                found[first.event] = np.array([text.split(":")[1] for text in state], dtype=object)
            if self.schema.entry is not None and self.entry is not None:
                earliest = np.min([found[name] for name in self.schema.times], axis=0)
                found[self.schema.entry] = self.entry.before(values[self.schema.entry], earliest)
        for one in self.plan.bounded:
            equal = np.zeros(len(cell), dtype=bool)
            for when in one.whens:
                equal |= States((when,)).raw(self.columns_before(cells, cell, cause, values)) == "yes"
            found[one.column] = one.decoded(
                values[one.column], found[one.bound].astype(float), equal, self.formats[one.column].decimals
            )
        index = pd.RangeIndex(len(cell))  # one of all columns: pandas would align columns with an index each
        columns = {name: self._written(name, column, index) for name, column in found.items()}
        written = pd.DataFrame(columns, index, copy=False)
        return self.plan.written(written, self.formats)

    def to_dict(self) -> dict[str, Any]:
        """The shape as data for JSON, without the roles."""
        return {
            "formats": formats_to_dict(self.formats),
            "modelled": [[name, group] for name, group in self.modelled.items()],
            "pooled": dict(self.pooled),
            **({"plan": self.plan.to_dict()} if self.plan.mending.steps else {}),
            **({} if self.entry is None else {"entry": self.entry.to_dict()}),
            **({} if self.visits is None else {"visits": self.visits.to_dict()}),
        }

    def columns_before(
        self, cells: Cells, cell: np.ndarray, cause: np.ndarray, values: Mapping[str, np.ndarray]
    ) -> dict[str, np.ndarray]:
        """The columns (n,) that may decide the law of another: those of cells, how follow-up ended, and drawn ones."""
        found = {**values, **{name: cells.levels(name, cell) for name in cells.names}}
        if self.primary is not None:
            found[self.primary.event] = _texts(cause)
        return found

    def grouping(self, cells: Cells, cell: np.ndarray, cause: np.ndarray) -> Grouping:
        """The groups of rows (n,) in the law of each column."""
        before = self.columns_before(cells, cell, cause, {}) if self.plan.states else {}
        return Grouping(self.modelled, self.plan.states, cells, cell, cause, before)

    def _written(self, name: str, column: np.ndarray, index: pd.Index) -> pd.Series:
        primary = self.primary
        if primary is not None and name == primary.event:
            return pd.Series(column, index).astype(self.formats[name].dtype)
        return self.formats[name].column(column, index)


def earlier(schema: Schema, primary: Endpoint) -> list[Endpoint]:
    """The endpoints that are declared never to come after the primary one."""
    return [schema.endpoints[first] for first, last in schema.order if last == primary.name]


def _earliest(frame: pd.DataFrame, schema: Schema) -> np.ndarray:
    """The earliest time (n,) of each row."""
    return frame[list(schema.times)].min(axis=1).to_numpy(float)


def _groups(schema: Schema, cells: Cells) -> dict[str, str]:
    """Column to the group that its law depends on, for columns whose law differs by group."""
    groups = {band.source: name for name, band in schema.bands.items() if name in cells.names}
    if cells.names:
        paid = [*schema.costs, *(part for total in schema.costs for part in schema.totals.get(total, ()))]
        groups |= dict.fromkeys((*paid, *schema.utilities, *schema.schedule.values), STRATUM)
    primary = primary_of(schema)
    if primary is not None:
        for first in earlier(schema, primary):
            groups[first.event], groups[first.time] = CAUSE, first.event
    return groups


def states(tied: np.ndarray, code: np.ndarray) -> np.ndarray:
    """Whether an earlier endpoint is tied with the primary one, and its cause: "tied:1", "apart:1", "apart:0"."""
    return np.array(
        [f"{'tied' if same else 'apart'}:{event}" for same, event in zip(tied, code, strict=True)], dtype=object
    )


def _unfit(cohort: Cohort, name: str, found: str) -> UnfitColumnError:
    """The error for a column that cannot be written without showing the level of too few patients."""
    problem = Problem(f"column {name!r}", found, "drop it, merge its levels, or give a smaller min_patients")
    return UnfitColumnError(f"cohort {cohort.name!r}", problem)


def _stands_out(column: pd.Series, least: int) -> bool:
    """True for two numbers, not neighbours as 0 and 1 are, of which fewer than `least` patients have one."""
    counts = column.astype(float).value_counts()
    return len(counts) == 2 and int(counts.min()) < least and float(np.ptp(counts.index)) != 1


def pooled_levels(values: np.ndarray, least: int) -> np.ndarray:
    """Levels (n,) in which every level that fewer than `least` patients have is `POOLED`.

    Notes
    -----
    If all of these together are still fewer than `least`, they would be recognised. Then patients of the most frequent
    level are added to them, at even distances over the rows, whatever their other values.
    """
    present, counts = np.unique(values[values != ""].astype(str), return_counts=True)
    rare = np.isin(values.astype(str), present[counts < least])
    found = values.copy()
    found[rare] = POOLED
    lacking = least - int((found == POOLED).sum())
    if lacking > 0 and counts.max() - lacking >= least:
        common = np.flatnonzero(found.astype(str) == str(present[np.argmax(counts)]))
        found[common[np.linspace(0, len(common) - 1, lacking).round().astype(int)]] = POOLED
    elif lacking > 0:  # no level can spare so many patients: the rarest common level is pooled too
        found[found.astype(str) == str(present[counts >= least][np.argmin(counts[counts >= least])])] = POOLED
    return found


def _rare(column: pd.Series, least: int) -> int:
    counts = as_text(column).value_counts()
    return int(counts[counts < least].sum())


def _rounded_down(values: np.ndarray, decimals: int | None) -> np.ndarray:
    return values if decimals is None else np.floor(values * 10.0**decimals + 1e-9) / 10.0**decimals


def _below(values: np.ndarray, last: np.ndarray, decimals: int | None) -> np.ndarray:
    """Times rounded to the source's decimals, above 0 and not past `last`."""
    step = 0.0 if decimals is None else 10.0**-decimals
    return np.minimum(np.maximum(_rounded_down(values, decimals), step), last)


def column_law(
    name: str, values: np.ndarray, shape: Shape, groups: Groups, guard: Guard | None, noise: Noise | None
) -> ColumnLaw:
    """The law of one modelled column of patients (n,), in their groups (n,)."""
    group, schema, weights, spread, most = shape.modelled[name], shape.schema, None, 0.0, PIECES
    if guard is not None and noise is not None:
        own = group in (STRATUM, CAUSE)
        spread, most = (noise.outcome, PIECES) if own else (noise.covariates, MOST_PIECES)
        weights = guard.weights(f"column {name}", len(values), spread)
    if name == schema.entry:
        return ColumnLaw.of_shares(name)
    if values.dtype == object:
        law = ColumnLaw.of_levels(name, values, group, groups, weights)
    else:
        law = ColumnLaw.of_numbers(
            name,
            values,
            group,
            groups,
            least=shape.least,
            open_top=name in shape.amounts - shape.plan.parts,
            stand_in=schema.bands[group].typical if group in schema.bands else None,
            weights=weights,
            most=most,
        )
    if guard is None or not beyond_weights(spread):
        return law
    patients = {name: len(rows) for name, rows in groups.parts.items()}
    return law.moved(guard.mover(name), patients, beyond_weights(spread), values=group not in (STRATUM, CAUSE))


def _texts(codes: np.ndarray) -> np.ndarray:
    """Codes (n,) of 0 and more as text: a code is converted once, not each row."""
    return np.array([str(code) for code in range(int(codes.max(initial=0)) + 1)])[codes]


def arms_of(shape: Shape, cells: Cells, cell: np.ndarray) -> np.ndarray:
    """The arm (n,) of each row; one text for all where there are no arms."""
    arm = shape.schema.arm
    return np.full(len(cell), ALL) if arm is None else cells.texts(arm, cell)
