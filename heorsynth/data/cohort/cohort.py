"""`Cohort`: one row per patient, with the role of every column declared and checked when the cohort is made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from heorsynth.core import errors
from heorsynth.core.disclosure import small
from heorsynth.core.display import Card, facts_card
from heorsynth.core.errors import Problem
from heorsynth.data.cohort.card import arm_text, counts_text, ends_text, middle
from heorsynth.data.cohort.declared import as_declared
from heorsynth.data.cohort.source_checks import SOURCE_CHECKS, bad_events
from heorsynth.data.cohort.visits import long_table, told, visit_arrays
from heorsynth.data.columns import role_checks
from heorsynth.data.columns.arrays import Arrays, Levels
from heorsynth.data.columns.schema import Schema, as_marks, schema_of
from heorsynth.data.labels.claims import require_label_matches
from heorsynth.data.labels.label import ID_COLUMN, KEY, Label, has_synthetic_id
from heorsynth.data.rules.discover import rules_of
from heorsynth.data.rules.rules import MIN_PATIENTS, Rules
from heorsynth.data.visits.long_table import is_long, widened

_Rows = pd.DataFrame | Arrays


class Cohort:
    """A table with one row per patient, and the role of each column. It never changes, and each array is made once.

    Parameters
    ----------
    frame : DataFrame (n, k)       the rows; copied and never changed. Events are coded 0 = censored, 1.. = causes
    endpoints : dict               name: (time column, event column) or (time, event, {1: "death", 2: "transplant"})
    arm : str, optional            treatment column; patients without an arm count only in overall estimates
    arm_reference : str, optional  the comparator's level; required with more than two arms
    costs, utilities : list of str numeric columns, in `currency` and in QALYs or utility units
    subgroups : list of str        categorical columns whose levels must be represented
    id : str, optional             column that identifies the patient; it is never given to a generator
    entry : str, optional          column of the time at which follow-up begins (left truncation)
    cluster : str, optional        column of the site or practice that patients were treated in, or randomised with
    unit : str                     unit of every time: day, week, month or year
    currency, price_year           of every cost, such as "EUR", 2024
    event_map : dict, optional     raw event code: code used here, such as {1: 0, 2: 1}. It applies to all
                                   endpoints, or to one endpoint as {"os": {1: 0, 2: 1}}
    bands : dict, optional         {"age_group": ("age", (40, 60), ("<40", "40-59", "60+"))}; the column is added
                                   if the frame lacks it
    order : list of pairs          [("pfs", "os")]: the first endpoint never comes after the second
    totals : dict, optional        {"cost": ["drug", "hospital"]}: a total and the columns that add up to it
    kind : dict, optional          {"site": "code", "cost": "number", "seen": "date"}: what a column holds, if its
                                   type does not show it; a date is stored as days since 1970-01-01
    levels : dict, optional        {"grade": [1, 2, 3]}: every level a column may have; rare ones keep their name
    visits : dict, optional        {"eq5d": {0: "e0", 6: "e6", 12: ("e12", "e12_time")}}: the column of a measure at
                                   each planned time, and of when the visit was; or, of `visit_table`, its columns
                                   {"eq5d": ("id", "month", "value")}, see `heorsynth.data.visits.long_table`
    visit_table : DataFrame        one row a patient and visit; it becomes one column a visit
    visit_unit : str, optional     unit of the times of visits; by default `unit`
    derived : dict, optional       {"qaly": hs.area("eq5d", rate=0.035), "total": hs.total("cost")}: columns that are
                                   always calculated from visits
    death : str, optional          the endpoint whose event is death, by default one called os or death: no visit
                                   follows it
    rules : dict, optional         {"add": ["pfs_time <= time"], "strike": ["all"]}: rules that every row obeys, beside
                                   those that `rules()` discovers, and discovered ones that are none
    missing : list                 values that mean missing in every column, such as ["not done", -9]
    name : str                     the cohort's name in messages

    Raises
    ------
    CohortError
        Lists all problems at once. If they are of one kind, the error is the subclass for that kind: a missing
        column, a duration that is not positive, an event outside its coding, no event at all, a single arm,
        duplicate ids, a subgroup level with one patient, an empty or constant column, mixed types, or fewer than
        two rows.

    See Also
    --------
    heorsynth.read : Read a data file into a DataFrame.
    heorsynth.CohortFolder : The same roles for more patients than fit in memory.
    heorsynth.validate : Check whether synthetic cohorts are fit for a purpose.

    Notes
    -----
    Decimal numbers are stored as floats.

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
        rules: Mapping[str, object] | None = None,
        cluster: str | None = None,
        visits: Mapping[str, object] | None = None,
        visit_table: pd.DataFrame | None = None,
        visit_unit: str | None = None,
        derived: Mapping[str, object] | None = None,
        death: str | None = None,
        name: str = "cohort",
    ) -> None:
        if is_long(visits) or visit_table is not None:
            frame, visits = widened(frame, id, visits or {}, visit_table)
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
            rules=rules,
            cluster=cluster,
            visits=visits,
            visit_unit=visit_unit,
            derived=derived,
            death=death,
        )
        declared = as_declared(frame, schema, event_map, name, missing=as_marks(missing))
        rows, problems = declared.frame, list(declared.problems)
        require_label_matches(rows, declared.label, f"cohort {name!r}")
        if declared.label is None and rows.index.name != ID_COLUMN:
            checks = [check for check in SOURCE_CHECKS if not (problems and check is bad_events)]
            problems += [problem for check in checks for problem in check(rows, declared.schema)]
        role_checks.refuse(name, problems)
        self._set(rows, declared.schema, name, declared.label, declared.notes)

    def _set(self, rows: _Rows, schema: Schema, name: str, label: Label | None, notes: tuple[str, ...] = ()) -> None:
        if isinstance(rows, pd.DataFrame):
            rows.attrs = {}  # pandas copies `attrs` into every column it returns
        self._arrays = rows if isinstance(rows, Arrays) else Arrays(rows)
        self._schema, self._name, self._label, self._notes = schema, name, label, notes

    @classmethod
    def derive(
        cls, schema: Schema, rows: _Rows, *, label: Label | None, name: str = "cohort", fresh: bool = False
    ) -> Cohort:
        """Make a cohort of rows that already follow a schema, without the checks of a new cohort.

        In them, a lost subgroup is a finding and not an error. A `fresh` frame, held by nobody else, is not copied.
        """
        cohort = cls.__new__(cls)
        cohort._set(rows if fresh or isinstance(rows, Arrays) else rows.copy(), schema, name, label)
        return cohort

    @property
    def name(self) -> str:
        """The cohort's name in messages."""
        return self._name

    @property
    def schema(self) -> Schema:
        """The declared roles."""
        return self._schema

    @property
    def n(self) -> int:
        """Number of patients."""
        return self._arrays.n

    def __len__(self) -> int:
        return self.n

    @property
    def frame(self) -> pd.DataFrame:
        """A copy of the rows. Synthetic rows have `synthetic_id` as index and their label in `attrs`."""
        frame = self.rows.copy()
        frame.attrs = {} if self._label is None else {KEY: self._label.to_dict()}
        return frame

    @property
    def rows(self) -> pd.DataFrame:
        """The rows themselves, without a copy and without `attrs`. For internal use: never change them."""
        return self._arrays.frame

    @property
    def arrays(self) -> Arrays:
        """The rows as arrays of columns."""
        return self._arrays

    @property
    def notes(self) -> tuple[str, ...]:
        """How columns were interpreted, one sentence each, for example which columns are codes."""
        return self._notes

    @property
    def label(self) -> Label | None:
        """The origin of synthetic rows. None for real patients, or if no label was found."""
        return self._label

    @property
    def synthetic(self) -> bool:
        """True if the rows have a label or synthetic ids."""
        return self._label is not None or self.rows.index.name == ID_COLUMN

    @property
    def synthetic_rows(self) -> pd.Series:
        """True for each synthetic row, False for each patient. An augmented cohort has both."""
        named = has_synthetic_id(self.rows.index)
        return named if named.any() else pd.Series(self.synthetic, index=self.rows.index)

    @property
    def augmented(self) -> bool:
        """True if the cohort mixes synthetic rows and patients. Do not share it, and do not analyse it as patients."""
        return bool(self.synthetic and not self.synthetic_rows.all())

    def frame_without_its_label(self) -> pd.DataFrame:
        """Return a copy of the rows without label and synthetic ids, for programs that accept neither.

        Only the watermark in the values still shows that these rows are synthetic. Keep the labelled file.
        """
        return self.rows.reset_index(drop=True)

    @property
    def covariates(self) -> tuple[str, ...]:
        """Columns that are not an id, cluster, endpoint, entry, arm, cost, utility, or a visit after the start."""
        schema = self._schema
        taken = {*schema.identifiers, schema.entry, schema.arm, *schema.times, *schema.events}
        taken |= {*schema.costs, *schema.utilities, *schema.schedule.later}
        return tuple(str(name) for name in self._arrays.columns if name not in taken)

    @property
    def arm_levels(self) -> tuple[str, ...]:
        """The arms as text: the reference first, then sorted. Empty without an arm."""
        if self._schema.arm is None:
            return ()
        return arms_in_order(self.coded(self._schema.arm).counts, self._schema)

    def column(self, name: str) -> np.ndarray:
        """Return one column as it is stored (n,). Raise MissingColumnError, with the nearest name, if there is none."""
        if not self.has(name):
            raise errors.MissingColumnError(
                f"cohort {self._name!r}",
                Problem(f"column {name!r}", "not in the data", errors.nearest(name, map(str, self.rows.columns))),
            )
        return self._arrays.held(name)

    def has(self, name: str) -> bool:
        """Return whether there is such a column."""
        return name in self._arrays.names

    def numbers(self, name: str) -> np.ndarray:
        """Return a column as floats (n,), NaN where it is missing or no number."""
        return self._arrays.numbers(name)

    def missing(self, name: str) -> np.ndarray:
        """Return True (n,) where a column is missing."""
        return self._arrays.missing(name)

    def levels(self, name: str) -> np.ndarray:
        """Return a categorical column as text (n,), with '' for missing."""
        return self._arrays.text(name)

    def coded(self, name: str) -> Levels:
        """Return a categorical column as integers (n,) with the levels that they mean."""
        return self._arrays.levels(name)

    def outcome(self, endpoint: str) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """Return follow-up (n,), event codes (n,; 0 = censored, 1.. = causes), and entry times (n,) or None."""
        if endpoint not in self._schema.endpoints:
            raise errors.unknown_name("endpoint", endpoint, self._schema.endpoints)
        columns, arrays = self._schema.endpoints[endpoint], self._arrays
        entry = None if self._schema.entry is None else arrays.numbers(self._schema.entry)
        return arrays.numbers(columns.time), arrays.whole_numbers(columns.event), entry

    @property
    def visits(self) -> Mapping[str, tuple[tuple[float, str], ...]]:
        """Measure to its visits, as pairs of planned time (in `schema.visit_unit`) and column, in the order of time."""
        return self._schema.visits

    def visit_values(self, measure: str) -> tuple[np.ndarray, np.ndarray]:
        """Return the planned times (k,) and the values (n, k) of a measure, NaN where a visit is missing."""
        if measure not in self.visits:
            raise errors.unknown_name("measure", measure, self.visits)
        plan, _, values = visit_arrays(self._arrays, self._schema, measure)
        return plan, values

    def visit_table(self) -> pd.DataFrame:
        """Return one row a patient, measure and visit with a value: patient, measure, planned, time, value."""
        patient = self._schema.id
        names = self.rows.index.to_series() if patient is None or self.synthetic else self.rows[patient]
        return long_table(self._arrays, self._schema, names)

    def take(self, rows: np.ndarray) -> Cohort:
        """Return the cohort of these rows, given as an index array or a boolean mask."""
        cohort = Cohort.__new__(Cohort)
        cohort.__dict__.update(self.__dict__)
        cohort._arrays = self._arrays.take(rows)
        cohort._label = None if self._label is None else self._label.for_rows(cohort.n)
        return cohort

    def rules(self, min_patients: int = MIN_PATIENTS) -> Rules:
        """Return the rules that every row obeys: discovered, each about `min_patients` or more, and declared ones.

        Rules that the roles already state (bands, totals, the order of endpoints, entry) are not listed.

        Raises
        ------
        RoleError      a declared rule cannot be read, names no column, or is broken by a row

        Examples
        --------
        >>> frame = pd.DataFrame({"time": range(1, 41), "event": [0, 1] * 20})
        >>> frame["drug"] = (frame["time"] * 29) % 43 + 7
        >>> frame["stay"] = (frame["time"] * 37) % 41
        >>> frame["cost"] = frame["drug"] + frame["stay"]
        >>> cohort = Cohort(frame, endpoints={"os": ("time", "event")}, costs=["cost"])
        >>> "`cost` = `drug` + `stay`" in cohort.rules().texts
        True
        """
        return rules_of(self.rows, self._schema, min_patients, table=self._arrays.own())

    def split(self, share: float, rng: np.random.Generator) -> tuple[Cohort, Cohort]:
        """Split at random into a training cohort and a hold-out with the given share of patients."""
        if not 0 < share < 1:
            raise errors.RoleError("split", Problem("share", "must lie between 0 and 1", "0.2 holds out a fifth"))
        order = rng.permutation(self.n)
        cut = round(self.n * share)
        return self.take(np.sort(order[cut:])), self.take(np.sort(order[:cut]))

    def card(self) -> Card:
        """Return the summary in counts that `repr` and its HTML show."""
        schema, frame = self._schema, self.rows
        kind = "augmented" if self.augmented else "synthetic" if self.synthetic else "real"
        drawn = int(self.synthetic_rows.sum())
        rows = [("patients", f"{self.n - drawn:,}")] if drawn < self.n else []
        rows += [("synthetic rows", f"{drawn:,}: they add no patients" if rows else f"{drawn:,}")] if drawn else []
        for endpoint in schema.endpoints.values():
            time, cause, _ = self.outcome(endpoint.name)
            followed = f"median follow-up {middle(time)} {schema.unit}"
            ends = f"{endpoint.time}, {endpoint.event}: {ends_text(cause, endpoint.causes)}; {followed}"
            rows.append((f"endpoint {endpoint.name}", ends))
        if schema.arm is not None:
            causes = [self.outcome(name)[1] for name in schema.endpoints]
            rows.append((f"arm {schema.arm}", arm_text(self.levels(schema.arm), self.arm_levels, causes[:1])))
        if schema.cluster is not None:
            rows.append((f"cluster {schema.cluster}", f"{len(self.coded(schema.cluster).counts):,} clusters"))
        rows += [(f"subgroup {name}", counts_text(frame[name])) for name in schema.subgroups]
        for role, names in (("costs", schema.costs), ("utilities", schema.utilities)):
            if names:
                unit = f" ({schema.money})" if role == "costs" and schema.money else ""
                rows.append((role + unit, ", ".join(names)))
        rows += told(schema)
        rows.append(("covariates", ", ".join(self.covariates) or "none"))
        gaps = ", ".join(f"{name} {small(int(count))}" for name, count in frame.isna().sum().items() if count)
        rows.append(("missing", gaps or "none"))
        rows += [("read as", note) for note in self._notes]
        if (label := self._label) is not None:
            part = f"{label.generator}, cohort {label.part + 1} of {label.m}"
            rows.append(("label", f"{part}, made from {label.n_source:,} patients"))
        return facts_card(f"Cohort {self._name!r} ({kind})", rows)

    def __repr__(self) -> str:
        return self.card().text()

    def _repr_html_(self) -> str:
        return self.card().html()


def arms_in_order(assigned: Iterable[str], schema: Schema) -> tuple[str, ...]:
    """Return the arms among these levels: the reference first, then sorted. '' means no arm."""
    levels = sorted(set(assigned) - {""})
    reference = schema.arm_reference
    if reference in levels:
        levels.remove(reference)
        levels.insert(0, reference)
    return tuple(levels)
