"""The kinds of value in a paper file: printed numbers, counts, text and sources."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from heorsynth.core.numbers import WHOLE_FLOATS
from heorsynth.core.section import Section
from heorsynth.published.schema.printed import Printed, printed

_COUNT_AND_PERCENT = re.compile(r"\s*(\d[\d,]*)\s*\(\s*([\d.]+)\s*%?\s*\)\s*")
_PART = re.compile(
    r"(page|p\.|pp\.|table|figure|fig\.?|section|appendix|supplement|abstract|text)\s*(.*)", re.IGNORECASE
)
_PLACES = {"p.": "page", "pp.": "page", "fig": "figure", "fig.": "figure"}


def _refused(found: str, fix: str) -> PydanticCustomError:
    return PydanticCustomError("paper", "not a value of a paper", {"found": found, "fix": fix})


def _figure(value: object) -> object:
    if isinstance(value, str):
        try:
            value = printed(value)
        except ValueError:
            value = None
    if not isinstance(value, Printed):
        raise _refused("not a printed number", "write it as printed: 12.30, 34% or 1,204")
    if not value.reached:
        raise _refused(f"{value.text!r} where a number is needed", "leave the key out if the paper does not state it")
    return value


def _bound(value: object) -> object:
    if isinstance(value, str):
        try:
            return printed(value)
        except ValueError:
            value = None
    if not isinstance(value, Printed):
        raise _refused("not a printed number", "write it as printed, or: not reached")
    return value


def _count(value: object) -> object:
    if isinstance(value, str):
        value = _figure(value)
    if not isinstance(value, Printed) or value.percent or not 0 <= value.value < WHOLE_FLOATS or value.value % 1:
        raise _refused("not a count", "write a whole number from 0 up")
    return int(value.value)


def _text(value: object) -> object:
    return value.text if isinstance(value, Printed) else value


def _number(value: object) -> object:
    if isinstance(value, Printed) and value.reached and not value.percent:
        return value.value
    raise _refused("not a number", "write digits and a point")


def _as_printed(description: str, pattern: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": pattern, "description": description})


_DIGITS = r"[+−–-]?[0-9][0-9,]*([.·][0-9]+)?%?"

Figure = Annotated[
    Printed, BeforeValidator(_figure), _as_printed("a number as printed, such as 0.80 or 34%", f"^{_DIGITS}$")
]
Bound = Annotated[
    Printed, BeforeValidator(_bound), _as_printed("a number as printed, or: not reached", f"^({_DIGITS}|not reached)$")
]
Count = Annotated[int, BeforeValidator(_count), _as_printed("a count as printed", "^[0-9][0-9,]*$")]
Text = Annotated[str, BeforeValidator(_text)]
Real = Annotated[float, BeforeValidator(_number), _as_printed("a number", r"^[0-9]+([.][0-9]+)?$")]
"""Kinds of number. Their JSON schema asks for text: a JSON number loses the last zero of 0.80."""


class Source(Section):
    """Where a paper states a fact: at least one of page, table, figure and section, and which paper.

    `source: Table 1, page 4` means the same as `source: {table: 1, page: 4}`. The citation may be left out where the
    file has only one.
    """

    citation: Text | None = None
    page: Text | None = None
    table: Text | None = None
    figure: Text | None = None
    section: Text | None = None

    @model_validator(mode="before")
    @classmethod
    def _of_words(cls, given: Any) -> Any:
        """Read "Figure 2, page 5"."""
        if not isinstance(given, str):
            return given
        found: dict[str, str] = {}
        for part in given.split(","):
            read = _PART.fullmatch(part.strip())
            if not read:
                raise _refused(
                    "a source that is no page, table or figure", "write, for example, source: Table 1, page 4"
                )
            kind = _PLACES.get(read[1].lower(), read[1].lower())
            named = kind in ("page", "table", "figure")
            found[kind if named else "section"] = read[2] if named else part.strip()
        return found

    @model_validator(mode="after")
    def _somewhere(self) -> Source:
        if not self.place:
            raise _refused("a source without a page, table or figure", "write, for example, source: Table 1, page 4")
        return self

    @property
    def place(self) -> str:
        """The place in words: "Table 1, page 4"."""
        named = (("Table", self.table), ("Figure", self.figure), ("", self.section), ("page", self.page))
        return ", ".join(f"{kind} {value}".strip() for kind, value in named if value)


def count_and_percent(value: object) -> object:
    """Return "60 (40%)" as a mapping of n and percent, 60 as n, 40% as percent; anything else as it is."""
    if isinstance(value, Printed):
        return {"percent" if value.percent else "n": value}
    read = _COUNT_AND_PERCENT.fullmatch(value) if isinstance(value, str) else None
    if read:
        return {"n": read[1], "percent": read[2]}
    return {"percent": value} if isinstance(value, str) and value.endswith("%") else value
