"""Reads YAML as plain data and remembers the line of every key."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from heorsynth.core.errors import FileError, Problem, ProtocolError

MAX_BYTES = 1_000_000
"""A protocol is a page of text; a larger file is not one."""

MAX_DEPTH = 20
"""Sections within one another; a protocol has five."""

MAX_VALUES = 20_000
"""Values of a protocol with every alias written out: nine aliases of nine, seven times over, would be millions."""

Path_ = tuple[str | int, ...]


def read_yaml(path: Path) -> tuple[dict[str, object], dict[Path_, int], bytes]:
    """The document, the line (from 1) of every key by its path, and the file's bytes.

    Raises
    ------
    FileError            no such file, too large, or not UTF-8
    ProtocolError        not YAML, a key given twice, a tag that would construct an object, a merge, nesting or
                         aliases beyond any protocol, not a mapping
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
        _require_plain(text, subject)
        document = YAML(typ="rt").load(text)
    except DuplicateKeyError as error:
        raise ProtocolError(subject, Problem(_mark(error), "a key is given twice", "keep one of them")) from error
    except MarkedYAMLError as error:
        raise ProtocolError(
            subject, Problem(_mark(error), "not valid YAML", str(error.problem or "check the indentation"))
        ) from error
    except YAMLError:
        found = "a character that YAML cannot hold"
        raise ProtocolError(subject, Problem("", found, "save it again as plain UTF-8 text")) from None
    except ValueError:
        found = "a number or date that is none"
        raise ProtocolError(subject, Problem("", found, "write dates as 2026-11-23, and text in quotes")) from None
    if not isinstance(document, CommentedMap):
        raise ProtocolError(subject, Problem("line 1", "not a mapping of keys", "start from `heorsynth init data.csv`"))
    reader = _Plain(subject, {(): 1})
    plain = reader.mapping(document, ())
    return plain, reader.lines, raw


def _require_plain(text: str, subject: str) -> None:
    """Nothing, if the text holds no tag, no merge and no nesting beyond `MAX_DEPTH`: asked before it is composed."""
    depth = 0
    for event in YAML(typ="rt").parse(text):
        line = f"line {event.start_mark.line + 1}"
        kind = type(event).__name__
        depth += kind.endswith("StartEvent") - kind.endswith("EndEvent")
        if depth > MAX_DEPTH + 2:
            raise ProtocolError(subject, Problem(line, f"more than {MAX_DEPTH} sections in one another", "check it"))
        if getattr(event, "tag", None):
            raise ProtocolError(subject, Problem(line, "a YAML tag", "write plain values: tags are never obeyed"))
        if getattr(event, "value", None) == "<<" and event.style is None:
            raise ProtocolError(subject, Problem(line, "a YAML merge", "write the keys out"))


def _mark(error: MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    return f"line {mark.line + 1}" if mark is not None else ""


@dataclass
class _Plain:
    """Turns what ruamel composed into plain data, counting values and noting the line of every key."""

    subject: str
    lines: dict[Path_, int]
    values: int = 0

    def mapping(self, node: CommentedMap, at: Path_) -> dict[str, object]:
        found: dict[str, object] = {}
        for key, value in node.items():
            name = key if isinstance(key, (str, int)) else str(key)
            self.lines[(*at, name)] = node.lc.key(key)[0] + 1
            found[name] = self.value(value, (*at, name))  # type: ignore[index]
        return found

    def value(self, node: object, at: Path_) -> object:
        self.values += 1
        if self.values > MAX_VALUES or len(at) > MAX_DEPTH:
            found = Problem(f"line {line_of(self.lines, at)}", "aliases of aliases", "write the values out")
            raise ProtocolError(self.subject, found)
        if isinstance(node, CommentedMap):
            return self.mapping(node, at)
        if isinstance(node, CommentedSeq):
            for index in range(len(node)):
                self.lines[(*at, index)] = node.lc.item(index)[0] + 1
            return [self.value(value, (*at, index)) for index, value in enumerate(node)]
        if isinstance(node, bool) or node is None:
            return node
        if isinstance(node, str) and any("\ud800" <= one <= "\udfff" for one in node):
            found = Problem(f"line {line_of(self.lines, at)}", "half of a character", "write the character itself")
            raise ProtocolError(self.subject, found)
        for kind in (int, float, str):
            if isinstance(node, kind):
                return kind(node)
        return str(node)


def line_of(lines: dict[Path_, int], at: Path_) -> int:
    """The line of a path, or of its nearest parent that has one."""
    while at not in lines and at:
        at = at[:-1]
    return lines.get(at, 1)
