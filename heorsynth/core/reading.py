"""Reads what a stranger may have written: JSON as plain data, and the dataclass it claims to be."""

from __future__ import annotations

import json
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

Kind = TypeVar("Kind")


def json_of(text: str | bytes) -> Any:
    """JSON as plain data.

    Raises
    ------
    ValueError      not JSON, not UTF-8, or nested deeper than the reader goes

    Examples
    --------
    >>> json_of("[" * 100_000)
    Traceback (most recent call last):
    ValueError: nested too deeply
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def typed(kind: type[Kind], facts: object) -> Kind:
    """The dataclass that JSON-ready facts make, if each is of the type its field declares; none is converted.

    Raises
    ------
    ValueError      a field is missing or of another type; neither its value nor its name is told

    Examples
    --------
    >>> from heorsynth.core.errors import Problem
    >>> typed(Problem, {"where": "line 3", "found": 5})
    Traceback (most recent call last):
    ValueError: not a Problem
    """
    try:
        return TypeAdapter(kind).validate_json(json.dumps(facts), strict=True)
    except (ValidationError, TypeError, RecursionError):
        raise ValueError(f"not a {kind.__name__}") from None
