"""Read untrusted input: JSON as plain data, and as the dataclass it should be."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter, ValidationError

_Kind = TypeVar("_Kind")


def json_of(text: str | bytes) -> Any:
    """Return JSON as plain data.

    Raises
    ------
    ValueError      the text is not JSON, not UTF-8, or nested too deeply

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


def typed(kind: type[_Kind], facts: object) -> _Kind:
    """Return JSON-ready facts as a dataclass. Each must have its field's type; nothing is converted.

    Raises
    ------
    ValueError      a field is missing or has another type; the message names neither field nor value

    Examples
    --------
    >>> from heorsynth.core.errors import Problem
    >>> typed(Problem, {"where": "line 3", "found": 5})
    Traceback (most recent call last):
    ValueError: not a Problem
    """
    try:
        held: _Kind = _adapter(cast(Any, kind)).validate_json(json.dumps(facts), strict=True)
        return held
    except (ValidationError, TypeError, RecursionError):
        raise ValueError(f"not a {kind.__name__}") from None


@lru_cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
