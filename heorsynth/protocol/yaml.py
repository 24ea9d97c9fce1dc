"""Reads YAML as plain data and remembers the line of every key."""

from __future__ import annotations

from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq, TaggedScalar
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError

from heorsynth.core.errors import FileError, Problem, ProtocolError

MAX_BYTES = 1_000_000
"""A protocol is a page of text; a larger file is not one."""

Path_ = tuple[str | int, ...]


def read_yaml(path: Path) -> tuple[dict[str, object], dict[Path_, int], bytes]:
    """The document, the line (from 1) of every key by its path, and the file's bytes.

    Raises
    ------
    FileError            no such file, too large, or not UTF-8
    ProtocolError        not YAML, a key given twice, a tag that would construct an object, not a mapping
    """
    try:
        raw = path.read_bytes()
        text = raw.decode("utf-8")
    except OSError as error:
        raise FileError(f"protocol {path.name!r}", Problem("", "cannot be read", "check the path")) from error
    except UnicodeDecodeError as error:
        raise FileError(f"protocol {path.name!r}", Problem("", "not UTF-8", "save it as UTF-8")) from error
    if len(raw) > MAX_BYTES:
        raise FileError(f"protocol {path.name!r}", Problem("", f"{len(raw):,} bytes", "a protocol is a page of YAML"))
    subject = f"protocol {path.name!r}"
    try:
        document = YAML(typ="rt").load(text)
    except DuplicateKeyError as error:
        raise ProtocolError(subject, Problem(_mark(error), "a key is given twice", "keep one of them")) from error
    except MarkedYAMLError as error:
        raise ProtocolError(
            subject, Problem(_mark(error), "not valid YAML", str(error.problem or "check the indentation"))
        ) from error
    if not isinstance(document, CommentedMap):
        raise ProtocolError(subject, Problem("line 1", "not a mapping of keys", "start from `heorsynth init data.csv`"))
    lines: dict[Path_, int] = {(): 1}
    plain = _plain(document, (), lines, subject)
    assert isinstance(plain, dict)
    return plain, lines, raw


def _mark(error: MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    return f"line {mark.line + 1}" if mark is not None else ""


def _plain(node: object, at: Path_, lines: dict[Path_, int], subject: str) -> object:
    if isinstance(node, TaggedScalar) or getattr(getattr(node, "tag", None), "value", None):
        line = lines.get(at, 1)
        raise ProtocolError(subject, Problem(f"line {line}", "a YAML tag", "write plain values: tags are never obeyed"))
    if isinstance(node, CommentedMap):
        found: dict[str, object] = {}
        for key, value in node.items():
            name = key if isinstance(key, (str, int)) else str(key)
            lines[(*at, name)] = node.lc.key(key)[0] + 1
            found[name] = _plain(value, (*at, name), lines, subject)  # type: ignore[index]
        return found
    if isinstance(node, CommentedSeq):
        for index in range(len(node)):
            lines[(*at, index)] = node.lc.item(index)[0] + 1
        return [_plain(value, (*at, index), lines, subject) for index, value in enumerate(node)]
    if isinstance(node, bool) or node is None:
        return node
    for kind in (int, float, str):
        if isinstance(node, kind):
            return kind(node)
    return str(node)


def line_of(lines: dict[Path_, int], at: Path_) -> int:
    """The line of a path, or of its nearest parent that has one."""
    while at not in lines and at:
        at = at[:-1]
    return lines.get(at, 1)
