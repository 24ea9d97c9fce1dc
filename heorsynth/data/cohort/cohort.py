"""A cohort: one row a patient, with the role of every column declared and checked at the door."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from heorsynth.core import errors
from heorsynth.core.display import Card, facts_card
from heorsynth.core.errors import Problem
from heorsynth.core.estimate import significant
from heorsynth.data.cohort.declared import as_declared
from heorsynth.data.cohort.source_checks import SOURCE_CHECKS, bad_events
from heorsynth.data.columns import role_checks as inspection
from heorsynth.data.columns.levels import SMALL_COUNT, as_text, shown_names
from heorsynth.data.columns.schema import Schema, as_marks, schema_of
from heorsynth.data.labels.claims import require_borne_out
from heorsynth.data.labels.label import ID_COLUMN, KEY, Label, has_synthetic_id

LONG_TEXT = 1000
"""Levels longer than this stay objects: an array of text is as wide in every row as its longest one."""


class Cohort:
    """Patients, one a row, and what their columns mean. It never changes: methods return new cohorts.

    Parameters
    ----------
    frame : DataFrame (n, k)       copied, never changed; events coded 0 = censored, 1.. = causes, decimals floats
    endpoints : dict               name: (time column, event column) or (time, event, {1: "death", 2: "transplant"})
    arm : str, optional            treatment column; patients without an arm count only in overall estimates
    arm_reference : str, optional  the comparator's level; needed where there are more than two arms
    costs, utilities : list of str numeric columns, in `currency` and in QALYs or utility units
    subgroups : list of str        categorical columns whose levels must be represented
    id : str, optional             column that tells patients apart; it is never given to a generator
    entry : str, optional          column of the time at which follow-up begins (left truncation)
    unit : str                     unit of every time: day, week, month or year
    currency, price_year           of every cost, such as "EUR", 2024
    event_map : dict, optional     raw event code to house coding, such as {1: 0, 2: 1}; applies to all
                                   endpoints, or per endpoint as {"os": {1: 0, 2: 1}}
    bands : dict, optional         {"age_group": ("age", (40, 60), ("<40", "40-59", "60+"))}; a column that is not
                                   there is made
    order : list of pairs          [("pfs", "os")]: the first never comes after the second
    totals : dict, optional        {"cost": ["drug", "hospital"]}: a total and the parts it is the sum of
    kind : dict, optional          {"site": "code", "cost": "number", "seen": "date"}: what a column holds, where its
                                   type does not say; a date is held as days since 1970-01-01
    levels : dict, optional        {"grade": [1, 2, 3]}: every level a column may have; its rare ones are kept by name
    missing : list                 what stands for a missing value, in every column, such as ["not done", -9]
    name : str                     how messages call it

    Raises
    ------
    CohortError
        With every problem at once, in its own subclass where there is only one kind: a missing column, a
        duration that is not positive, an event outside its coding, nobody with an event, one arm, duplicate
        ids, a subgroup level with one patient, an empty or constant column, mixed types, fewer than two rows.

    Examples
    --------
    >>> frame = pd.DataFrame({"time": [5, 8, 12, 20], "event": [1, 0, 1, 0], "trt": list("abab")})
    >>> cohort = Cohort(frame, endpoints={"os": ("time", "event")}, arm="trt", unit="month")
    >>> cohort.n, cohort.synthetic, cohort.arm_levels
    (4, False, ('a', 'b'))
    """

    def __init__(
        self,
        frame: pd.DataFrame,
        *,
        endpoints: Mapping[str, object],
        arm: str | None = None,
        arm_reference: object = None,
        costs: str | Sequence[str] | None = None,
        utilities: str | Sequence[str] | None = None,
        subgroups: str | Sequence[str] | None = None,
        id: str | None = None,
        entry: str | None = None,
        unit: str = "day",
        currency: str | None = None,
        price_year: int | None = None,
        event_map: Mapping[object, object] | None = None,
        bands: Mapping[str, Sequence[object]] | None = None,
        order: Sequence[tuple[str, str]] = (),
        totals: Mapping[str, Sequence[str]] | None = None,
        kind: Mapping[str, str] | None = None,
        levels: Mapping[str, Sequence[object]] | None = None,
        missing: object = (),
        name: str = "cohort",
    ) -> None:
        schema = schema_of(
            endpoints=endpoints,
            arm=arm,
            arm_reference=arm_reference,
            costs=costs,
            utilities=utilities,
            subgroups=subgroups,
            id=id,
            entry=entry,
            unit=unit,
            currency=currency,
            price_year=price_year,
            bands=bands,
            order=order,
            totals=totals,
            kind=kind,
            levels=levels,
        )
        declared = as_declared(frame, schema, event_map, name, missing=as_marks(missing))
        held, found = declared.frame, list(declared.found)
        require_borne_out(held, declared.label, f"cohort {name!r}")
        if declared.label is None and held.index.name != ID_COLUMN:
            checks = [check for check in SOURCE_CHECKS if not (found and check is bad_events)]
            found += [problem for check in checks for problem in check(held, declared.schema)]
        inspection.refuse(name, found)
        self._set(held, declared.schema, name, declared.label, declared.notes)

    def _set(
        self, frame: pd.DataFrame, schema: Schema, name: str, label: Label | None, notes: tuple[str, ...] = ()
    ) -> None:
        self._frame, self._schema, self._name, self._label, self._notes = frame, schema, name, label, notes
        self._frame.attrs = {}  # pandas copies it into every column it hands out
        self._levels: dict[str, np.ndarray] = {}

    @classmethod
    def derive(cls, schema: Schema, frame: pd.DataFrame, *, label: Label | None, name: str = "cohort") -> Cohort:
        """A cohort of rows that already follow a schema, not refused for what they lack.

        For synthetic rows, resamples and subsets: there a lost subgroup is a finding, not an error.
        """
        cohort = cls.__new__(cls)
        cohort._set(frame.copy(), schema, name, label)
        return cohort

    @property
    def name(self) -> str:
        return self._name

    @property
    def schema(self) -> Schema:
        """The declared roles."""
        return self._schema

    @property
    def n(self) -> int:
        """Number of patients."""
        return len(self._frame)

    def __len__(self) -> int:
        return self.n

    @property
    def frame(self) -> pd.DataFrame:
        """A copy of the rows. Synthetic rows are indexed by `synthetic_id`, and `attrs` holds the label."""
        frame = self._frame.copy()
        frame.attrs = {} if self._label is None else {KEY: self._label.to_dict()}
        return frame

    @property
    def rows(self) -> pd.DataFrame:
        """The rows themselves without `attrs`, no copy: for code of this package, which reads and changes nothing."""
        return self._frame

    @property
    def notes(self) -> tuple[str, ...]:
        """What was understood of the columns on reading them, one sentence each, such as which are codes."""
        return self._notes

    @property
    def label(self) -> Label | None:
        """Where synthetic rows came from; None for real patients or where no label was found."""
        return self._label

    @property
    def synthetic(self) -> bool:
        """True where the rows carry a label or synthetic ids."""
        return self._label is not None or self._frame.index.name == ID_COLUMN

    @property
    def synthetic_rows(self) -> pd.Series:
        """True for each synthetic row, False for each patient: both where a cohort is augmented."""
        named = has_synthetic_id(self._frame.index)
        return named if named.any() else pd.Series(self.synthetic, index=self._frame.index)

    @property
    def augmented(self) -> bool:
        """True where synthetic rows stand beside patients: a cohort to be neither shared nor analysed as either."""
        return bool(self.synthetic and not self.synthetic_rows.all())

    def frame_without_its_label(self) -> pd.DataFrame:
        """A copy of the rows without label and synthetic ids, for a program that takes neither.

        What is left says of itself that it is synthetic only by the mark in its rows: keep the labelled file.
        """
        return self._frame.reset_index(drop=True)

    @property
    def covariates(self) -> tuple[str, ...]:
        """Columns that are no id, endpoint, entry, arm, cost or utility."""
        schema = self._schema
        taken = {schema.id, schema.entry, schema.arm, *schema.times, *schema.events, *schema.costs, *schema.utilities}
        return tuple(str(name) for name in self._frame.columns if name not in taken)

    @property
    def arm_levels(self) -> tuple[str, ...]:
        """The arms as text, the reference (or first in sorted order) first; empty without an arm."""
        if self._schema.arm is None:
            return ()
        return arms_in_order(self.levels(self._schema.arm), self._schema)

    def column(self, name: str) -> np.ndarray:
        """One column as an array; MissingColumnError with the nearest name if there is none."""
        if name not in self._frame.columns:
            raise errors.MissingColumnError(
                f"cohort {self._name!r}",
                Problem(f"column {name!r}", "not in the data", errors.nearest(name, map(str, self._frame.columns))),
            )
        return self._frame[name].to_numpy()

    def levels(self, name: str) -> np.ndarray:
        """A categorical column as text (n,), with missing as ''; made once, and not to be written into."""
        if name not in self._levels:
            held = as_text(self._frame[name]).fillna("").to_numpy(dtype=object)
            if max(map(len, pd.unique(held)), default=0) <= LONG_TEXT:
                held = held.astype(str)
            held.flags.writeable = False
            self._levels[name] = held
        return self._levels[name]

    def outcome(self, endpoint: str) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """Follow-up (n,), how it ended (n,; 0 = censored, 1.. = causes) and entry (n,) or None."""
        if endpoint not in self._schema.endpoints:
            raise errors.unknown_name("endpoint", endpoint, self._schema.endpoints)
        found = self._schema.endpoints[endpoint]
        entry = None if self._schema.entry is None else self._frame[self._schema.entry].to_numpy(float)
        return self._frame[found.time].to_numpy(float), self._frame[found.event].to_numpy(int), entry

    def take(self, rows: np.ndarray) -> Cohort:
        """The cohort of these rows: an index array or a boolean mask."""
        frame = self._frame.loc[rows] if rows.dtype == bool else self._frame.iloc[rows]
        label = None if self._label is None else self._label.for_rows(len(frame))
        cohort = Cohort.__new__(Cohort)
        cohort._set(frame, self._schema, self._name, label, self._notes)
        return cohort

    def __getstate__(self) -> dict[str, object]:
        return self.__dict__ | {"_levels": {}}  # another process makes them anew sooner than it is sent them

    def split(self, share: float, rng: np.random.Generator) -> tuple[Cohort, Cohort]:
        """Two cohorts by chance: a training part and a hold-out of the given share."""
        if not 0 < share < 1:
            raise errors.RoleError("split", Problem("share", "must lie between 0 and 1", "0.2 keeps a fifth aside"))
        order = rng.permutation(self.n)
        cut = round(self.n * share)
        return self.take(np.sort(order[cut:])), self.take(np.sort(order[:cut]))

    def card(self) -> Card:
        """What the cohort is, in counts: the one description behind `repr` and its HTML."""
        schema, frame = self._schema, self._frame
        kind = "augmented" if self.augmented else "synthetic" if self.synthetic else "real"
        drawn = int(self.synthetic_rows.sum())
        rows = [("patients", f"{self.n - drawn:,}")] if drawn < self.n else []
        rows += [("synthetic rows", f"{drawn:,}: they add no patients" if rows else f"{drawn:,}")] if drawn else []
        for endpoint in schema.endpoints.values():
            time, cause, _ = self.outcome(endpoint.name)
            followed = f"median follow-up {significant(float(np.median(time)), 3)} {schema.unit}"
            ends = f"{endpoint.time}, {endpoint.event}: {self._ends(cause, endpoint.causes)}; {followed}"
            rows.append((f"endpoint {endpoint.name}", ends))
        if schema.arm is not None:
            rows.append((f"arm {schema.arm}", self._arm_text()))
        rows += [(f"subgroup {name}", counts_text(frame[name])) for name in schema.subgroups]
        for role, names in (("costs", schema.costs), ("utilities", schema.utilities)):
            if names:
                unit = f" ({schema.money})" if role == "costs" and schema.money else ""
                rows.append((role + unit, ", ".join(names)))
        rows.append(("covariates", ", ".join(self.covariates) or "none"))
        gaps = ", ".join(f"{name} {small(int(count))}" for name, count in frame.isna().sum().items() if count)
        rows.append(("missing", gaps or "none"))
        rows += [("read as", note) for note in self._notes]
        if (label := self._label) is not None:
            part = f"{label.generator}, cohort {label.part + 1} of {label.m}"
            rows.append(("label", f"{part}, made from {label.n_source:,} patients"))
        return facts_card(f"Cohort {self._name!r} ({kind})", rows)

    def _ends(self, cause: np.ndarray, names: Mapping[int, str]) -> str:
        codes = [code for code in np.unique(cause) if code > 0]
        parts = [
            f"{small(int((cause == code).sum()))} {names.get(int(code), 'events' if code == 1 else f'cause {code}')}"
            for code in codes
        ]
        return ", ".join([*parts, f"{small(int((cause == 0).sum()))} censored"])

    def _arm_text(self) -> str:
        assigned = self.levels(str(self._schema.arm))
        counts = {level: int((assigned == level).sum()) for level in self.arm_levels}
        parts = [f"{name} {small(counts[level])}" for level, name in shown_names(counts).items()]
        if self._schema.endpoints:
            cause = self.outcome(next(iter(self._schema.endpoints)))[1]
            events = [int(((assigned == level) & (cause == 1)).sum()) for level in self.arm_levels]
            parts = [f"{part} ({small(count)} events)" for part, count in zip(parts, events, strict=True)]
        unassigned = int((assigned == "").sum())
        return ", ".join(parts) + (f", {small(unassigned)} not assigned" if unassigned else "")

    def __repr__(self) -> str:
        return self.card().text()

    def _repr_html_(self) -> str:
        return self.card().html()


def arms_in_order(assigned: np.ndarray, schema: Schema) -> tuple[str, ...]:
    """The arms among these levels, the reference (or first in sorted order) first; '' is no arm."""
    levels = sorted(set(assigned.tolist()) - {""})
    reference = schema.arm_reference
    if reference in levels:
        levels.remove(reference)
        levels.insert(0, reference)
    return tuple(levels)


def small(count: int) -> str:
    """A count as text, with 1 to 4 shown as "<5"."""
    return f"<{SMALL_COUNT}" if 0 < count < SMALL_COUNT else f"{count:,}"


def counts_text(column: pd.Series) -> str:
    """The levels of a categorical column with their counts; rare levels are counted, not named."""
    counts = as_text(column).value_counts().sort_index()
    shown = [f"{level} {count:,}" for level, count in counts.items() if count >= SMALL_COUNT]
    rare = int((counts < SMALL_COUNT).sum())
    if rare:
        shown.append(f"{rare} rare level{'s' if rare > 1 else ''}")
    return ", ".join(shown) or "none"
