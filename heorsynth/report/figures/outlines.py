"""A canvas that fills the outlines of words: matplotlib lays out and hints each letter of each text anew."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from os import PathLike
from typing import IO, Any, NamedTuple
from unicodedata import bidirectional

import numpy as np
from matplotlib.backend_bases import GraphicsContextBase
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.font_manager import FontProperties
from matplotlib.path import Path
from matplotlib.text import Text
from matplotlib.textpath import text_to_path
from matplotlib.transforms import Affine2D
from PIL import Image


class _Outline(NamedTuple):
    """The outline of a word, vertices (v, 2) and codes (v,), and what it measures, all in points."""

    vertices: np.ndarray
    codes: np.ndarray
    width: float
    above: float
    below: float


class OutlineCanvas(FigureCanvasAgg):
    """The canvas of our figures.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> figure = Figure(figsize=(2, 1), dpi=100)
    >>> canvas = OutlineCanvas(figure)
    >>> canvas.draw()
    >>> canvas.buffer_rgba().shape
    (100, 200, 4)
    """

    def get_renderer(self) -> RendererAgg:
        """The renderer for the present size of the figure."""
        size = (*self.get_width_height(physical=True), self.figure.dpi)
        if self._lastKey != size:
            self.renderer, self._lastKey = OutlineRenderer(*size), size
        return self.renderer

    def print_png(
        self,
        filename_or_obj: str | PathLike[str] | IO[bytes],
        *,
        metadata: Mapping[str, Any] | None = None,
        pil_kwargs: Mapping[str, Any] | None = None,
        **_applied: object,
    ) -> None:
        """Write a PNG. Without transparency it is a tenth smaller, and level 3 is as small as 6 in half of the time.

        `savefig` has applied its colours and its box to the figure already, and names them again.
        """
        self.draw()
        pixels = np.asarray(self.buffer_rgba())
        if pil_kwargs or any((metadata or {}).values()) or pixels[..., 3].min() < 255:
            super().print_png(filename_or_obj, metadata=metadata, pil_kwargs=pil_kwargs)
            return
        dpi = self.figure.dpi
        Image.fromarray(pixels).convert("RGB").save(filename_or_obj, "png", dpi=(dpi, dpi), compress_level=3)


class OutlineRenderer(RendererAgg):
    """Agg, with text as outlines; formulas, and text with settings of its own, are left to matplotlib."""

    def draw_text(
        self,
        gc: GraphicsContextBase,
        x: float,
        y: float,
        s: str,
        prop: FontProperties,
        angle: float,
        ismath: bool | str = False,
        mtext: Text | None = None,
    ) -> None:
        """Draw a line of text."""
        if ismath or (mtext is not None and (mtext.get_fontfeatures() or mtext.get_language())):
            super().draw_text(gc, x, y, s, prop, angle, ismath, mtext)
            return
        line = _line(s, prop)
        if len(line.codes):
            place = (
                Affine2D().scale(self.points_to_pixels(1)).rotate_deg(angle).translate(round(x), round(self.height - y))
            )
            gc.set_linewidth(0)
            self.draw_path(gc, Path(line.vertices, line.codes), place, rgbFace=gc.get_rgb())

    def get_text_width_height_descent(
        self, s: str, prop: FontProperties, ismath: bool | str
    ) -> tuple[float, float, float]:
        """Width, height and descent of a line of text in pixels."""
        if ismath:
            return super().get_text_width_height_descent(s, prop, ismath)
        line, pixels = _line(s, prop), self.points_to_pixels(1)
        return line.width * pixels, (line.above + line.below) * pixels, line.below * pixels


def _line(text: str, prop: FontProperties) -> _Outline:
    """The words of a line side by side. Text from right to left is one word, as its words change their order."""
    leftward = any(bidirectional(letter) in ("R", "AL") for letter in text)
    *before, last = [text] if leftward else text.split(" ")
    font, size = prop.copy(), prop.get_size_in_points()
    font.set_size(1)
    parts = [*(_word(f"{word} ", font) for word in before), _word(last, font)]
    starts = np.cumsum([0.0, *(part.width for part in parts)])
    vertices = np.concatenate([part.vertices for part in parts])
    vertices[:, 0] += np.repeat(starts[:-1], [len(part.codes) for part in parts])
    codes = np.concatenate([part.codes for part in parts])
    above, below = (max(ends) for ends in zip(*((part.above, part.below) for part in parts), strict=True))
    return _Outline(vertices * size, codes, starts[-1] * size, above * size, below * size)


@lru_cache(4096)
def _word(word: str, font: FontProperties) -> _Outline:
    """A word at one point, as labels of a figure, and figures, have words in common."""
    vertices, codes = text_to_path.get_text_path(font, word)
    width, height, below = text_to_path.get_text_width_height_descent(word, font, False)
    points = np.array(vertices, float).reshape(-1, 2) / text_to_path.FONT_SCALE
    return _Outline(points, np.array(codes, np.uint8), width, height - below, below)
