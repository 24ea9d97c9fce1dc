"""The colour of the line of an SVG element: its style, its attribute, or a rule of the file's style sheet."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

_RGB = re.compile(r"rgb\(\s*([\d.]+)(%?)\s*,\s*([\d.]+)%?\s*,\s*([\d.]+)%?\s*\)")
_NAMES = {
    "black": "#000000", "white": "#ffffff", "red": "#ff0000", "green": "#008000", "blue": "#0000ff",
    "gray": "#808080", "grey": "#808080", "orange": "#ffa500", "purple": "#800080", "navy": "#000080",
}  # fmt: skip


def colour(text: str) -> str:
    """Return a colour in six hexadecimal digits; a name that is not known stays as it is.

    Examples
    --------
    >>> colour("#F00"), colour("rgb(255, 0, 0)"), colour("Red"), colour("rgb(100%,0%,0%)")
    ('#ff0000', '#ff0000', '#ff0000', '#ff0000')
    """
    plain = text.strip().lower()
    if re.fullmatch(r"#[0-9a-f]{3}", plain):
        return "#" + "".join(2 * one for one in plain[1:])
    if read := _RGB.fullmatch(plain):
        factor = 2.55 if read[2] else 1.0
        parts = [min(255, round(float(part) * factor)) for part in (read[1], read[3], read[4])]
        return "#" + "".join(f"{part:02x}" for part in parts)
    return _NAMES.get(plain, plain)


def style_rules(sheet: str) -> dict[str, str]:
    """Return the stroke of every class that a style sheet names.

    Examples
    --------
    >>> style_rules(".cls-1, .cls-2 {fill: none; stroke: #f00} .cls-3 {fill: red}")
    {'cls-1': '#ff0000', 'cls-2': '#ff0000'}
    """
    found: dict[str, str] = {}
    for rule in sheet.split("}"):
        selectors, _, body = rule.rpartition("{")
        stroke = _declared(body)
        for selector in selectors.split(",") if stroke else ():
            if selector.strip().startswith("."):
                found[selector.strip()[1:]] = stroke
    return found


def stroke_of(attributes: Mapping[str, str], classes: Sequence[str], rules: Mapping[str, str]) -> str:
    """Return the colour of an element's own line; "" if it has none of its own."""
    by_class = next((rules[name] for name in classes if name in rules), "")
    return _declared(attributes.get("style", "")) or by_class or colour(attributes.get("stroke", ""))


def _declared(style: str) -> str:
    for part in style.split(";"):
        name, _, value = part.partition(":")
        if name.strip().lower() == "stroke":
            return colour(value)
    return ""
