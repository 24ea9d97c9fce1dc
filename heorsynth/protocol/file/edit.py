"""Changes keys of a protocol's text, and keeps its comments, order and everything else as it stands."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError

from heorsynth.core.errors import Problem, ProtocolError

WIDTH = 10_000
"""Columns before a line would be wrapped: a line is left as long as its author made it."""


def with_changes(text: str, changes: Mapping[str, Any]) -> str:
    """The protocol's text with these keys set: a section is merged key by key, anything else replaced.

    A key that stood there as a comment, as `init` writes what it cannot know, is answered: that line goes. Nothing is
    checked here, so that a mistake can be tried out; `read_protocol` checks.

    Parameters
    ----------
    text : str           a protocol, as `read_protocol` reads it
    changes : Mapping    such as {"cohort": {"event_map": {"no": 0, "yes": 1}}, "purpose": "teaching"}

    Raises
    ------
    ProtocolError        the text is no mapping of keys

    Examples
    --------
    >>> print(with_changes("purpose: teaching  # ours\\ncohort: {arm: trt}\\n", {"cohort": {"unit": "day"}}), end="")
    purpose: teaching  # ours
    cohort: {arm: trt, unit: day}
    """
    yaml = YAML(typ="rt")
    yaml.preserve_quotes, yaml.width = True, WIDTH
    try:
        document = yaml.load(_without_questions(text, changes))
    except YAMLError:
        document = None
    if not isinstance(document, CommentedMap):
        found = Problem("", "not a mapping of keys", "give the text of a protocol")
        raise ProtocolError("the text to change", found)
    _merge(document, changes)
    out = io.StringIO()
    yaml.dump(document, out)
    return out.getvalue()


def _without_questions(text: str, changes: Mapping[str, Any]) -> str:
    """The text without commented-out lines of the keys that are set."""
    answered = {str(key) for key in changes}
    answered |= {str(key) for section in changes.values() if isinstance(section, Mapping) for key in section}
    commented = re.compile(rf"^ *# ({'|'.join(map(re.escape, sorted(answered)))}):.*\n", re.MULTILINE)
    return commented.sub("", text) if answered else text


def _merge(into: CommentedMap, changes: Mapping[str, Any]) -> None:
    for key, value in changes.items():
        if isinstance(value, Mapping) and isinstance(into.get(key), CommentedMap):
            _merge(into[key], value)
        else:
            into[key] = _written(value)


def _written(value: object) -> object:
    """A value as YAML writes it: a list or a mapping of numbers on one line, others a line each.

    Text stays on a line of its own: within braces ruamel.yaml writes some of it so that it cannot be read again.
    """
    if isinstance(value, Mapping):
        made: CommentedMap | CommentedSeq = CommentedMap({key: _written(held) for key, held in value.items()})
        held_values = list(value.values())
    elif isinstance(value, (list, tuple)):
        made, held_values = CommentedSeq([_written(held) for held in value]), list(value)
    else:
        return value
    if all(isinstance(held, (int, float)) for held in held_values):
        made.fa.set_flow_style()
    return made
