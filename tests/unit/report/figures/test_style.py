"""Printed without colour, every figure still tells its lines apart: by dash, marker or fill, or else by shade."""

from itertools import combinations

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb

import heorsynth as hs
from heorsynth.report.figures.evidence import LOOK
from heorsynth.report.figures.style import bars, canvas, row_labels

SHADES_APART = 0.15
"""Greys nearer than this, of 0 (black) to 1 (white), are not told apart on a printed page."""


def grey(colour) -> float:
    """The grey a colour is printed as (Rec. 601 luma, as printers and readers convert)."""
    return float(np.dot(to_rgb(colour), (0.299, 0.587, 0.114)))


def look(line) -> tuple:
    """All of a line that is not colour: its dash, width, marker and whether that is filled."""
    hollow = line.get_markerfacecolor() in ("none", "white") or grey(line.get_markerfacecolor()) > 0.95
    return str(line._unscaled_dash_pattern), line.get_linewidth(), line.get_marker(), bool(hollow)


def confused(axes: Axes) -> list[tuple]:
    """Pairs of colours that stand for different things, look the same but for colour, and are one grey."""
    found: dict[tuple, set[str]] = {}
    for line in axes.get_lines():
        if line.get_visible() and len(np.atleast_1d(line.get_xdata())):
            found.setdefault(look(line), set()).add(mpl.colors.to_hex(line.get_color()))
    return [
        (kind, *pair)
        for kind, colours in found.items()
        for pair in combinations(sorted(colours), 2)
        if abs(grey(pair[0]) - grey(pair[1])) < SHADES_APART
    ]


@pytest.fixture(scope="module")
def made():
    real = hs.datasets.simulated_trial(400, seed=1)[0]
    syn = list(hs.generators.create("bootstrap").fit(real).sample(m=3))
    return real, syn, hs.validate(real, syn, "teaching", {"costs.mean": {"relative": 0.1}})


FIGURES = {
    "km_overlay, everybody": lambda real, syn, evidence: hs.figures.km_overlay(real, syn, "os"),
    "km_overlay, arms": lambda real, syn, evidence: hs.figures.km_overlay(real, syn, "os", by="arm"),
    "km_overlay, stages": lambda real, syn, evidence: hs.figures.km_overlay(real, syn, "os", by="stage"),
    "km_difference": lambda real, syn, evidence: hs.figures.km_difference(real, syn, "os"),
    "level_retention": lambda real, syn, evidence: hs.figures.level_retention(real, syn),
    "cost_quantiles": lambda real, syn, evidence: hs.figures.cost_quantiles(real, syn),
    "lorenz": lambda real, syn, evidence: hs.figures.lorenz(real, syn),
    "subgroup_forest": lambda real, syn, evidence: hs.figures.subgroup_forest(evidence, "costs.mean"),
    "acceptability": lambda real, syn, evidence: hs.figures.acceptability(real, hs.generators.create(
        "bootstrap").fit(real).sample(m=3), 60_000),
}  # fmt: skip


@pytest.mark.parametrize("name", FIGURES)
def test_no_two_lines_of_a_figure_differ_by_colour_alone(made, name):
    axes = FIGURES[name](*made).axes
    for part in np.ravel(axes):
        assert confused(part) == [], name


def test_verdicts_in_the_forest_differ_in_the_shape_or_the_fill_of_their_markers():
    shapes = {(marker, fill == "white") for marker, fill, _ in LOOK.values()}
    assert len(shapes) == len(LOOK) == 4


def test_two_lines_that_differ_by_hue_alone_would_be_found():
    figure = mpl.figure.Figure()
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], color="#cc3333")
    axes.plot([0, 1], [1, 0], color="#336633")
    assert abs(grey("#cc3333") - grey("#336633")) < SHADES_APART
    assert len(confused(axes)) == 1
    axes.get_lines()[1].set_linestyle("--")
    assert confused(axes) == []


def test_bars_are_one_artist_with_a_rectangle_each():
    axes = canvas(2, 2).add_subplot()
    bars(axes, np.arange(2), 0.5, np.array([1.0, 2.0]), np.array([3.0, 5.0]), color="grey")
    (drawn,) = axes.collections
    ends = [(*path.vertices.min(axis=0), *path.vertices.max(axis=0)) for path in drawn.get_paths()]
    assert ends == [(1, -0.25, 3, 0.25), (2, 0.75, 5, 1.25)]


def test_labels_of_rows_stand_where_those_of_ticks_would():
    """To the left of the axis and centred at their rows, also on two lines."""
    own, ticks = canvas(4, 2).add_subplot(), canvas(4, 2).add_subplot()
    labels = ["share", "telling\nwho took part"]
    row_labels(own, [0, 1], labels, 8)
    ticks.set_yticks([0, 1], labels, fontsize=8)
    ticks.tick_params(axis="y", length=0)
    for axes in (own, ticks):
        axes.set_ylim(-0.5, 1.5)
        axes.figure.canvas.draw()
    assert not own.get_yticks().size
    found, wanted = (
        [one.get_window_extent().extents for one in texts] for texts in (own.texts, ticks.get_yticklabels())
    )
    assert np.array(found) == pytest.approx(np.array(wanted), abs=0.01)
