"""Reads YAML as plain data, with the line of every key and the text of every number."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from heorsynth.core.errors import FileError, HeorsynthError, Problem, ProtocolError

_MAX_BYTES = 1_000_000
"""Largest size of a protocol, in bytes; a protocol is about one page of text."""

_MAX_DEPTH = 20
"""Largest depth of nested sections; a protocol has five levels."""

_MAX_VALUES = 20_000
"""Largest number of values after aliases are expanded; nested aliases can otherwise expand to millions."""

Path_ = tuple[str | int, ...]


@dataclass(frozen=True)
class Kind:
    """What a YAML file is called in errors, and the class of these errors.

    Attributes
    ----------
    name : str      such as "protocol"
    error : type    raised if the text is not usable
    start : str     how to begin such a file
    """

    name: str
    error: type[HeorsynthError]
    start: str


_PROTOCOL = Kind("protocol", ProtocolError, "start from `heorsynth init data.csv`")


def read_yaml(path: Path, kind: Kind = _PROTOCOL) -> tuple[dict[str, object], dict[Path_, int], bytes]:
    """The document, the line (from 1) of every key by its path, and the file's bytes.

    Raises
    ------
    FileError            the file is missing, too large, or not UTF-8
    ProtocolError        (or the error of the kind) the text is not YAML or not a mapping, repeats a key, or contains a
                         tag, a merge, or too many nested sections or aliases
    """
    subject = f"{kind.name} {path.name!r}"
    try:
        raw = path.read_bytes()
        text = raw.decode("utf-8")
    except OSError as error:
        raise FileError(subject, Problem("", "cannot be read", "check the path")) from error
    except UnicodeDecodeError as error:
        raise FileError(subject, Problem("", "not UTF-8", "save it as UTF-8")) from error
    if len(raw) > _MAX_BYTES:
        raise FileError(subject, Problem("", f"{len(raw):,} bytes", f"a {kind.name} is a page of YAML"))
    try:
        _require_plain(text, subject, kind.error)
        document = YAML(typ="rt").load(text)
    except DuplicateKeyError as error:
        raise kind.error(subject, Problem(_mark(error), "a key is given twice", "keep one of them")) from error
    except MarkedYAMLError as error:
        raise kind.error(
            subject, Problem(_mark(error), "not valid YAML", str(error.problem or "check the indentation"))
        ) from error
    except YAMLError:
        found = "a character that YAML does not allow"
        raise kind.error(subject, Problem("", found, "save it again as plain UTF-8 text")) from None
    except ValueError:
        found = "an invalid number or date"
        raise kind.error(subject, Problem("", found, "write dates as 2026-11-23, and text in quotes")) from None
    if not isinstance(document, CommentedMap):
        raise kind.error(subject, Problem("line 1", "not a mapping of keys", kind.start))
    reader = _Plain(subject, kind.error, {(): 1})
    plain = reader.mapping(document, ())
    return plain, reader.lines, raw


def _require_plain(text: str, subject: str, error: type[HeorsynthError]) -> None:
    """Raise the error if the text has a tag, a merge, or nesting deeper than `_MAX_DEPTH`."""
    depth = 0
    for event in YAML(typ="rt").parse(text):
        line = f"line {event.start_mark.line + 1}"
        name = type(event).__name__
        depth += name.endswith("StartEvent") - name.endswith("EndEvent")
        if depth > _MAX_DEPTH + 2:
            raise error(subject, Problem(line, f"more than {_MAX_DEPTH} nested sections", "check the indentation"))
        if getattr(event, "tag", None):
            raise error(subject, Problem(line, "a YAML tag", "write plain values: tags are not supported"))
        if getattr(event, "value", None) == "<<" and event.style is None:
            raise error(subject, Problem(line, "a YAML merge", "write each key explicitly"))


def _mark(error: MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    return f"line {mark.line + 1}" if mark is not None else ""


@dataclass
class _Plain:
    """Converts nodes of ruamel.yaml into plain data, counts the values and records the line of every key."""

    subject: str
    error: type[HeorsynthError]
    lines: dict[Path_, int]
    values: int = 0

    def mapping(self, node: CommentedMap, at: Path_) -> dict[str, object]:
        plain: dict[str, object] = {}
        for key, value in node.items():
            name = key if isinstance(key, (str, int)) else str(key)
            self.lines[(*at, name)] = node.lc.key(key)[0] + 1
            plain[name] = self.value(value, (*at, name))  # type: ignore[index]  # the schema refuses a number as a key
        return plain

    def value(self, node: object, at: Path_) -> object:
        self.values += 1
        if self.values > _MAX_VALUES or len(at) > _MAX_DEPTH:
            problem = Problem(f"line {line_of(self.lines, at)}", "too many nested aliases", "write the values out")
            raise self.error(self.subject, problem)
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
            raise self.error(self.subject, problem)
        for kind in (int, float, str):
            if isinstance(node, kind):
                return kind(node)
        return str(node)


def line_of(lines: dict[Path_, int], at: Path_) -> int:
    """Line of the key at a path, or of its nearest parent in the file."""
    while at not in lines and at:
        at = at[:-1]
    return lines.get(at, 1)


def number_texts(raw: bytes) -> dict[Path_, str]:
    """Text of every plain scalar by its path: 0.80 keeps its last digit, which the number 0.8 does not have.

    Parameters
    ----------
    raw : bytes      of a file that `read_yaml` accepted

    Examples
    --------
    >>> number_texts(b"hr: {value: 0.80, low: [1.0, 2]}")
    {('hr', 'value'): '0.80', ('hr', 'low', 0): '1.0', ('hr', 'low', 1): '2'}
    """
    found: dict[Path_, str] = {}
    waiting: list[tuple[Path_, Node]] = [((), YAML(typ="rt").compose(raw.decode("utf-8")))]
    while waiting:
        at, node = waiting.pop()
        if isinstance(node, MappingNode):
            waiting += [((*at, _key(key)), value) for key, value in reversed(node.value)]
        elif isinstance(node, SequenceNode):
            waiting += [((*at, index), value) for index, value in reversed(list(enumerate(node.value)))]
        elif isinstance(node, ScalarNode) and node.style is None:
            found[at] = str(node.value)
    return found


def _key(node: Node) -> str | int:
    text = str(node.value)
    return int(text) if isinstance(node, ScalarNode) and node.style is None and text.isdecimal() else text
