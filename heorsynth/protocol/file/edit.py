"""Changes keys in the text of a protocol; comments, order and all other text are kept."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError

from heorsynth.core.errors import Problem, ProtocolError

_WIDTH = 10_000
"""Line width for ruamel.yaml; large, so that long lines are not wrapped."""


def with_changes(text: str, changes: Mapping[str, Any]) -> str:
    """The text of a protocol with these keys changed: sections are merged key by key, other values are replaced.

    A commented-out line of a changed key, as `init` writes it for a question, is removed. The result is not checked;
    `read_protocol` does that.

    Parameters
    ----------
    text : str           text of a protocol
    changes : Mapping    such as {"cohort": {"event_map": {"no": 0, "yes": 1}}, "purpose": "teaching"}

    Raises
    ------
    ProtocolError        the text is not a YAML mapping

    Examples
    --------
    >>> print(with_changes("purpose: teaching  # ours\\ncohort: {arm: trt}\\n", {"cohort": {"unit": "day"}}), end="")
    purpose: teaching  # ours
    cohort: {arm: trt, unit: day}
    """
    yaml = YAML(typ="rt")
    yaml.preserve_quotes, yaml.width = True, _WIDTH
    try:
        document = yaml.load(_without_questions(text, changes))
    except YAMLError:
        document = None
    if not isinstance(document, CommentedMap):
        problem = Problem("", "not a mapping of keys", "give the text of a protocol")
        raise ProtocolError("the text to change", problem)
    _merge(document, changes)
    out = io.StringIO()
    yaml.dump(document, out)
    return out.getvalue()


def _without_questions(text: str, changes: Mapping[str, Any]) -> str:
    """The text without the commented-out lines of the changed keys."""
    keys = {str(key) for key in changes}
    keys |= {str(key) for section in changes.values() if isinstance(section, Mapping) for key in section}
    commented = re.compile(rf"^ *# ({'|'.join(map(re.escape, sorted(keys)))}):.*\n", re.MULTILINE)
    return commented.sub("", text) if keys else text


def _merge(into: CommentedMap, changes: Mapping[str, Any]) -> None:
    for key, value in changes.items():
        if isinstance(value, Mapping) and isinstance(into.get(key), CommentedMap):
            _merge(into[key], value)
        else:
            into[key] = _as_yaml_node(value)


def _as_yaml_node(value: object) -> object:
    """A value as a YAML node: lists and mappings of numbers on one line, all others with one line per entry.

    Text is never written within braces, because ruamel.yaml writes some of it there so that it cannot be read again.
    """
    if isinstance(value, Mapping):
        node: CommentedMap | CommentedSeq = CommentedMap({key: _as_yaml_node(entry) for key, entry in value.items()})
        entries = list(value.values())
    elif isinstance(value, (list, tuple)):
        node, entries = CommentedSeq([_as_yaml_node(entry) for entry in value]), list(value)
    else:
        return value
    if all(isinstance(entry, (int, float)) for entry in entries):
        node.fa.set_flow_style()
    return node
