"""The covariates that a protocol's adjusted analyses name, and the option by which `heor` keeps them."""

from __future__ import annotations

import ast
import re
from importlib import import_module
from typing import Any

from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.folders.cohort_folder import CohortFolder
from heorsynth.generators.heor.keep_columns import may_be_kept

_QUOTED = re.compile(r"`([^`]+)`")
"""A name in a formula that is no Python name, such as `base cost`."""


def kept_columns(document: object) -> tuple[str, ...]:
    """The covariates named by the economic evaluation and by the formulas of the analyses, each once.

    The arm can be among them, and names that are no columns; `generator_options` leaves those out. A protocol without
    these sections names none.
    """
    economics = getattr(document, "economics", None)
    baseline = getattr(economics, "baseline", None)
    found = [*([baseline] if baseline else []), *(getattr(economics, "adjust", None) or ())]
    for analysis in getattr(document, "analyses", None) or ():
        found += _covariates(getattr(analysis, "formula", None) or "")
    return tuple(dict.fromkeys(found))


def generator_options(document: Any, patients: Cohort | CohortFolder) -> dict[str, object]:
    """The options of a protocol's generator; `heor` keeps the covariates of its analyses, if `keep` is not given."""
    settings = document.generator
    options: dict[str, object] = dict(settings.options)
    if settings.name != "heor" or "keep" in options:
        return options
    schema = patients.schema
    columns = patients.frame.columns if isinstance(patients, Cohort) else patients.domain.columns
    allowed = may_be_kept(schema, map(str, columns))
    paid = {
        *schema.costs,
        *schema.utilities,
        *(part for total in schema.costs for part in schema.totals.get(total, ())),
    }
    declared = getattr(document.economics, "baseline", None)
    keep = [name for name in kept_columns(document) if name in allowed and (name not in paid or name == declared)]
    return {**options, "keep": keep} if keep else options


def _covariates(formula: str) -> list[str]:
    """The names on the right-hand side of a formula; none if it cannot be read, which its own check reports."""
    formulaic = import_module("formulaic")  # it has no type hints, and takes long to import
    try:
        read = formulaic.Formula(formula)
        terms = list(getattr(read, "rhs", read))
    except (formulaic.errors.FormulaicError, SyntaxError, TypeError, ValueError):
        return []
    return [name for term in terms for factor in term.factors for name in _names(str(factor.expr))]


def _names(expression: str) -> list[str]:
    """The names in one factor of a formula, such as age in log(age)."""
    if expression.isidentifier():
        return [expression]
    quoted = _QUOTED.findall(expression)
    try:
        tree = ast.parse(_QUOTED.sub("0", expression), mode="eval")
    except SyntaxError:
        return quoted or [expression]
    return [*quoted, *_named(tree)]


def _named(node: ast.AST) -> list[str]:
    """The names in an expression, without those of the functions that it calls."""
    if isinstance(node, ast.Name):
        return [node.id]
    parts = [*node.args, *node.keywords] if isinstance(node, ast.Call) else list(ast.iter_child_nodes(node))
    return [name for part in parts for name in _named(part)]
