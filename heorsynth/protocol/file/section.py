"""The base of every section of a protocol, and its numbers."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict
from pydantic_core import PydanticCustomError

from heorsynth.core.numbers import is_number, is_whole


class Section(BaseModel):
    """A section of a protocol: unknown keys are errors, and values cannot change after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)


def whole(value: object) -> object:
    """Return a whole number as it is; pydantic reports anything else."""
    if not is_whole(value):
        raise PydanticCustomError("whole_number", "not a whole number")
    return value


def _number(value: object) -> object:
    if not is_number(value):
        raise PydanticCustomError("number", "not a number")
    return value


Whole = Annotated[int, BeforeValidator(whole)]
Number = Annotated[float, BeforeValidator(_number)]
