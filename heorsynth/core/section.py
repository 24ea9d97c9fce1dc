"""The base of every section of a YAML file, and its numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict
from pydantic_core import ErrorDetails, PydanticCustomError

from heorsynth.core.errors import Problem, nearest
from heorsynth.core.numbers import is_number, is_whole
from heorsynth.core.yaml_lines import Path_, line_of

_PLAIN = {
    "invalid_key": (
        "a number where a name belongs: within braces a comma begins a new entry",
        "write thousands without a comma, and a list in brackets, such as wtp: [20000]",
    ),
    "list_type": ("not a list", "write it in brackets, such as [sex] or [20000, 30000]; numbers without commas"),
    "dict_type": ("not a mapping", "write it in braces, such as {name: value}"),
    "model_type": ("not a section of keys", "write its keys below it, indented, or in braces"),
    "number": ("not a number", "write digits and a point: no quotes or comma, no percent or currency sign"),
    "whole_number": ("not a whole number", "write digits only: no quotes, comma, percent or currency sign"),
    "impute": (
        "not a method for missing values",
        "write impute: true, a number of imputed data sets of 2 or more, or complete",
    ),
    "password": (
        "holds a password, and others read a protocol",
        "leave it out, and set PGPASSWORD or ~/.pgpass; or write url_variable: and set that variable to the address",
    ),
    "string_type": ("not text", "write one name, in quotes where it is a number"),
}
"""Error type of pydantic to the problem and its fix, in words for an analyst."""


class Section(BaseModel):
    """A section of a file: unknown keys are errors, and values cannot change after reading."""

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


def _level(value: object) -> object:
    """A level as text if it is a boolean: the levels of a boolean column are called True and False."""
    return str(value) if isinstance(value, bool) else value


Whole = Annotated[int, BeforeValidator(whole)]
Level = Annotated[str | int, BeforeValidator(_level)]
Number = Annotated[float, BeforeValidator(_number)]


def schema_problem(item: ErrorDetails, lines: dict[Path_, int], document: type[BaseModel]) -> tuple[Path_, Problem]:
    """An error of pydantic as its path and a problem with its line, in words for an analyst.

    An unknown key gets the nearest key of its section. An error whose context has `found` and `fix` keeps these words.

    Parameters
    ----------
    item : ErrorDetails  one of `ValidationError.errors()`
    lines : dict       line of every key, from `read_yaml`
    document : type    schema of the whole file
    """
    location: Path_ = item["loc"] or ("",)
    unknown = item["type"] == "extra_forbidden"  # its last part is what was written, whatever that looks like
    tagged = location[:-1] if unknown else location
    at = (*(part for part in tagged if not _is_type_tag(part)), *(location[-1:] if unknown else ()))
    place = f"line {line_of(lines, at)}, {'.'.join(map(str, at[:-1] if item['type'] == 'invalid_key' else at))}"
    if unknown:
        known = sorted(_section_at(at[:-1], document).model_fields)
        return at, Problem(place, "unknown key", nearest(str(at[-1]), known))
    if item["type"] == "missing":
        return at, Problem(place, "is missing", "give it")
    context = item.get("ctx")
    if isinstance(context, dict) and "fix" in context:
        return at, Problem(place, str(context["found"]), str(context["fix"]))
    return at, Problem(place, *_PLAIN.get(str(item["type"]), ("not of the right kind", str(item["msg"]))))


def _is_type_tag(part: object) -> bool:
    """True for a part of pydantic's path that names a branch of a union; it is no key of the file."""
    text = str(part)
    plain = ("int", "str", "float", "Literal", "literal['same']", "constrained-int")
    sections = {one.__name__ for one in Section.__subclasses__() if one.__name__.startswith("_")}
    return text in plain or "[" in text or text in sections


def _section_at(at: Path_, document: type[BaseModel]) -> type[BaseModel]:
    section = document
    for part in at:
        if isinstance(part, str) and part in section.model_fields:
            section = next(_sections(section.model_fields[part].annotation), section)
    return section


def _sections(annotation: object) -> Iterator[type[BaseModel]]:
    """The sections within a type: `Arm` of `dict[str, Arm] | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _sections(part)
