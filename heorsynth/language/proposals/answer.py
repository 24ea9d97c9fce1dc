"""The answer of a model that proposes a paper file: its JSON schema, and the file and quotes it holds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import ValidationError

from heorsynth.core.errors import ModelCallError, Problem
from heorsynth.core.section import schema_problem
from heorsynth.language.models.answers import json_answer
from heorsynth.published.paper.names import name_problems
from heorsynth.published.schema.document import Document
from heorsynth.published.schema.fields import count_and_percent
from heorsynth.published.schema.printed import printed

_NOT_ASKED = {
    "Document": {"paper", "title", "citations", "order", "proposal"},
    "EndpointSection": {"curves"},
    "AtRiskSection": {"file"},
    "Source": {"citation"},
}
"""What a model is not asked for: the person gives title and citation, and no text has the points of a curve."""


@cache
def answer_schema() -> dict[str, Any]:
    """Return the JSON schema of an answer: the schema of a paper file without curves, and the quotes."""
    whole = _without_nulls(Document.model_json_schema())
    parts = {**whole.pop("$defs"), "Document": whole}
    for name, keys in _NOT_ASKED.items():
        part = parts[name]
        part["properties"] = {key: value for key, value in part["properties"].items() if key not in keys}
        part["required"] = [key for key in part.get("required", ()) if key not in keys]
    quote = {
        "type": "object",
        "properties": {"path": {"type": "string"}, "sentence": {"type": "string"}},
        "required": ["path", "sentence"],
        "additionalProperties": False,
    }
    used = _used({"$ref": "#/$defs/Document"}, parts)
    return {
        "type": "object",
        "properties": {"file": {"$ref": "#/$defs/Document"}, "quotes": {"type": "array", "items": quote}},
        "required": ["file", "quotes"],
        "additionalProperties": False,
        "$defs": {name: parts[name] for name in parts if name in used},
    }


def _without_nulls(node: Any) -> Any:
    """Return a schema without titles, defaults, and the alternative null: what is not stated is left out."""
    if isinstance(node, list):
        return [_without_nulls(one) for one in node]
    if not isinstance(node, dict):
        return node
    if "anyOf" in node:
        (kind,) = [one for one in node["anyOf"] if one.get("type") != "null"]
        return _without_nulls(kind)
    named = node.get("properties")
    kept = {key: _without_nulls(value) for key, value in node.items() if key not in ("title", "default", "properties")}
    if isinstance(named, dict):
        kept["properties"] = {key: _without_nulls(value) for key, value in named.items()}
    return kept


def _used(node: Any, parts: Mapping[str, Any]) -> set[str]:
    """Return the names of the parts that a schema refers to, directly or not."""
    found: set[str] = set()
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            name = str(one.get("$ref", "")).rpartition("/")[2]
            if name and name not in found:
                found.add(name)
                waiting.append(parts[name])
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
    return found


def file_and_quotes(text: str) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """Return the proposed file as plain data, and its quotes as pairs of path and sentence.

    Raises
    ------
    ModelCallError      the answer is no JSON, or does not follow the schema

    Examples
    --------
    >>> file_and_quotes('{"file": {"arms": {}}}')
    Traceback (most recent call last):
    heorsynth.core.errors.ModelCallError: answer of the model has 2 problems
      1. $: breaks the rule 'required' of the schema
      2. $.file.arms: breaks the rule 'minProperties' of the schema
    """
    facts = json_answer(text, None)
    facts = _stated(facts)
    json_answer(json.dumps(facts), answer_schema())
    file = dict(facts["file"])
    rows = (file.get("table1") or {}).get("characteristics") or {}
    for row in rows.values():
        for cells in (row.get("levels") or {}).values():
            cells |= {arm: count_and_percent(cell) for arm, cell in cells.items()}
    return file, [(one["path"], one["sentence"]) for one in facts["quotes"]]


def _stated(node: Any) -> Any:
    """Return an answer without its nulls."""
    if isinstance(node, dict):
        return {key: _stated(value) for key, value in node.items() if value is not None}
    return [_stated(one) for one in node if one is not None] if isinstance(node, list) else node


def document_of(plain: Mapping[str, Any]) -> Document:
    """Return a paper file, given as plain data whose numbers are text, checked against its schema.

    Raises
    ------
    ModelCallError      it breaks the schema, or names an arm or an endpoint that is not there
    """
    try:
        document = Document.model_validate(_as_printed(plain))
    except ValidationError as error:
        problems = [schema_problem(item, {}, Document)[1] for item in error.errors()]
    else:
        problems = name_problems(document, {})
        if not problems:
            return document
    placed = [Problem(one.where.removeprefix("line 1, "), one.found, one.fix) for one in problems]
    raise ModelCallError("proposed paper file", placed)


def _as_printed(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _as_printed(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_as_printed(value) for value in node]
    try:
        return printed(str(node)) if isinstance(node, str | int) and not isinstance(node, bool) else node
    except ValueError:
        return node
