"""The rules that a user adds to those that are discovered, and those that are struck."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from heorsynth.core.errors import Problem, RoleError, nearest

STRIKE_ALL = "all"
"""The value of `strike` that strikes every rule that is discovered."""


@dataclass(frozen=True)
class RuleChoice:
    """The rules that a user adds to those that are discovered, and those that are struck, as text."""

    add: tuple[str, ...] = ()
    strike: tuple[str, ...] = ()


def as_rule_choice(declared: object) -> RuleChoice:
    """Return the rules declared as {"add": [...], "strike": [...]}. Raise RoleError for another form."""
    if isinstance(declared, RuleChoice):
        return declared
    shape = 'write rules={"add": ["a <= b"], "strike": ["`c` = `d`"]}; strike: "all" strikes all'
    if not isinstance(declared, Mapping):
        raise RoleError("cohort", Problem("rules", "is not of the form {add: [rule], strike: [rule]}", shape))
    known = ("add", "strike")
    if unknown := [str(name) for name in declared if name not in known]:
        raise RoleError("cohort", [Problem(f"rules: {name!r}", "unknown", nearest(name, known)) for name in unknown])
    found = {}
    for name, texts in declared.items():
        listed = [texts] if isinstance(texts, str) else texts
        if not isinstance(listed, Iterable) or isinstance(listed, Mapping):
            raise RoleError("cohort", Problem(f"rules: {name}", "is not a list of rules", shape))
        found[str(name)] = tuple(listed)
        if not all(isinstance(text, str) for text in found[str(name)]):
            raise RoleError("cohort", Problem(f"rules: {name}", "is not a list of rules", shape))
    return RuleChoice(**found)
