"""Text as outlines: words side by side are the line that matplotlib lays out, and what it draws is where it draws."""

from io import BytesIO

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path
from PIL import Image

from heorsynth.report.figures.outlines import OutlineCanvas, OutlineRenderer, _line

FONT = FontProperties(family="DejaVu Sans", size=9)
HEBREW = "שלום עולם 12"


@pytest.mark.parametrize(
    "text", ["share of patients · sex=f", "AV  To fi  ", " 154 / <5", "", " ", "−1 ≥ 2 ÷ 3 …", HEBREW]
)
def test_words_side_by_side_are_the_line_that_matplotlib_lays_out(text: str) -> None:
    line = _line(text, FONT)
    vertices, codes = text_to_path.get_text_path(FONT, text)
    assert line.codes.tolist() == [int(code) for code in codes]
    whole = np.array(vertices, float).reshape(-1, 2) * 9 / text_to_path.FONT_SCALE
    assert line.vertices == pytest.approx(whole, abs=0.02)  # whole advances are rounded to a 64th of a pixel
    width, height, below = text_to_path.get_text_width_height_descent(text, FONT, False)
    assert line.width == pytest.approx(width, abs=0.02)
    assert (line.above + line.below, line.below) == pytest.approx((height, below), abs=1e-9)


def ink(canvas: type[FigureCanvasAgg], text: str, **look: object) -> np.ndarray:
    """Dark pixels (h, w) of a text in the middle of a figure."""
    figure = Figure(figsize=(3, 1.5), dpi=150)
    drawn = canvas(figure)
    with mpl.rc_context({"text.hinting": "no_hinting"}):
        figure.text(0.5, 0.5, text, fontsize=9, family="DejaVu Sans", ha="center", va="center", **look)
        drawn.draw()
    return 255 - np.asarray(drawn.buffer_rgba())[..., 0].astype(int)


@pytest.mark.parametrize("look", [{}, {"rotation": 90}, {"weight": "bold"}], ids=str)
@pytest.mark.parametrize("text", ["Share without death", "telling who\ntook part"])
def test_text_is_where_matplotlib_draws_it_in_the_same_shape(text: str, look: dict) -> None:
    own, other = (ink(canvas, text, **look) for canvas in (OutlineCanvas, FigureCanvasAgg))
    for axis in (0, 1):  # baselines are at whole pixels, so text may be one pixel from there
        places = [np.flatnonzero(one.sum(axis=axis))[[0, -1]] for one in (own, other)]
        assert np.abs(places[0] - places[1]).max() <= 2
    assert own.sum() == pytest.approx(other.sum(), rel=0.03)  # as much ink, antialiased by another routine


def test_a_formula_and_text_with_settings_of_its_own_are_drawn_by_matplotlib() -> None:
    for text, look in (("$x^2$", {}), ("fi", {"fontfeatures": ["-liga"]})):
        assert (ink(OutlineCanvas, text, **look) == ink(FigureCanvasAgg, text, **look)).all()


def test_a_png_has_the_pixels_of_the_figure_and_keeps_what_its_caller_asks_for() -> None:
    figure = Figure(figsize=(1, 1), dpi=100)
    canvas = OutlineCanvas(figure)
    figure.text(0.5, 0.5, "death")
    canvas.draw()
    pixels = np.array(canvas.buffer_rgba())
    plain, named, clear = (
        saved(figure, **asked) for asked in ({}, {"metadata": {"Title": "os"}}, {"transparent": True})
    )
    assert plain.mode == "RGB" and (np.asarray(plain) == pixels[..., :3]).all()
    assert plain.info["dpi"] == pytest.approx((100, 100), abs=0.01)
    assert named.text["Title"] == "os" and (np.asarray(named) == pixels).all()
    assert np.asarray(clear)[0, 0, 3] == 0


def saved(figure: Figure, **asked: object) -> Image.Image:
    """The figure as PNG, read again."""
    file = BytesIO()
    figure.savefig(file, format="png", **asked)
    return Image.open(file)


def test_a_figure_of_another_size_gets_a_renderer_of_its_size() -> None:
    figure = Figure(figsize=(1, 1), dpi=100)
    canvas = OutlineCanvas(figure)
    first = canvas.get_renderer()
    assert isinstance(first, OutlineRenderer) and canvas.get_renderer() is first
    figure.set_size_inches(2, 1)
    canvas.draw()
    assert np.asarray(canvas.buffer_rgba()).shape == (100, 200, 4)
