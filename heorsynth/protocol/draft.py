"""The text of a protocol to start from: what was guessed, marked so, and what nobody can guess, as comments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from heorsynth.core.errors import as_yaml
from heorsynth.data.inspection import says_censoring
from heorsynth.data.schema import Endpoint
from heorsynth.protocol.guess import (
    Guess,
    endpoint_of,
    guess_currency,
    guess_reference,
    guess_unit,
    shared_levels,
)


@dataclass(frozen=True)
class Table:
    """A file of patients as `init` sees it.

    Attributes
    ----------
    name : str          of the file, without its ending
    source : str        the protocol's `source`, as YAML
    frame : DataFrame   its rows; of an ADTTE table, those of one parameter
    guesses : tuple     of `Guess`
    brought : Mapping   roles the table declares itself, as `from_adtte` returns them
    layout : str        what was assumed to read it, in a sentence, or ""
    others : tuple      further parameters of an ADTTE table
    m : int             cohorts to begin with: fewer of a folder, as each is as large as it
    """

    name: str
    source: str
    frame: pd.DataFrame
    guesses: tuple[Guess, ...]
    brought: Mapping[str, object] = field(default_factory=dict)
    layout: str = ""
    others: tuple[str, ...] = ()
    m: int = 20

    def columns(self, role: str) -> tuple[str, ...]:
        """The columns guessed to have a role."""
        return tuple(name for guess in self.guesses if guess.role == role for name in guess.columns)

    @property
    def endpoints(self) -> list[Endpoint]:
        """The guessed endpoints; those of an ADTTE table are declared by it and not guessed."""
        return [endpoint_of(guess.columns) for guess in self.guesses if guess.role == "endpoint" and not self.brought]

    @property
    def arm(self) -> str | None:
        """The arm's column, brought or guessed."""
        brought = self.brought.get("arm")
        return str(brought) if brought else next(iter(self.columns("arm")), None)

    @property
    def reference(self) -> str:
        """The arm's level that is called like a control; "" where none or several are."""
        return "" if self.arm is None else guess_reference(self.frame[self.arm])


def protocol_text(table: Table) -> str:
    """The protocol as YAML, with a comment at every guess and a commented line for every question."""
    decides = table.columns("costs") or table.endpoints or table.brought
    lines = [
        "heorsynth: 1",
        f"title: {as_yaml('Synthetic copy of ' + table.name)}",
        f"purpose: {'economic-evaluation' if decides else 'teaching'}",
        f"notebook: {as_yaml(table.name + '.ipynb')}",
        "cohort:",
        *(f"  {line}" for line in _cohort_lines(table)),
        f"generator: {{name: heor, n: same, m: {table.m}, seed: 1}}",
        "margins: {}   # the purpose has defaults; fix your own here before you look at any result",
        'governance:   # blanks are shown as "needs a person"',
        *(f"  {key}:" for key in ("steward", "intended_use", "prohibited_use", "legal_basis", "retention")),
        "amendments: []",
        *_economics_lines(table),
        "",
    ]
    return "\n".join(lines)


def _cohort_lines(table: Table) -> list[str]:
    lines = [f"source: {table.source}" + (f"   # {table.layout}" if table.layout else "")]
    if table.brought:
        lines += ["# The table itself says: AVAL and CNSR are the endpoint (CNSR 0 = event, above 0 = censored),",
                  f"# USUBJID is the id{f', {table.arm} the arm' if table.arm else ''}."]  # fmt: skip
    if table.endpoints:
        pairs = ", ".join(f"{one.name}: [{as_yaml(one.time)}, {as_yaml(one.event)}]" for one in table.endpoints)
        lines.append(f"endpoints: {{{pairs}}}   # guessed")
    lines += _coding_lines(table) + _unit_lines(table)
    for role in ("id", "arm"):
        lines += [f"{role}: {as_yaml(name)}   # guessed" for name in table.columns(role)[:1]]
    lines += _reference_lines(table)
    for role in ("costs", "utilities", "subgroups"):
        if table.columns(role):
            lines.append(f"{role}: [{', '.join(map(as_yaml, table.columns(role)))}]   # guessed")
    if table.columns("costs"):
        currency = guess_currency(table.columns("costs"))
        lines += [f"currency: {currency}   # guessed" if currency else "# currency: EUR", "# price_year: 2024"]
    if table.columns("drop"):
        lines.append(
            f"drop: [{', '.join(map(as_yaml, table.columns('drop')))}]   # guessed: no generator can copy these"
        )
    return lines


def _coding_lines(table: Table) -> list[str]:
    """For each endpoint the codings it may have, as lines to uncomment: none of them is a guess that counts."""
    told = [
        (one.name, codes, why) for one in table.endpoints for codes, why in _codings(one.event, table.frame[one.event])
    ]
    written = [
        (name, "{" + ", ".join(f"{code}: {value}" for code, value in codes.items()) + f"}}   # {why}")
        for name, codes, why in told
    ]
    if len(table.endpoints) < 2:
        return [f"# event_map: {body}" for _, body in written]
    return ["# event_map:", *(f"#   {name}: {body}" for name, body in written)] if written else []


def _codings(name: str, column: pd.Series) -> list[tuple[dict[str, int], str]]:
    """The codings an event column may have, each with what it would mean."""
    if pd.api.types.is_bool_dtype(column):
        return []
    numbers = pd.to_numeric(column, errors="coerce")
    if says_censoring(name) and not numbers.isna().any():
        known = sorted({0, 1, *numbers.astype(int)})
        return [({str(code): int(code == 0) for code in known}, "if 0 means the event, and 1 censored"),
                ({str(code): code for code in known}, "if 0 means censored, and 1 the event")]  # fmt: skip
    if needs_coding(column):
        levels = shared_levels(column) or ("alive", "dead")
        codes = {level if level.isdecimal() else as_yaml(level): at for at, level in enumerate(levels)}
        return [(codes, "which of them means censored (0), and which the event (1)?")]
    return [({str(code): code for code in sorted(set(numbers.astype(int)))}, "as it is read: 0 censored, 1 the event")]


def needs_coding(column: pd.Series) -> bool:
    """True where an event column is text, or numbers without a 0, so that nothing says who is censored."""
    if pd.api.types.is_bool_dtype(column):
        return False
    numbers = pd.to_numeric(column, errors="coerce")
    return bool(numbers.isna().any() or 0 not in set(numbers))


def _unit_lines(table: Table) -> list[str]:
    if not table.endpoints and not table.brought:
        return []
    if "unit" in table.brought:
        return [f"# unit: {table.brought['unit']}   # as AVALU says"]
    unit = guess_unit(tuple(one.time for one in table.endpoints[:1]))
    told = "guessed" if unit else "guessed, though no column names it"
    return [f"unit: {unit or 'day'}   # {told}: of every time; day, week, month or year"]


def _reference_lines(table: Table) -> list[str]:
    if table.arm is None:
        return []
    if table.reference:
        return [f"arm_reference: {as_yaml(table.reference)}   # guessed, by its name: the arm compared with"]
    levels = shared_levels(table.frame[table.arm])
    among = f", one of {', '.join(map(as_yaml, levels))}" if levels else ""
    return [f"# arm_reference:   # which arm is compared with{among}? By default the first in the alphabet"]


def _economics_lines(table: Table) -> list[str]:
    if table.arm is None or not (table.columns("costs") and table.columns("utilities")):
        return []
    comparator = as_yaml(table.reference) if table.reference else "…"
    return [f"# economics: {{comparator: {comparator}, wtp: [20000]}}   # thresholds, in the currency per QALY"]
