"""Tells an error of the data or of a generator by the line of the protocol it comes from, and its fix as YAML."""

from __future__ import annotations

import re
from collections.abc import Iterator

from heorsynth.core.errors import HeorsynthError, Problem
from heorsynth.protocol.file.spec import Protocol
from heorsynth.protocol.file.yaml import Path_

NAMED = re.compile(r"'([^']+)'|^([^:('\"]+?)(?= \(|$)")
"""A column as a problem names it: in quotes, or at the very beginning."""


def placed(error: HeorsynthError, protocol: Protocol, section: str = "cohort", otherwise: Path_ = ()) -> HeorsynthError:
    """The same error, every problem with its line in this section of the protocol, and the fix as YAML.

    The line is that of the role a problem begins with, or of the role that names the column it speaks of; where
    there is neither, of the key `otherwise` within the section.
    """
    told = [placed_problem(problem, protocol, section, otherwise) for problem in error.problems]
    line = "" if told else f", {protocol.where(section)}"
    return type(error)(f"protocol {protocol.path.name!r}{line}, {error.subject}", told)


def placed_problem(problem: Problem, protocol: Protocol, section: str, otherwise: Path_) -> Problem:
    """One problem with its line in this section of the protocol, and the fix as YAML."""
    line = protocol.where(section, *(_place(problem.where, protocol, section) or otherwise))
    where = f"{line}: {problem.where}" if problem.where else line
    return Problem(where, problem.found, problem.in_protocol or problem.fix)


def _place(where: str, protocol: Protocol, section: str) -> Path_:
    """The path, within a section, of the key a problem speaks of; empty for none."""
    written = [path[1:] for path in protocol.lines if len(path) > 1 and path[0] == section]
    keys = [path for path in written if len(path) == 1]
    role = re.split(r"[^A-Za-z_]", where)[0]
    if (role,) in keys:
        return (role,)
    named = [quoted or bare for quoted, bare in NAMED.findall(where)]
    values = dict(leaves(getattr(protocol.document, section).model_dump()))
    for name in named:
        for path in sorted(values, key=len):
            if str(values[path]) == name and path[0] not in ("source", "drop") and (path[0],) in keys:
                return path
            if path[-1] == name and (path[0],) in keys:
                return path
    return ()


def leaves(node: object, at: Path_ = ()) -> Iterator[tuple[Path_, object]]:
    """Every scalar of nested mappings and lists, with its path."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield from leaves(value, (*at, key))
    elif isinstance(node, (list, tuple)):
        for index, value in enumerate(node):
            yield from leaves(value, (*at, index))
    elif at:
        yield at, node
