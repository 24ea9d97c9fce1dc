"""Reads YAML as plain data, with the line of every key."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from heorsynth.core.errors import FileError, Problem, ProtocolError

MAX_BYTES = 1_000_000
"""Largest size of a protocol, in bytes; a protocol is about one page of text."""

_MAX_DEPTH = 20
"""Largest depth of nested sections; a protocol has five levels."""

_MAX_VALUES = 20_000
"""Largest number of values after aliases are expanded; nested aliases can otherwise expand to millions."""

Path_ = tuple[str | int, ...]


def read_yaml(path: Path) -> tuple[dict[str, object], dict[Path_, int], bytes]:
    """The document, the line (from 1) of every key by its path, and the file's bytes.

    Raises
    ------
    FileError            the file is missing, too large, or not UTF-8
    ProtocolError        the text is not YAML or not a mapping, repeats a key, or contains a tag, a merge, or too many
                         nested sections or aliases
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
        found = "a character that YAML does not allow"
        raise ProtocolError(subject, Problem("", found, "save it again as plain UTF-8 text")) from None
    except ValueError:
        found = "an invalid number or date"
        raise ProtocolError(subject, Problem("", found, "write dates as 2026-11-23, and text in quotes")) from None
    if not isinstance(document, CommentedMap):
        raise ProtocolError(subject, Problem("line 1", "not a mapping of keys", "start from `heorsynth init data.csv`"))
    reader = _Plain(subject, {(): 1})
    plain = reader.mapping(document, ())
    return plain, reader.lines, raw


def _require_plain(text: str, subject: str) -> None:
    """Raise ProtocolError if the text has a tag, a merge, or nesting deeper than `_MAX_DEPTH`."""
    depth = 0
    for event in YAML(typ="rt").parse(text):
        line = f"line {event.start_mark.line + 1}"
        kind = type(event).__name__
        depth += kind.endswith("StartEvent") - kind.endswith("EndEvent")
        if depth > _MAX_DEPTH + 2:
            raise ProtocolError(
                subject, Problem(line, f"more than {_MAX_DEPTH} nested sections", "check the indentation")
            )
        if getattr(event, "tag", None):
            raise ProtocolError(subject, Problem(line, "a YAML tag", "write plain values: tags are not supported"))
        if getattr(event, "value", None) == "<<" and event.style is None:
            raise ProtocolError(subject, Problem(line, "a YAML merge", "write each key explicitly"))


def _mark(error: MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    return f"line {mark.line + 1}" if mark is not None else ""


@dataclass
class _Plain:
    """Converts nodes of ruamel.yaml into plain data, counts the values and records the line of every key."""

    subject: str
    lines: dict[Path_, int]
    values: int = 0

    def mapping(self, node: CommentedMap, at: Path_) -> dict[str, object]:
        plain: dict[str, object] = {}
        for key, value in node.items():
            name = key if isinstance(key, (str, int)) else str(key)
            self.lines[(*at, name)] = node.lc.key(key)[0] + 1
            plain[name] = self.value(value, (*at, name))  # type: ignore[index]
        return plain

    def value(self, node: object, at: Path_) -> object:
        self.values += 1
        if self.values > _MAX_VALUES or len(at) > _MAX_DEPTH:
            problem = Problem(f"line {line_of(self.lines, at)}", "too many nested aliases", "write the values out")
            raise ProtocolError(self.subject, problem)
        if isinstance(node, CommentedMap):
            return self.mapping(node, at)
        if isinstance(node, CommentedSeq):
            for index in range(len(node)):
                self.lines[(*at, index)] = node.lc.item(index)[0] + 1
            return [self.value(value, (*at, index)) for index, value in enumerate(node)]
        if isinstance(node, bool) or node is None:
            return node
        if isinstance(node, str) and any("\ud800" <= one <= "\udfff" for one in node):
            problem = Problem(
                f"line {line_of(self.lines, at)}",
                "an incomplete character (half of a surrogate pair)",
                "write the character itself",
            )
            raise ProtocolError(self.subject, problem)
        for kind in (int, float, str):
            if isinstance(node, kind):
                return kind(node)
        return str(node)


def line_of(lines: dict[Path_, int], at: Path_) -> int:
    """Line of the key at a path, or of its nearest parent in the file."""
    while at not in lines and at:
        at = at[:-1]
    return lines.get(at, 1)
