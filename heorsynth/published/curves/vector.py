"""Reads the curves of a vector figure: the paths of an SVG file, with its axes given as two points each."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd

from heorsynth.core.errors import PaperError, Problem, nearest
from heorsynth.published.curves.affine import IDENTITY, transform_of
from heorsynth.published.curves.figure_file import raster_only, text_of
from heorsynth.published.curves.frame import COLUMNS, curve_frame
from heorsynth.published.curves.style import colour, stroke_of, style_rules
from heorsynth.published.curves.vertices import SHAPES, vertices_of

_LEAST_SPAN, _LEAST_VERTICES = 0.05, 5
"""A curve spans at least this share of the x axis and has at least so many vertices; ticks and legends have fewer."""

_MOST_ELEMENTS, _FARTHEST = 100_000, 1e12
_AGAIN = "save it again as plain SVG"
_DEEPEST = 200


@dataclass(frozen=True)
class Axis:
    """An axis from two points: positions in the drawing (user units of the SVG), each with its value.

    Examples
    --------
    >>> Axis((100.0, 0.0), (500.0, 40.0)).value(np.array([100.0, 300.0])).tolist()
    [0.0, 20.0]
    """

    first: tuple[float, float]
    second: tuple[float, float]

    def problem(self, name: str) -> Problem | None:
        """The problem of an axis whose two points do not differ."""
        if self.first[0] == self.second[0] or self.first[1] == self.second[1]:
            return Problem(f"axis {name}", "its two points have the same position or value", "give two points apart")
        return None

    @property
    def length(self) -> float:
        """Distance between the two points in the drawing."""
        return abs(self.second[0] - self.first[0])

    def value(self, position: np.ndarray) -> np.ndarray:
        """Return the values at these positions."""
        (at, value), (other, there) = self.first, self.second
        return value + (np.asarray(position, float) - at) * (there - value) / (other - at)


@dataclass(frozen=True)
class Choice:
    """How to find a path: by its id or that of its group, the colour of its line, or its class. All given ones hold."""

    id: str | None = None
    stroke: str | None = None
    css_class: str | None = None

    def __str__(self) -> str:
        given = (("id", self.id), ("stroke", self.stroke), ("class", self.css_class))
        return ", ".join(f"{name} {value!r}" for name, value in given if value) or "nothing"


@dataclass(frozen=True)
class _Line:
    """A path of the drawing: its vertices (n, 2) in root coordinates, what it is called, and what is wrong with it."""

    vertices: np.ndarray
    ids: tuple[str, ...]
    classes: tuple[str, ...]
    stroke: str
    problem: str = ""

    def is_chosen(self, choice: Choice) -> bool:
        return (
            (choice.id is None or choice.id in self.ids)
            and (choice.stroke is None or colour(choice.stroke) == self.stroke)
            and (choice.css_class is None or choice.css_class in self.classes)
            and bool(choice.id or choice.stroke or choice.css_class)
        )


def read_vector(path: Path, x: Axis | None, y: Axis | None, paths: Mapping[str, Choice]) -> pd.DataFrame:
    """Return the curves of a vector figure.

    Parameters
    ----------
    path : Path                an SVG file
    x, y : Axis                the axes; positions are in user units of the drawing, after all transforms
    paths : dict of Choice     by arm

    Returns
    -------
    DataFrame                  arm, time, survival: the vertices of each path; curved segments are sampled

    Raises
    ------
    PaperError                 an axis is missing; the file is a raster image or no SVG; no path or several paths are
                               chosen for an arm; the points are no survival curve (`curve_frame`)

    Notes
    -----
    Transforms of groups and elements are applied. A choice of a colour also finds confidence bands and legends: paths
    that span less than 5% of the x axis or have fewer than 5 vertices are left out, and of several others one must be
    named by its id.
    """
    subject = f"file {path.name!r}"
    if x is None or y is None:
        fix = "give axes: {x: [[80, 0], [620, 36]], y: [[430, 0], [30, 1]]}: two points each, [position, value]"
        raise PaperError(subject, Problem("axes", "a vector figure without its axes", fix))
    problems = [one for one in (x.problem("x"), y.problem("y")) if one]
    if problems:
        raise PaperError(subject, problems)
    lines = list(_lines(_root(path, subject), subject))
    parts, problems = [], []
    for arm, choice in paths.items():
        found = _curves(lines, choice, x)
        if len(found) == 1:
            at = found[0].vertices
            parts.append(pd.DataFrame({"arm": arm, "time": x.value(at[:, 0]), "survival": y.value(at[:, 1])}))
        else:
            problems.append(_not_one(arm, choice, found, lines))
    if problems:
        raise PaperError(subject, problems)
    return curve_frame(pd.concat(parts, ignore_index=True)[list(COLUMNS)], subject)


def _curves(lines: Sequence[_Line], choice: Choice, x: Axis) -> list[_Line]:
    chosen = [line for line in lines if line.is_chosen(choice)]
    return [
        line
        for line in chosen
        if len(line.vertices) >= _LEAST_VERTICES and np.ptp(line.vertices[:, 0]) >= _LEAST_SPAN * x.length
    ]


def _not_one(arm: str, choice: Choice, found: Sequence[_Line], lines: Sequence[_Line]) -> Problem:
    if found:
        ids = ", ".join(line.ids[0] if line.ids else "(no id)" for line in found[:5])
        return Problem(f"arm {arm!r}", f"{len(found)} paths have {choice}", f"name one by its id: {ids}")
    if wrong := next((line.problem for line in lines if line.problem and line.is_chosen(choice)), ""):
        return Problem(f"arm {arm!r}", wrong, _AGAIN)
    known = sorted({name for line in lines for name in (choice.id and line.ids) or (line.stroke,) if name})
    asked = choice.id or choice.stroke or choice.css_class or ""
    return Problem(f"arm {arm!r}", f"no curve has {choice}", nearest(asked, known) if known else "the file has no path")


def _root(path: Path, subject: str) -> ElementTree.Element:
    """The root of the file. Entities are refused, because they can unfold to any size."""
    text = text_of(path)
    if "<!ENTITY" in text:
        problem = Problem("", "XML entities, which are not read", "save it as plain SVG, for example with Inkscape")
        raise PaperError(subject, problem)
    try:
        root = ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError):
        raise PaperError(subject, Problem("", "not an SVG file", "export the figure as SVG")) from None
    if _tag(root) != "svg":
        raise PaperError(subject, Problem("", "not an SVG file", "export the figure as SVG"))
    return root


def _vertices(element: ElementTree.Element, matrix: np.ndarray) -> tuple[np.ndarray, str]:
    """The vertices of a shape in root coordinates, or what is wrong with it: that only matters if it is chosen."""
    try:
        vertices = vertices_of(_tag(element), element.attrib)
    except ValueError as error:
        return np.empty((0, 2)), str(error)
    if not (np.isfinite(vertices).all() and np.abs(vertices).max(initial=0.0) < _FARTHEST):
        return np.empty((0, 2)), "coordinates that are not numbers"
    return vertices @ matrix[:2, :2].T + matrix[:2, 2], ""


def _tag(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _lines(root: ElementTree.Element, subject: str) -> Iterator[_Line]:
    """Every drawn shape with vertices, in the order of the file; what is only defined, and not drawn, is left out."""
    rules = style_rules("".join(element.text or "" for element in root.iter() if _tag(element) == "style"))
    waiting: list[tuple[ElementTree.Element, np.ndarray, tuple[str, ...], str, int]] = [(root, IDENTITY, (), "", 0)]
    seen, drawn, image = 0, False, False
    while waiting:
        element, outer, ids, inherited, depth = waiting.pop()
        seen += 1
        if seen > _MOST_ELEMENTS or depth > _DEEPEST:
            raise PaperError(subject, Problem("", "too many or too deeply nested elements", "export the figure alone"))
        name = _tag(element)
        image = image or name == "image"
        if name in ("defs", "clipPath", "symbol", "marker", "pattern", "mask"):
            continue
        try:
            inner = outer @ transform_of(element.get("transform", ""))
        except ValueError as error:
            raise PaperError(subject, Problem(f"<{name}>", str(error), _AGAIN)) from None
        classes = tuple(re.split(r"\s+", element.get("class", "").strip()))
        stroke = stroke_of(element.attrib, classes, rules) or inherited
        named = (*([element.get("id", "")] if element.get("id") else []), *ids)
        if name in SHAPES:
            vertices, problem = _vertices(element, inner)
            drawn = drawn or bool(len(vertices)) or bool(problem)
            yield _Line(vertices, named, classes, stroke, problem)
        waiting += [(child, inner, named, stroke, depth + 1) for child in reversed(element)]
    if image and not drawn:
        raise raster_only(subject)
