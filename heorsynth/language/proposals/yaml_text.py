"""Writes plain data as YAML in which a number stays as it is printed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from io import StringIO
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.representer import SafeRepresenter

_WHOLE, _DECIMAL = re.compile(r"0|[1-9]\d*"), re.compile(r"(0|[1-9]\d*)\.\d+")


class _Number(str):
    """The text of a number that is written without quotation marks."""


def _written(representer: SafeRepresenter, number: _Number) -> ScalarNode:
    kind = "int" if _WHOLE.fullmatch(number) else "float"
    node: ScalarNode = representer.represent_scalar(f"tag:yaml.org,2002:{kind}", str(number))
    return node


def yaml_text(facts: Mapping[str, Any]) -> str:
    """Return plain data as YAML; text that is a number, such as "0.80", becomes a number with the same digits.

    Examples
    --------
    >>> print(yaml_text({"value": "0.80", "high": "not reached", "n": 12}), end="")
    value: 0.80
    high: not reached
    n: 12
    """
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style, yaml.allow_unicode, yaml.width = False, True, 120
    setattr(yaml, "sort_base_mapping_type_on_output", False)  # noqa: B010  its declared type is None
    yaml.representer.add_representer(_Number, _written)
    stream = StringIO()
    yaml.dump(_numbers(facts), stream)
    return stream.getvalue()


def _numbers(node: Any) -> Any:
    if isinstance(node, Mapping):
        return {key: _numbers(value) for key, value in node.items()}
    if isinstance(node, list | tuple):
        return [_numbers(value) for value in node]
    if isinstance(node, str) and (_WHOLE.fullmatch(node) or _DECIMAL.fullmatch(node)):
        return _Number(node)
    return node
