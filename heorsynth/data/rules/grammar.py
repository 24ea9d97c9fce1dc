"""Reads a rule from its text, the same that `Rule.text` writes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import pandas as pd

from heorsynth.core.errors import Problem, RoleError, nearest
from heorsynth.data.columns.arrays import Arrays
from heorsynth.data.rules.level_rules import Bands, Gives, Implies, Statement, Together
from heorsynth.data.rules.numeric_rules import Equal, Order, Steps, Sum
from heorsynth.data.rules.rule import Rule, Value, plain

_FORMS = (
    "`b` = `a`, `a` <= `b`, `total` = `a` + 0.5 * `b`, `x` in steps of 5, `code` gives `label`, "
    "`group` is the band of `age`: '<40' below 40, else '40+', or `event` = 0 implies `time` = `end`"
)
"""The forms that a rule may have."""

_TOKEN = re.compile(
    r"\s*(?:(?P<name>`(?:[^`]|``)+`)|(?P<text>'(?:[^']|'')*'|\"[^\"]*\")|(?P<number>\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+)"
    r"|(?P<word>[^\W\d][\w.]*)|(?P<sign><=|<|=|\+|-|\*|,|:))"
)


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str


class _UnreadableError(Exception):
    """The text has none of the forms; the argument says where it stops to have one."""


class _Reader:
    """The tokens of a text, read from left to right."""

    def __init__(self, text: str) -> None:
        self.tokens, place = list[_Token](), 0
        while place < len(text.rstrip()):
            found = _TOKEN.match(text, place)
            if found is None:
                raise _UnreadableError(text[place:].strip())
            kind = str(found.lastgroup)
            self.tokens.append(_Token(kind, found[kind]))
            place = found.end()

    def next(self, *wanted: str) -> str:
        """The text of the next token, which must be one of these words or signs."""
        if not self.tokens or (wanted and self.tokens[0].text not in wanted):
            raise _UnreadableError(self.tokens[0].text if self.tokens else "the end")
        return self.tokens.pop(0).text

    def at(self, *words: str) -> bool:
        """True, with the words taken, if they are next."""
        if [token.text for token in self.tokens[: len(words)]] != list(words):
            return False
        del self.tokens[: len(words)]
        return True

    def column(self) -> str:
        """The name of a column: in backquotes, or a word."""
        if not self.tokens or self.tokens[0].kind not in ("name", "word"):
            raise _UnreadableError(self.tokens[0].text if self.tokens else "the end")
        token = self.tokens.pop(0)
        return token.text[1:-1].replace("``", "`") if token.kind == "name" else token.text

    def number(self) -> float:
        """A number, with a sign if there is one."""
        sign = -1.0 if self.at("-") else 1.0
        if not self.tokens or self.tokens[0].kind != "number":
            raise _UnreadableError(self.tokens[0].text if self.tokens else "the end")
        return sign * float(self.next())

    def value(self) -> Value:
        """A level or a number."""
        if self.tokens and self.tokens[0].kind == "text":
            text = self.next()
            return text[1:-1].replace("''", "'") if text[0] == "'" else text[1:-1]
        if self.tokens and self.tokens[0].text in ("true", "false"):
            return self.next() == "true"
        number = self.number()
        return int(number) if number.is_integer() else number


def parsed(text: str, frame: pd.DataFrame, least: int) -> Rule:
    """The rule that a text states, for the columns of a frame.

    Parameters
    ----------
    text : str            see `_FORMS`; names of one word need no backquotes
    frame : DataFrame     the patients
    least : int           patients that a pair of code and label must have to be listed

    Raises
    ------
    RoleError      the text has no form of a rule, or names a column that is not in the data
    """
    try:
        reader = _Reader(text)
        rule = _rule(reader)
        if reader.tokens:
            raise _UnreadableError(reader.tokens[0].text)
    except _UnreadableError as place:
        problem = Problem("rules", f"{text!r} is not a rule: not understood at {str(place)!r}", f"write {_FORMS}")
        raise RoleError("cohort", problem) from None
    known = list(map(str, frame.columns))
    unknown = [name for name in rule.columns if name not in known]
    if unknown:
        raise RoleError(
            "cohort", [Problem(f"rules: {name!r}", "no such column", nearest(name, known)) for name in unknown]
        )
    table = Arrays(frame)
    if isinstance(rule, Gives):
        rule = replace(rule, pairs=_listed_pairs(table, rule.code, rule.label, least))
    return replace(rule, support=int(rule.about(table).sum()))


def _listed_pairs(table: Arrays, code: str, label: str, least: int) -> tuple[tuple[str, Value | None], ...]:
    """Each level of a column with the only value of another that goes with it, if `least` patients have both."""
    codes, labels = table.text(code), table.text(label)
    frame = pd.DataFrame({"code": codes, "label": labels})
    counts = frame[frame["code"] != ""].value_counts().reset_index(name="count")
    alone = counts[~counts["code"].duplicated(keep=False) & (counts["count"] >= least)].sort_values("code")
    values = {str(text): plain(value) for text, value in zip(labels, table.frame[label].tolist(), strict=True) if text}
    return tuple((str(row.code), values.get(str(row.label))) for row in alone.itertuples())


def _rule(reader: _Reader) -> Rule:
    first = reader.column()
    if reader.tokens and reader.tokens[0].text == ",":
        return _together(first, reader)
    if reader.at("gives"):
        return Gives(first, reader.column(), ())
    if reader.at("in", "steps", "of"):
        return Steps(first, reader.number())
    if reader.at("is", "the", "band", "of"):
        return _bands(first, reader)
    strict = reader.at("<")
    if strict or reader.at("<="):
        return Order(first, reader.column(), strict=strict)
    implies = any(token.text == "implies" for token in reader.tokens)
    return _implication(first, reader) if implies else _sum(first, reader)


def _together(first: str, reader: _Reader) -> Together:
    names = [first]
    while reader.at(","):
        names.append(reader.column())
    for word in ("are", "missing", "together"):
        reader.next(word)
    return Together(tuple(names))


def _implication(name: str, reader: _Reader) -> Implies:
    when = _statement(name, reader)
    reader.next("implies")
    return Implies(when, _statement(reader.column(), reader))


def _statement(name: str, reader: _Reader) -> Statement:
    if reader.at("is"):
        return Statement(name, state=reader.next("missing", "known"))
    reader.next("=")
    return _equality(name, reader)


def _equality(name: str, reader: _Reader) -> Statement:
    """The statement after the equality sign: another column in backquotes or as a word, or a value."""
    token = reader.tokens[0] if reader.tokens else _Token("", "")
    if token.kind in ("name", "word") and token.text not in ("true", "false"):
        return Statement(name, other=reader.column())
    return Statement(name, value=reader.value())


def _bands(group: str, reader: _Reader) -> Bands:
    number = reader.column()
    reader.next(":")
    edges, labels = list[float](), list[Value]()
    while not reader.at("else"):
        labels.append(reader.value())
        reader.next("below")
        edges.append(reader.number())
        reader.at(",")
    labels.append(reader.value())
    if not edges or any(low >= high for low, high in pairwise(edges)):
        raise _UnreadableError("the edges, which must rise")
    return Bands(group, number, tuple(edges), tuple(labels))


def _sum(whole: str, reader: _Reader) -> Rule:
    reader.next("=")
    terms, constant, sign = list[tuple[float, str]](), 0.0, -1.0 if reader.at("-") else 1.0
    while True:
        if reader.tokens and reader.tokens[0].kind == "number":
            factor = sign * reader.number()
            if reader.at("*"):
                terms.append((factor, reader.column()))
            else:
                constant += factor
        else:
            terms.append((sign, reader.column()))
        if reader.at("+"):
            sign = 1.0
        elif reader.at("-"):
            sign = -1.0
        else:
            break
    within = 0.0
    if reader.at(",", "within"):
        within = reader.number()
    names = [name for _, name in terms]
    if not terms or whole in names or len(set(names)) < len(names):
        raise _UnreadableError("the sum, which must name each column once")
    if len(terms) == 1 and terms[0][0] == 1 and not constant and not within:
        return Equal(terms[0][1], whole)
    return Sum(whole, tuple(terms), constant, within)


def rule_from_dict(facts: dict[str, Any]) -> Rule:
    """The rule that `Rule.to_dict` wrote."""
    kinds: Sequence[type[Rule]] = (Equal, Order, Sum, Steps, Bands, Gives, Implies, Together)
    held = dict(facts)
    kind = next(one for one in kinds if one.kind == held["kind"])
    del held["kind"]
    for name in ("when", "then"):
        if name in held:
            statement = held[name]
            held[name] = statement if isinstance(statement, Statement) else Statement(**statement)
    return kind(**{name: _tuples(value) for name, value in held.items()})


def _tuples(value: Any) -> Any:
    """Lists as tuples, at every depth."""
    return tuple(map(_tuples, value)) if isinstance(value, list | tuple) else value
