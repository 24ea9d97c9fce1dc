"""The text of a first protocol: guessed roles, marked as guesses, and open questions as comments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd
from pandas.api import types

from heorsynth.core.display import counted
from heorsynth.core.errors import as_yaml
from heorsynth.data.columns.clusters import CLUSTER_WORDS
from heorsynth.data.columns.event_words import coding_by_words, inverted_meaning, possible_codings
from heorsynth.data.columns.schema import Endpoint, schema_of
from heorsynth.data.rules.discover import rules_of
from heorsynth.protocol.start.guess_endpoints import guess_unit, is_named, named_endpoints
from heorsynth.protocol.start.guess_roles import (
    Guess,
    TextNumbers,
    currencies_named,
    guess_reference,
    shared_levels,
)


@dataclass(frozen=True)
class Table:
    """A file of patients with its guessed roles.

    Attributes
    ----------
    name : str          name of the file without its ending
    source : str        the `source` of the protocol, as YAML
    frame : DataFrame   the rows; for an ADTTE table, those of one parameter
    guesses : tuple     the guesses, as `Guess`
    brought : Mapping   roles that the table declares itself, from `from_adtte`
    layout : str        a sentence on the assumed layout of the file; "" without assumptions
    others : tuple      further parameters of an ADTTE table
    m : int             suggested number of synthetic cohorts; small for a folder, because each is as large as it
    text : TextNumbers  the columns with numbers written as text; None if they were not searched
    """

    name: str
    source: str
    frame: pd.DataFrame
    guesses: tuple[Guess, ...]
    brought: Mapping[str, object] = field(default_factory=dict)
    layout: str = ""
    others: tuple[str, ...] = ()
    m: int = 20
    text: TextNumbers | None = None

    def columns(self, role: str) -> tuple[str, ...]:
        """The columns guessed for a role."""
        return tuple(name for guess in self.guesses if guess.role == role for name in guess.columns)

    @property
    def endpoints(self) -> list[Endpoint]:
        """The guessed endpoints; empty for an ADTTE table, which declares its endpoint itself."""
        pairs = [guess.columns for guess in self.guesses if guess.role == "endpoint"]
        return [] if self.brought else named_endpoints(pairs)

    @property
    def arm(self) -> str | None:
        """The column of the arm, declared by the table or guessed."""
        brought = self.brought.get("arm")
        return str(brought) if brought else next(iter(self.columns("arm")), None)

    @property
    def currency(self) -> str:
        """The currency in cells and names of the costs; "" if there is none, or more than one."""
        return self.currencies[0] if len(self.currencies) == 1 else ""

    @property
    def currencies(self) -> tuple[str, ...]:
        """All currencies in cells and names of the costs."""
        by_column = {} if self.text is None else self.text.currencies
        costs = self.columns("costs")
        signs = {code for name in costs for code in by_column.get(name, ())}
        return tuple(sorted(signs | currencies_named(costs)))

    @property
    def reference(self) -> str:
        """The level of the arm that is named like a control; "" if none or several are."""
        return "" if self.arm is None else guess_reference(self.frame[self.arm])


def _guess_purpose(table: Table) -> tuple[str, str]:
    """A purpose that the columns can support, and the reason for the guess."""
    if table.arm is not None and table.columns("costs"):
        return "economic-evaluation", "guessed: the file has an arm and costs"
    lacks = " and ".join(
        what for what, columns in (("no arm", table.arm), ("no costs", table.columns("costs"))) if not columns
    )
    if table.endpoints or table.brought:
        return "model-development", f"guessed: {lacks}, so an economic evaluation is not possible"
    return "teaching", f"guessed: no endpoint, {lacks}"


def protocol_text(table: Table) -> str:
    """The protocol as YAML, with a comment on every guess and a commented-out line for every question."""
    purpose, why = _guess_purpose(table)
    lines = [
        "heorsynth: 1",
        f"title: {as_yaml('Synthetic copy of ' + table.name)}",
        f"purpose: {purpose}   # {why}",
        f"notebook: {as_yaml(table.name + '.ipynb')}",
        "cohort:",
        *(f"  {line}" for line in _cohort_lines(table)),
        f"generator: {{name: heor, n: same, m: {table.m}, seed: 1}}",
        *([] if purpose == "teaching" else _keep_all_lines(table)),
        "margins: {}   # the purpose has default margins; set your own before you see any result",
        'governance:   # blank answers are shown as "needs a person"',
        *(f"  {key}:" for key in ("steward", "intended_use", "prohibited_use", "legal_basis", "retention")),
        "amendments: []",
        *_economics_lines(table),
        "",
    ]
    return "\n".join(lines)


def _keep_all_lines(table: Table) -> list[str]:
    return [
        "# Relations that few patients show are shrunk, and analyses that nobody declared may then differ.",
        "# This keeps them all, and the rows lie nearer to the patients:",
        f"# generator: {{name: heor, n: same, m: {table.m}, seed: 1, options: {{keep: all}}}}",
    ]


def _cohort_lines(table: Table) -> list[str]:
    lines = [f"source: {table.source}" + (f"   # {table.layout}" if table.layout else "")]
    if table.brought:
        lines += ["# Declared by the table: AVAL and CNSR are the endpoint (CNSR 0 = event, above 0 = censored),",
                  f"# USUBJID is the id{f', {table.arm} the arm' if table.arm else ''}."]  # fmt: skip
    if table.endpoints:
        pairs = ", ".join(f"{one.name}: [{as_yaml(one.time)}, {as_yaml(one.event)}]" for one in table.endpoints)
        lines.append(f"endpoints: {{{pairs}}}   # guessed")
    lines += _coding_lines(table) + _unit_lines(table)
    for role in ("id", "arm"):
        lines += [f"{role}: {as_yaml(name)}   # guessed" for name in table.columns(role)[:1]]
    lines += _reference_lines(table) + _cluster_lines(table) + _kind_lines(table)
    for role in ("costs", "utilities", "subgroups"):
        if table.columns(role):
            lines.append(f"{role}: [{', '.join(map(as_yaml, table.columns(role)))}]   # guessed")
    if table.columns("costs"):
        currency = table.currency
        lines += [f"currency: {currency}   # guessed" if currency else "# currency: EUR", "# price_year: 2024"]
    if table.columns("drop"):
        lines.append(
            f"drop: [{', '.join(map(as_yaml, table.columns('drop')))}]   # guessed: these columns cannot be synthesised"
        )
    return lines + _rule_lines(table)


_MOST_RULES = 40
"""At most so many rules are listed."""


def _rule_lines(table: Table) -> list[str]:
    """The rules that every row obeys, as lines to uncomment for those that are none."""
    left_out = [*table.columns("drop"), *table.columns("id")]
    frame = table.frame.drop(columns=left_out, errors="ignore")
    ends = {one.name: (one.time, one.event) for one in table.endpoints}
    schema = schema_of(endpoints=ends, costs=table.columns("costs"), utilities=table.columns("utilities"))
    rules = rules_of(frame, schema)
    if not len(rules):
        return []
    shown = rules.rules[:_MOST_RULES]
    more = f", of which {_MOST_RULES} are listed" if len(rules) > len(shown) else ""
    many = counted(len(rules), "rule")
    return [
        f"# rules:   # {many} that every row obeys{more}: strike those that are none, add others",
        "#   add: []",
        "#   strike:",
        *(f"#     - {as_yaml(rule.text)}" for rule in shown),
    ]


def _coding_lines(table: Table) -> list[str]:
    """The coding of each endpoint if its words define it; else the possible codings, as lines to uncomment."""
    written = [
        (one.name, "{" + ", ".join(f"{code}: {value}" for code, value in codes.items()) + f"}}   # {why}", by_words)
        for one in table.endpoints
        for codes, why, by_words in _codings(one.event, table.frame[one.event])
    ]
    if len(table.endpoints) < 2:
        return [f"{'' if by_words else '# '}event_map: {body}" for _, body, by_words in written]
    if not written:
        return []
    complete = [name for name, _, by_words in written if by_words] == [one.name for one in table.endpoints]
    mark = "" if complete else "# "
    return [f"{mark}event_map:", *(f"{mark}  {name}: {body}" for name, body, _ in written)]


_Coding = tuple[dict[str, int], str, bool]
"""Level to code, the meaning of the codes, and True if the words of the column define the coding."""


def _codings(name: str, column: pd.Series) -> list[_Coding]:
    """The codings of an event column: the one that its words define, else all possible ones."""
    levels, is_bool = _levels_of(column), holds_booleans(column)
    ambiguous = inverted_meaning(name)
    if is_bool and not ambiguous:
        return []
    coding = coding_by_words(name, levels)
    if coding is not None:
        codes = {_key(level): code for level, code in sorted(coding.items(), key=lambda pair: pair[1])}
        return [(codes, "guessed, by the words: 0 censored, 1 the event", True)]
    if is_bool:
        return _possible(levels)
    numbers = pd.to_numeric(column, errors="coerce")
    if ambiguous and not needs_coding(column):
        known = sorted({0, 1, *numbers.astype(int)})
        return [({str(code): int(code == 0) for code in known}, "if 0 means the event, and 1 censored", False),
                ({str(code): code for code in known}, "if 0 means censored, and 1 the event", False)]  # fmt: skip
    if needs_coding(column):
        return _possible(levels)
    codes = {str(code): code for code in sorted(set(numbers.astype(int)))}
    return [(codes, "the default: 0 censored, 1 the event", False)]


def _possible(levels: Sequence[object]) -> list[_Coding]:
    """Both codings of two levels; else one example to change."""
    if ways := possible_codings(levels):
        last = levels[-1]
        meaning = {1: "the event", 0: "censored"}
        return [({_key(level): code for level, code in codes.items()}, f"if {_key(last)} means {meaning[codes[last]]}",
                 False) for codes in ways]  # fmt: skip
    codes = {_key(level): at for at, level in enumerate(levels or ("alive", "dead"))}
    return [(codes, "an example: which level means censored (0), and which the event (1)?", False)]


def _levels_of(column: pd.Series) -> tuple[object, ...]:
    """The levels of an event column: booleans, or texts that enough patients share."""
    if holds_booleans(column):
        return tuple(sorted({bool(value) for value in column.dropna()}))
    return shared_levels(column)


def holds_booleans(column: pd.Series) -> bool:
    """True for a column of booleans, also with missing values."""
    return types.is_bool_dtype(column) or types.infer_dtype(column, skipna=True) == "boolean"


def _key(level: object) -> str:
    """A level as a key in YAML: booleans and whole numbers plain, text in quotes."""
    if isinstance(level, bool):
        return str(level).lower()
    return str(level) if str(level).isdecimal() else as_yaml(str(level))


def needs_coding(column: pd.Series) -> bool:
    """True if an event column is text, or numbers without a 0: its coding does not define who is censored."""
    if holds_booleans(column):
        return bool(inverted_meaning(str(column.name)))
    numbers = pd.to_numeric(column, errors="coerce")
    return bool(numbers.isna().any() or 0 not in set(numbers))


def _unit_lines(table: Table) -> list[str]:
    if not table.endpoints and not table.brought:
        return []
    if "unit" in table.brought:
        return [f"# unit: {table.brought['unit']}   # as AVALU says"]
    unit = guess_unit(tuple(one.time for one in table.endpoints[:1]))
    how = "guessed" if unit else "guessed, no column names it"
    return [f"unit: {unit or 'day'}   # {how}: unit of every time; day, week, month or year"]


def _reference_lines(table: Table) -> list[str]:
    if table.arm is None:
        return []
    if table.reference:
        return [f"arm_reference: {as_yaml(table.reference)}   # guessed, by its name: the comparator"]
    levels = shared_levels(table.frame[table.arm])
    if table.frame[table.arm].nunique() > 2:
        why = "guessed, the first in the alphabet: with three or more arms, one must be named"
        return [f"arm_reference: {as_yaml(levels[0])}   # {why}" if levels else
                "# arm_reference:   # with three or more arms, name the comparator"]  # fmt: skip
    among = f", one of {', '.join(map(as_yaml, levels))}" if levels else ""
    return [f"# arm_reference:   # which arm is the comparator{among}? Default: the first in the alphabet"]


def _cluster_lines(table: Table) -> list[str]:
    """A line to uncomment for a column that is named like a site, of which several patients share each."""
    taken = {table.arm, *table.columns("id"), *(name for one in table.endpoints for name in (one.time, one.event))}
    named = [name for name in map(str, table.frame.columns) if name not in taken and is_named(name, CLUSTER_WORDS)]
    shared = [name for name in named if 1 < table.frame[name].nunique() < len(table.frame)]
    why = "the site that patients share? Then whole sites keep their arm; leave it out of subgroups and drop"
    return [f"# cluster: {as_yaml(name)}   # {why}" for name in shared[:1]]


def _kind_lines(table: Table) -> list[str]:
    """Lines for numbers written as text, for codes of digits, and for marks of missing values."""
    if table.text is None:
        return []
    named = set(table.columns("drop")) | set(table.columns("id")) | {table.arm, *table.columns("subgroups")}
    named |= {one.event for one in table.endpoints}
    kinds = {name: "number" for name in table.text.counts} | {name: "code" for name in table.text.codes}
    listed = ", ".join(f"{as_yaml(name)}: {kind}" for name, kind in kinds.items() if name not in named)
    lines = [f"kind: {{{listed}}}   # guessed: numbers written as text, and codes of digits"] if listed else []
    if table.text.marks:
        marks = ", ".join(map(as_yaml, table.text.marks))
        lines.append(f"missing: [{marks}]   # guessed: marks of missing values, in every column")
    return lines


def _economics_lines(table: Table) -> list[str]:
    if table.arm is None or not (table.columns("costs") and table.columns("utilities")):
        return []
    comparator = as_yaml(table.reference) if table.reference else "…"
    return [f"# economics: {{comparator: {comparator}, wtp: [20000]}}   # thresholds, in the currency per QALY"]
