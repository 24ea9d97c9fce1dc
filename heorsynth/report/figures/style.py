"""The result of every figure function: the Axes, the frame that was drawn, alternative text and caption."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from html import escape
from io import BytesIO
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, VERMILLION, PURPLE = (
    "#000000",
    "#E69F00",
    "#56B4E9",
    "#009E73",
    "#F0E442",
    "#0072B2",
    "#D55E00",
    "#CC79A7",
)
"""The palette of Okabe and Ito (2008), which colour-blind readers tell apart."""

GROUP_COLOURS = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY)
"""One a group, in order; yellow is too light for a line on white."""

REAL, SYNTHETIC, DASHED = BLACK, VERMILLION, (0, (4, 2))
"""Real is black and solid, synthetic vermillion and dashed. Where colours tell groups apart, dashes alone say it."""
GROUP_MARKERS = ("o", "s", "D", "^", "v", "X")
"""One a group, in the same order: colours that differ in hue alone are one grey on a printed page."""

GREY = "#595959"
_WATERMARK = "SYNTHETIC DATA"
_DPI = 150
_PAD = 3.5
"""Points between an axis and the labels of its rows."""

_STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "figure.facecolor": "white",
    "axes.facecolor": "white",
    "savefig.facecolor": "white",
    "text.color": "black",
    "axes.labelcolor": "black",
    "axes.edgecolor": "black",
    "xtick.color": "black",
    "ytick.color": "black",
    "legend.frameon": False,
    "legend.fontsize": 8,
    "lines.linewidth": 1.6,
    "path.simplify": False,
    "svg.hashsalt": "heorsynth",
    "svg.fonttype": "path",
    "figure.dpi": 100,
    "savefig.dpi": _DPI,
    "text.usetex": False,
    "text.parse_math": False,
    "axes.grid": False,
}
"""Fixed, so that a picture does not depend on the reader's own settings, and its bytes do not change."""


def style() -> AbstractContextManager[None]:
    """The house style for the length of a block; the caller's settings are as they were afterwards."""
    settings: dict[Any, Any] = {
        name: value for name, value in mpl.rcParamsDefault.items() if not name.startswith("backend")
    }
    return mpl.rc_context(settings | _STYLE)


@dataclass(frozen=True, eq=False)
class Picture:
    """A drawn figure. It unpacks as ``axes, frame = picture``.

    Attributes
    ----------
    axes : Axes            to change or to add to
    frame : DataFrame      the numbers that were drawn
    alt : str              what it shows, in a sentence built from its numbers
    caption : str          how to read it
    tables : dict          further frames shown in it, such as the numbers at risk

    See Also
    --------
    heorsynth.report.tables.table.Table : The same for a table.

    Examples
    --------
    >>> with style():
    ...     axes = canvas(4, 3).add_axes((0.2, 0.2, 0.7, 0.7))
    >>> picture = Picture(axes, pd.DataFrame({"time": [0.0, 1.0]}), "A curve.", "Solid: patients.")
    >>> picture
    A curve.
    Solid: patients.
    >>> picture.png()[1:4]
    b'PNG'
    """

    axes: Axes
    frame: pd.DataFrame
    alt: str
    caption: str
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Axes | pd.DataFrame]:
        return iter((self.axes, self.frame))

    def png(self) -> bytes:
        """The figure as PNG; the same figure gives the same bytes."""
        return self._saved("png")

    def svg(self) -> bytes:
        """The figure as SVG, text as paths; the same figure gives the same bytes."""
        return self._saved("svg")

    def html(self) -> str:
        """A self-contained ``<figure>`` with its alternative text and caption."""
        data = base64.b64encode(self.png()).decode("ascii")
        return (
            f'<figure style="margin:1em 0"><img alt="{escape(self.alt, quote=True)}" '
            f'style="max-width:100%;height:auto;background:white" src="data:image/png;base64,{data}">'
            f"<figcaption>{escape(self.caption)}</figcaption></figure>"
        )

    def _saved(self, kind: str) -> bytes:
        buffer = BytesIO()
        figure = self.axes.get_figure(root=True)
        assert figure is not None
        metadata = {"Software": None} if kind == "png" else {"Date": None, "Creator": None}
        with style():
            figure.savefig(buffer, format=kind, metadata=metadata)
        return buffer.getvalue()

    def __repr__(self) -> str:
        return f"{self.alt}\n{self.caption}"

    def _repr_html_(self) -> str:
        return self.html()


def canvas(width: float, height: float) -> Figure:
    """An empty figure of this size in inches, drawn by Agg and known to no window."""
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    return figure


def lines(axes: Axes, x0: Any, y0: Any, x1: Any, y1: Any, **look: Any) -> None:
    """Draw n lines of one look from (x0, y0) to (x1, y1), as one artist: many artists take long."""
    axes.plot(_apart(x0, x1), _apart(y0, y1), **look)


def bars(axes: Axes, y: Any, height: float, left: Any, right: Any, **look: Any) -> None:
    """Fill n bars of one look around y (n,), from left (n,) to right (n,), as one artist."""
    axes.fill_betweenx(_apart(y - height / 2, y + height / 2), _apart(left, left), _apart(right, right), **look)


def _apart(start: Any, end: Any) -> np.ndarray:
    """Pairs of n values as one sequence (3 n,), with a gap after each pair."""
    return np.column_stack([start, end, np.full(len(start), np.nan)]).ravel()


def row_labels(axes: Axes, y: Sequence[float] | np.ndarray, labels: Sequence[str], size: float = 9) -> None:
    """Write a label at the left of each row, as text: a tick is five artists, and takes ten times as long."""
    place, down, across = axes.get_yaxis_text1_transform(_PAD)
    axes.set_yticks([])
    for at, label in zip(y, labels, strict=True):
        axes.text(0, at, label, transform=place, va=down, ha=across, fontsize=size)


def watermark(figure: Figure) -> None:
    """Says in the top right corner that the figure shows synthetic data."""
    figure.text(0.99, 0.99, _WATERMARK, ha="right", va="top", fontsize=7, color=GREY, weight="bold")
