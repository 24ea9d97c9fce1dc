"""Transforms of an SVG element as matrices."""

from __future__ import annotations

import math
import re

import numpy as np

IDENTITY = np.eye(3)
_CALL = re.compile(r"\s*,?\s*([A-Za-z]+)\s*\(([^()]*)\)\s*")
_COUNTS = {"matrix": {6}, "translate": {1, 2}, "scale": {1, 2}, "rotate": {1, 3}, "skewX": {1}, "skewY": {1}}


def transform_of(text: str) -> np.ndarray:
    """Return a transform list as a matrix (3, 3) that acts on columns (x, y, 1).

    Raises
    ------
    ValueError      the text is not a list of SVG transforms

    References
    ----------
    W3C (2018) Scalable Vector Graphics 2, section 8.5.

    Examples
    --------
    >>> (transform_of("translate(10, 20) scale(2)") @ [1, 1, 1]).tolist()
    [12.0, 22.0, 1.0]
    """
    matrix, at = IDENTITY, 0
    while at < len(text.rstrip()):
        call = _CALL.match(text, at)
        if not call or call[1] not in _COUNTS:
            raise ValueError("a transform that is not known")
        parts = [part for part in re.split(r"[\s,]+", call[2].strip()) if part]
        numbers = [float(part) for part in parts]
        if len(numbers) not in _COUNTS[call[1]] or not all(map(math.isfinite, numbers)):
            raise ValueError("a transform with wrong numbers")
        matrix, at = matrix @ _matrix(call[1], numbers), call.end()
    return matrix


def _matrix(name: str, numbers: list[float]) -> np.ndarray:
    if name == "matrix":
        a, b, c, d, e, f = numbers
        return np.array([[a, c, e], [b, d, f], [0, 0, 1]])
    if name == "translate":
        return np.array([[1, 0, numbers[0]], [0, 1, numbers[1] if len(numbers) > 1 else 0.0], [0, 0, 1]])
    if name == "scale":
        return np.diag([numbers[0], numbers[-1], 1.0])
    angle = math.radians(numbers[0])
    if name == "rotate":
        turned = np.array([[math.cos(angle), -math.sin(angle), 0], [math.sin(angle), math.cos(angle), 0], [0, 0, 1]])
        if len(numbers) == 1:
            return turned
        return _matrix("translate", numbers[1:]) @ turned @ _matrix("translate", [-one for one in numbers[1:]])
    skew = np.eye(3)
    skew[(0, 1) if name == "skewX" else (1, 0)] = math.tan(angle)
    return skew
