"""Margins: the largest acceptable difference between a synthetic and a real estimate."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from heorsynth.core.errors import MarginError, Problem, nearest
from heorsynth.core.estimate import significant
from heorsynth.core.numbers import is_number

SCALES = ("absolute", "relative", "ratio")

HALF = 0.5
"""A margin of half the size of its estimand, or wider, would pass almost anything."""

_LOG_LARGEST = 100.0
"""Log ratios are capped here before exponentiation; all ratios this large are vacuous."""

_PERCENT = re.compile(r"(\d+(?:[.,]\d+)?)\s*%")

_VACUOUS_RATIO = 3.0
"""A ratio margin at or past [1/3, 3] would pass almost anything."""


@dataclass(frozen=True)
class Margin:
    """A symmetric margin on one of three scales, with the settings of its estimand.

    Attributes
    ----------
    scale : str          absolute: synthetic - real, in the estimand's unit;
                         relative: (synthetic - real) / |real|; ratio: log(synthetic / real)
    width : float        the finding passes if its interval lies within [-width, width]
    settings : Mapping   settings of the estimand: horizon, at, quantile, ...
    reason : str         the reason for its width: a source, or a rationale
    amended : bool       whether it was set after the protocol was first locked
    of : str             the quantity that a relative margin is a share of
    own : bool           whether the width was computed from the patients' values
    """

    scale: str
    width: float
    settings: Mapping[str, object] = field(default_factory=dict)
    reason: str = ""
    amended: bool = False
    of: str = "the real value"
    own: bool = False

    def resolved(self, reference: float, own: bool = False) -> Margin:
        """Return a relative margin as an absolute one, given a reference quantity such as a horizon or a threshold.

        `own` says that the reference was computed from the patients' values.

        Examples
        --------
        >>> Margin("relative", 0.05).resolved(3650.0).width
        182.5
        """
        if self.scale != "relative":
            return self
        return replace(self, scale="absolute", width=self.width * abs(reference), own=own)

    def __str__(self) -> str:
        if self.scale == "ratio":
            return f"ratio {math.exp(-self.width):.3g} to {math.exp(self.width):.3g}"
        width = f"±{significant(self.width, 3)}"
        return width if self.scale == "absolute" else f"{width} of {self.of}"


def as_margin(name: str, declared: Margin | Mapping[str, object], settings: Mapping[str, object]) -> Margin:
    """Return the margin that a protocol declares, such as ``{"horizon": 3650, "relative": 0.05}``.

    Parameters
    ----------
    name : str            the estimand, for messages
    declared : Mapping    exactly one of absolute, relative, ratio; the estimand's settings; a `reason`
    settings : Mapping    the settings of this estimand, with their defaults

    Raises
    ------
    MarginError           no scale or two, an unknown key, a width that is not above 0, a ratio that is not
                          [1/r, r] with r > 1, or a width so large that the check is vacuous
    """
    if isinstance(declared, Margin):
        declared = _as_declared(declared)
    given = [scale for scale in SCALES if scale in declared]
    unknown = [str(key) for key in declared if key not in (*SCALES, *settings, "reason", "amended")]
    problems = [
        Problem(f"{name}: {key}", "not a setting of this margin", nearest(key, [*SCALES, *settings, "reason"]))
        for key in unknown
    ]
    if len(given) != 1:
        problems.append(Problem(name, f"{len(given)} scales, expected one", "give one of absolute, relative, ratio"))
    if problems:
        raise MarginError("margins", problems)
    width = _ratio_width(name, declared["ratio"]) if given[0] == "ratio" else _width(name, given[0], declared[given[0]])
    chosen = {key: declared.get(key, default) for key, default in settings.items()}
    return Margin(given[0], width, chosen, str(declared.get("reason", "")), bool(declared.get("amended", False)))


def _as_declared(margin: Margin) -> dict[str, object]:
    """Return a `Margin` as a protocol would declare it, so that the same rules apply."""
    log = max(-_LOG_LARGEST, min(margin.width, _LOG_LARGEST))
    width: object = [math.exp(-log), math.exp(log)] if margin.scale == "ratio" else margin.width
    return {margin.scale: width, **margin.settings, "reason": margin.reason, "amended": margin.amended}


def _width(name: str, scale: str, value: object) -> float:
    if not is_number(value) or value <= 0:
        raise MarginError("margins", Problem(f"{name}: {scale}", "must be a number above 0", _remedy(scale, value)))
    if scale == "relative" and value >= HALF:
        raise MarginError(
            "margins",
            Problem(
                f"{name}: relative",
                "half of the estimand or more: the check is vacuous",
                "a relative margin is a share, such as 0.05 for 5%",
            ),
        )
    return float(value)


def _remedy(scale: str, value: object) -> str:
    """Return how to correct a width that is not a number above 0."""
    if isinstance(value, str) and (percent := _PERCENT.fullmatch(value.strip())):
        share = float(percent[1].replace(",", ".")) / 100
        return f"write the percentage as a share: {scale}: {share:g}"
    if isinstance(value, str):
        return "write digits and a point: no comma, no percent or currency sign"
    return "a margin applies in both directions: write 0.05, not -0.05"


def _ratio_width(name: str, value: object) -> float:
    bounds = list(value) if isinstance(value, (list, tuple)) else []
    if len(bounds) != 2 or not all(map(is_number, bounds)) or not 0 < bounds[0] < 1 < bounds[1]:
        raise MarginError(
            "margins",
            Problem(f"{name}: ratio", "expected [low, high] with 0 < low < 1 < high", "write ratio: [0.8, 1.25]"),
        )
    if abs(math.log(bounds[0]) + math.log(bounds[1])) > 0.02:
        raise MarginError(
            "margins",
            Problem(
                f"{name}: ratio",
                "not symmetric: high must be 1 / low",
                f"write ratio: [{bounds[0]:g}, {1 / bounds[0]:.4g}]",
            ),
        )
    if bounds[1] >= _VACUOUS_RATIO:
        raise MarginError(
            "margins",
            Problem(
                f"{name}: ratio", "so wide that the check is vacuous", "[0.8, 1.25] is the bioequivalence convention"
            ),
        )
    return min(math.log(bounds[1]), -math.log(bounds[0]))
