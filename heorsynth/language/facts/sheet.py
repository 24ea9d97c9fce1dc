"""`Sheet`: the facts of synthetic patients by slot. It is made of labelled synthetic rows only."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from heorsynth.core.errors import LabelError, Problem, RoleError, nearest
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.schema import Schema
from heorsynth.data.labels.claims import require_label_matches
from heorsynth.data.labels.label import Label
from heorsynth.language.facts.vocabulary import plain_level, read_words, sex_of, yes_or_no

AGE, SEX, TREATMENT, LEVEL, FLAG = "age", "sex", "treatment", "level", "flag"
STATUS, TIME, MEASURE, COST, UTILITY, DATE = "status", "time", "measure", "cost", "utility", "date"
NUMERIC = (AGE, TIME, MEASURE, COST, UTILITY)
"""Kinds of slots whose value is a number."""

Value = float | str
Row = Mapping[str, Value]
"""Facts of one patient: key of a slot to its value. A missing value has no entry."""

_MOST_LEVELS = 12
"""A column of whole numbers with at most so many values, declared as levels, is one of levels."""


@dataclass(frozen=True)
class Slot:
    """One kind of fact that a text may state.

    Attributes
    ----------
    key : str          the column's name; for an endpoint "os.status" and "os.time"
    kind : str         AGE, SEX, TREATMENT, LEVEL, FLAG, STATUS, TIME, MEASURE, COST, UTILITY or DATE
    name : str         as a text prints it
    unit : str         of a number; "" if none was declared
    decimals : int     with which a number is printed
    levels : Mapping   level to its printed name; of a status, code to the event's name, "0" to ""
    """

    key: str
    kind: str
    name: str
    unit: str = ""
    decimals: int = 0
    levels: Mapping[str, str] = field(default_factory=dict)

    def written(self, value: Value) -> str:
        """Return the value as a text prints it, without its unit.

        Examples
        --------
        >>> Slot("age", AGE, "age").written(64.9), Slot("bili", MEASURE, "bilirubin", decimals=1).written(1.26)
        ('64', '1.3')
        >>> Slot("seen", DATE, "first visit").written(19753.0)
        '2024-01-31'
        """
        if self.kind == DATE:
            return str(np.datetime64(int(value), "D"))
        if isinstance(value, str):
            return self.levels.get(value, value)
        return f"{math.floor(value) if self.kind == AGE else value:.{self.decimals}f}"


@dataclass(frozen=True)
class Sheet:
    """The facts of the patients of one synthetic cohort.

    Attributes
    ----------
    slots : tuple of Slot
    rows : tuple of Row     one a patient, in the cohort's order
    ids : tuple of str      the synthetic ids
    label : Label           of the cohort
    language : str
    """

    slots: tuple[Slot, ...]
    rows: tuple[Row, ...]
    ids: tuple[str, ...]
    label: Label
    language: str = "en"

    def slot(self, key: str) -> Slot:
        """Return the slot of a key."""
        return next(slot for slot in self.slots if slot.key == key)

    def only(self, keys: Sequence[str]) -> Sheet:
        """Return the sheet with these slots, in this order. Raise RoleError for a key that it lacks."""
        known = {slot.key: slot for slot in self.slots}
        unknown = [key for key in keys if key not in known]
        if unknown:
            raise RoleError("slots", [Problem(repr(key), "no such slot", nearest(key, known)) for key in unknown])
        rows = tuple({key: row[key] for key in keys if key in row} for row in self.rows)
        return replace(self, slots=tuple(known[key] for key in keys), rows=rows)

    def of_patients(self, ids: Sequence[str]) -> Sheet:
        """Return the sheet of these patients, in this order. Raise RoleError for an id that it lacks."""
        places = {one: at for at, one in enumerate(self.ids)}
        strange = sum(one not in places for one in ids)
        if strange:
            raise RoleError(
                "patients", Problem("", f"{strange:,} ids are in no row of the cohort", "give synthetic ids")
            )
        return replace(self, rows=tuple(self.rows[places[one]] for one in ids), ids=tuple(ids))


def slot_problems(
    schema: Schema, columns: Sequence[str], slots: Sequence[str], given: Mapping[str, Mapping[str, object]]
) -> list[Problem]:
    """Return what is wrong with the slots asked for, before any row is drawn: it reads names only.

    Parameters
    ----------
    schema : Schema         roles of the cohort
    columns : sequence      names of its columns
    slots : sequence        keys of slots
    given : Mapping         "names", "units" and "levels", each with the columns that it describes

    Examples
    --------
    >>> print(slot_problems(Schema({}), ["age", "sex"], ["aeg"], {"units": {"bili": "mg/dL"}})[0])
    slots: no slot 'aeg'
          fix: did you mean 'age'?
    """
    ends = [f"{endpoint}.{what}" for endpoint in schema.endpoints for what in ("status", "time")]
    known = [*_plain_columns(schema, columns), *ends]
    found = [Problem("slots", f"no slot {key!r}", _slot_fix(key, schema, known)) for key in slots if key not in known]
    found += [
        Problem(what, f"no column {name!r}", nearest(name, columns))
        for what, held in given.items()
        for name in held
        if name not in columns
    ]
    return found


def _slot_fix(key: str, schema: Schema, known: Sequence[str]) -> str:
    """Return what to write in place of an unknown slot: of a time or event column, the slots of its endpoint."""
    ends = [one.name for one in schema.endpoints.values() if key in (one.name, one.time, one.event)]
    if ends:
        return f"an endpoint has the slots '{ends[0]}.status' and '{ends[0]}.time'"
    if key in (*schema.identifiers, schema.entry, *schema.bands):
        return "ids, clusters, entry times and bands are in no text; leave it out"
    return nearest(key, known)


def _plain_columns(schema: Schema, columns: Iterable[str]) -> list[str]:
    """Return the columns that have a slot of their own."""
    skipped = {*schema.identifiers, schema.entry, *schema.times, *schema.events, *schema.bands}
    return [name for name in columns if name not in skipped]


def require_synthetic(cohort: Cohort, purpose: str) -> Label:
    """Return the cohort's label. Raise LabelError unless every row is labelled as synthetic.

    Parameters
    ----------
    purpose : str     what the rows are wanted for, in the message: "narratives"

    Raises
    ------
    LabelError        no label, rows of patients among them, or a label that its rows contradict
    """
    subject = f"{purpose} of cohort {cohort.name!r}"
    fix = "draw synthetic rows with a generator; patients never meet a text generator or a language model"
    if cohort.label is None:
        raise LabelError(subject, Problem("label", "the rows carry no label of a synthetic cohort", fix))
    if not cohort.synthetic_rows.all():
        raise LabelError(subject, Problem("label", "some rows are not labelled as synthetic", fix))
    require_label_matches(cohort.rows, cohort.label, subject)
    return cohort.label


def sheet_of(
    cohort: Cohort,
    *,
    slots: Sequence[str] | None = None,
    names: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    levels: Mapping[str, Mapping[str, str]] | None = None,
    language: str = "en",
    purpose: str = "narratives",
) -> Sheet:
    """Return the facts of a synthetic cohort by slot.

    Parameters
    ----------
    cohort : Cohort          synthetic, with its label
    slots : sequence of str  keys of the slots wanted; all columns but ids, clusters, entry and bands if not given
    names, units : Mapping   column to its printed name; to its unit
    levels : Mapping         column to {level: printed name}

    Raises
    ------
    LabelError, RoleError    the cohort is not labelled as synthetic; a column is not known
    """
    label = require_synthetic(cohort, purpose)
    reader = _Reader(cohort, dict(names or {}), dict(units or {}), dict(levels or {}), language)
    reader.refuse_unknown()
    found = reader.slots()
    columns = {slot.key: reader.values(slot) for slot in found}
    rows = tuple(
        {key: value for key, held in columns.items() if (value := held[at]) is not None} for at in range(cohort.n)
    )
    ids = tuple(str(one) for one in cohort.rows.index.tolist())
    sheet = Sheet(tuple(found), rows, ids, label, language)
    return sheet if slots is None else sheet.only(list(slots))


@dataclass(frozen=True)
class _Reader:
    """Reads the slots of a cohort and their values."""

    cohort: Cohort
    names: dict[str, str]
    units: dict[str, str]
    renamed: dict[str, Mapping[str, str]]
    language: str

    def refuse_unknown(self) -> None:
        """Raise RoleError for names, units or levels of columns that the cohort lacks."""
        columns = [str(name) for name in self.cohort.rows.columns]
        given: dict[str, Mapping[str, object]] = {"names": self.names, "units": self.units, "levels": self.renamed}
        if problems := slot_problems(self.cohort.schema, columns, (), given):
            raise RoleError("slots", problems)

    def slots(self) -> list[Slot]:
        """Return the slots in the order of a text: person, disease, treatment, values, outcome."""
        schema = self.cohort.schema
        plain = [self._slot(name) for name in _plain_columns(schema, map(str, self.cohort.rows.columns))]
        order = (AGE, SEX, LEVEL, FLAG, TREATMENT, DATE, MEASURE, UTILITY, COST)
        found = sorted(plain, key=lambda slot: order.index(slot.kind))
        for endpoint in schema.endpoints.values():
            found.append(self._status(endpoint.name, endpoint.causes))
            found.append(Slot(f"{endpoint.name}.time", TIME, self._time_name(endpoint.name), schema.unit,
                              self._decimals(endpoint.time)))  # fmt: skip
        return found

    def _time_name(self, endpoint: str) -> str:
        return "follow-up" if len(self.cohort.schema.endpoints) == 1 else f"{endpoint} follow-up"

    def _status(self, endpoint: str, causes: Mapping[int, str]) -> Slot:
        words = read_words("facts", self.language)["endpoints"]
        event = words.get(endpoint.lower(), f"event of {endpoint}")
        codes = {str(code): name for code, name in causes.items()} or {"1": event}
        return Slot(f"{endpoint}.status", STATUS, endpoint, levels={"0": "", **codes})

    def _slot(self, name: str) -> Slot:
        schema = self.cohort.schema
        printed = self.names.get(name) or read_words("facts", self.language)["columns"].get(name.lower())
        printed = printed or name.replace("_", " ").replace(".", " ").strip()
        unit = self.units.get(name, "")
        if name in schema.costs:
            return Slot(name, COST, printed, unit or schema.money, 0)
        if name in schema.utilities:
            return Slot(name, UTILITY, printed, unit, 3)
        if schema.kind.get(name) == DATE:
            return Slot(name, DATE, printed)
        words = set(name.lower().replace(".", "_").split("_"))
        if "age" in words and self._is_number(name):
            return Slot(name, AGE, printed, "year")
        return self._levels(name, printed, words) or Slot(name, MEASURE, printed, unit, self._decimals(name))

    def _levels(self, name: str, printed: str, words: set[str]) -> Slot | None:
        """Return the slot of a column of levels, None for one of numbers."""
        staged = bool(words & {"stage", "grade"}) and name not in self.units
        if not self._is_level(name, staged) or not (found := self._found(name)):
            return None
        given = {plain_level(str(level)): text for level, text in self.renamed.get(name, {}).items()}
        shown = {level: given.get(plain_level(level), plain_level(level) if level[:1].isdigit() else level)
                 for level in found}  # fmt: skip
        if words & {"sex", "gender"}:
            sexes = {level: sex_of(given.get(plain_level(level), level), self.language) for level in found}
            if all(sexes.values()):
                return Slot(name, SEX, printed, levels=sexes)
        if name == self.cohort.schema.arm:
            return Slot(name, TREATMENT, "treatment" if name not in self.names else printed, levels=shown)
        if not given and all(yes_or_no(level, self.language) is not None for level in found):
            yes = {level: "yes" if yes_or_no(level, self.language) else "no" for level in found}
            return Slot(name, FLAG, printed, levels=yes)
        return Slot(name, LEVEL, printed, levels=shown)

    def _found(self, name: str) -> list[str]:
        return sorted({str(level) for level in self.cohort.levels(name)} - {""})

    def _is_level(self, name: str, staged: bool) -> bool:
        if name in self.renamed or self.cohort.schema.holds_levels(name) or not self._is_number(name):
            return True
        known = self.cohort.numbers(name)
        values = np.unique(known[np.isfinite(known)])
        return len(values) > 0 and (set(values) <= {0.0, 1.0} or (staged and len(values) <= _MOST_LEVELS))

    def _is_number(self, name: str) -> bool:
        held = self.cohort.column(name)
        return held.dtype.kind in "iuf" or bool(np.isfinite(self.cohort.numbers(name)).any())

    def _decimals(self, name: str) -> int:
        """Return 0 decimals for whole numbers, else as many as give a typical value two or three digits."""
        known = self.cohort.numbers(name)
        known = np.abs(known[np.isfinite(known) & (known != 0)])
        if not len(known) or np.all(known == np.rint(known)):
            return 0
        middle = float(np.median(known))
        return 0 if middle >= 100 else 1 if middle >= 1 else 2 if middle >= 0.1 else 3

    def values(self, slot: Slot) -> list[Value | None]:
        """Return the value of each patient, None where it is missing."""
        cohort, schema = self.cohort, self.cohort.schema
        if slot.kind in (STATUS, TIME):
            endpoint, _, what = slot.key.rpartition(".")
            time, code, _ = cohort.outcome(endpoint)
            return [str(int(one)) for one in code] if what == "status" else [float(one) for one in time]
        if slot.levels:
            return [str(level) or None for level in cohort.levels(slot.key)]
        assert slot.key not in schema.events
        return [float(one) if math.isfinite(one) else None for one in cohort.numbers(slot.key)]
