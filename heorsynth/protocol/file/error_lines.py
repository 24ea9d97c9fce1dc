"""Adds to an error of the data or of a generator the line of the protocol it comes from, and its fix as YAML."""

from __future__ import annotations

import re
from collections.abc import Iterator

from heorsynth.core.errors import HeorsynthError, Problem
from heorsynth.core.yaml import Path_
from heorsynth.protocol.file.spec import Protocol

_NAMED = re.compile(r"'([^']+)'|^([^:('\"]+?)(?= \(|$)")
"""A column name in the text of a problem: in quotes, or at the beginning."""


def with_lines(
    error: HeorsynthError, protocol: Protocol, section: str = "cohort", default: Path_ = ()
) -> HeorsynthError:
    """The same error, where each problem names its line in this section of the protocol and its fix as YAML.

    A problem that begins with a role gets the line of that role. Otherwise, a problem that names a column gets the line
    of the role that names this column. All other problems get the line of the key `default` within the section.
    """
    problems = [_with_line(problem, protocol, section, default) for problem in error.problems]
    line = "" if problems else f", {protocol.where(section)}"
    return type(error)(f"protocol {protocol.path.name!r}{line}, {error.subject}", problems)


def _with_line(problem: Problem, protocol: Protocol, section: str, default: Path_) -> Problem:
    line = protocol.where(section, *(_key_of(problem.where, protocol, section) or default))
    where = f"{line}: {problem.where}" if problem.where else line
    return Problem(where, problem.found, problem.in_protocol or problem.fix)


def _key_of(where: str, protocol: Protocol, section: str) -> Path_:
    """Path, within a section, of the key that a problem is about; empty if no key fits."""
    written = [path[1:] for path in protocol.lines if len(path) > 1 and path[0] == section]
    keys = [path for path in written if len(path) == 1]
    role = re.split(r"[^A-Za-z_]", where)[0]
    if (role,) in keys:
        return (role,)
    named = [quoted or bare for quoted, bare in _NAMED.findall(where)]
    values = dict(leaves(getattr(protocol.document, section).model_dump()))
    for name in named:
        for path in sorted(values, key=len):
            if str(values[path]) == name and path[0] not in ("source", "drop") and (path[0],) in keys:
                return path
            if path[-1] == name and (path[0],) in keys:
                return path
    return ()


def leaves(node: object, at: Path_ = ()) -> Iterator[tuple[Path_, object]]:
    """Every scalar of nested mappings and lists, each with its path."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield from leaves(value, (*at, key))
    elif isinstance(node, (list, tuple)):
        for index, value in enumerate(node):
            yield from leaves(value, (*at, index))
    elif at:
        yield at, node
