"""The vertices of an SVG shape; paths are parsed by `svg.path`."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

from heorsynth.core.errors import PaperError, Problem

SHAPES = ("path", "polyline", "polygon", "line")
_MOST_CHARACTERS = 5_000_000
_SAMPLES = 8
"""A curved segment is sampled at so many points."""


def vertices_of(name: str, attributes: Mapping[str, str]) -> np.ndarray:
    """Return the vertices (n, 2) of a shape in its own coordinates.

    Raises
    ------
    ValueError      the coordinates are not numbers, or too many
    PaperError      the package svg.path is not installed
    """
    if name == "line":
        ends = [float(attributes.get(key, "0")) for key in ("x1", "y1", "x2", "y2")]
        return np.array(ends).reshape(2, 2)
    text = attributes.get("d" if name == "path" else "points", "")
    if len(text) > _MOST_CHARACTERS:
        raise ValueError("a path that is too long")
    if name == "path":
        return _of_path(text)
    numbers = [float(part) for part in re.split(r"[\s,]+", text.strip()) if part]
    if len(numbers) % 2:
        raise ValueError("an odd number of coordinates")
    return np.array(numbers).reshape(-1, 2)


def _of_path(text: str) -> np.ndarray:
    try:
        from svg.path import parse_path
        from svg.path.path import Close, Line, Move
    except ImportError:
        fix = "pip install 'heorsynth[published]'"
        raise PaperError("vector figures", Problem("", "need the package svg.path", fix)) from None
    found: list[complex] = []
    try:
        for segment in parse_path(text):
            if isinstance(segment, (Move, Line)):
                found.append(segment.end)
            elif not isinstance(segment, Close):
                found += [segment.point(step / _SAMPLES) for step in range(1, _SAMPLES + 1)]
    except (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise ValueError("a path that is not valid") from error  # whatever the parser raises
    return np.array([(one.real, one.imag) for one in found]).reshape(-1, 2)
