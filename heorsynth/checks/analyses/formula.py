"""Read a formula such as "os ~ trt + age + log(bili)": its outcome, its columns and its terms; it runs no code."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from heorsynth.core.errors import Problem

_FUNCTIONS = ("log", "log2", "log10", "exp", "sqrt", "center", "scale", "poly", "bs", "cr", "C", "I")
"""The functions that a formula may use."""

_ALLOWED = (
    ast.Expression,
    ast.BinOp,
    ast.UnaryOp,
    ast.Compare,
    ast.Call,
    ast.keyword,
    ast.Name,
    ast.Constant,
    ast.Load,
    ast.operator,
    ast.unaryop,
    ast.cmpop,
)
"""The parts of a formula. An attribute, an index or a lambda could run any code."""

_QUOTED = re.compile(r"`([^`]*)`")
"""A column whose name is not a Python name, in backticks."""

_EXAMPLE = 'write for example formula="os ~ trt + age + log(bili)"'


@dataclass(frozen=True)
class ReadFormula:
    """A formula, read.

    Attributes
    ----------
    outcome : str         the left side: an endpoint or a column
    terms : str           the right side, as written
    columns : tuple       the columns of the right side, each once
    names : tuple         the terms of the right side, without the intercept
    """

    outcome: str
    terms: str
    columns: tuple[str, ...]
    names: tuple[str, ...]


def read_formula(text: str) -> ReadFormula | Problem:
    """Return the parts of a formula, or the problem with it.

    Examples
    --------
    >>> read = read_formula("os ~ trt * age + log(bili)")
    >>> read.outcome, read.columns, read.names
    ('os', ('trt', 'age', 'bili'), ('trt', 'age', 'log(bili)', 'trt:age'))
    >>> read_formula("os ~ open(trt)").found
    "'open' is not a function of a formula"
    """
    left, _, right = text.partition("~")
    outcome = left.strip().strip("`")
    if not outcome or not right.strip() or "~" in right:
        return Problem("formula", "is not of the form outcome ~ terms", _EXAMPLE)
    quoted: list[str] = []

    def placed(match: re.Match[str]) -> str:
        quoted.append(match.group(1))
        return f"quoted_{len(quoted) - 1}_"

    plain = _QUOTED.sub(placed, right).strip()
    if re.search(r"""["'\[\]{};@%|^.]""", re.sub(r"\d\.\d", "0", plain)):
        fix = f"use + - * : ** / and the functions {', '.join(_FUNCTIONS)}; names in backticks"
        return Problem("formula", "has a sign that a formula cannot have", fix)
    try:
        tree = ast.parse(plain.replace(":", "*"), mode="eval")
    except (SyntaxError, ValueError, RecursionError):
        return Problem("formula", "cannot be read", _EXAMPLE)
    found = _names(tree)
    if isinstance(found, Problem):
        return found
    names = {f"quoted_{place}_": name for place, name in enumerate(quoted)}
    from formulaic import Formula  # takes long to import
    from formulaic.errors import FormulaicError

    try:
        terms = [str(term) for term in Formula(right.strip())]
    except (FormulaicError, ValueError, TypeError):
        return Problem("formula", "cannot be read", _EXAMPLE)
    columns = tuple(dict.fromkeys(names.get(name, name) for name in found))
    return ReadFormula(outcome, right.strip(), columns, tuple(term for term in terms if term != "1"))


def _names(tree: ast.Expression) -> list[str] | Problem:
    """Return the names of an expression that are no functions, in order; a problem for what a formula cannot have."""
    called = set()
    for node in ast.walk(tree):
        if not isinstance(node, _ALLOWED):
            return Problem("formula", "has a part that a formula cannot have", _EXAMPLE)
        if isinstance(node, ast.Call):
            if not isinstance(node.func, ast.Name) or node.func.id not in _FUNCTIONS:
                name = node.func.id if isinstance(node.func, ast.Name) else "it"
                return Problem("formula", f"{name!r} is not a function of a formula", f"use {', '.join(_FUNCTIONS)}")
            called.add(id(node.func))
    named = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in called]
    return [node.id for node in sorted(named, key=lambda node: node.col_offset)]


def same_term(one: str, other: str) -> bool:
    """Return whether two terms are the same but for spaces and for the order of an interaction.

    Examples
    --------
    >>> same_term("age:trt", "trt : age"), same_term("age", "trt")
    (True, False)
    """
    return _parts(one) == _parts(other)


def _parts(term: str) -> list[str]:
    return sorted(re.sub(r"[\s`]", "", term).split(":"))
