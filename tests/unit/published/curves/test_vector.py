"""Vector figures: transforms, choice of a path, and what is refused."""

from pathlib import Path

import numpy as np
import pytest

from heorsynth.core.errors import FileError, PaperError
from heorsynth.published.curves.affine import transform_of
from heorsynth.published.curves.style import colour
from heorsynth.published.curves.vector import Axis, Choice, read_vector

pytest.importorskip("svg.path", reason="the extra published is not installed")

X, Y = Axis((100.0, 0.0), (500.0, 40.0)), Axis((400.0, 0.0), (100.0, 1.0))
STEPS = "M100,100 H200 V160 H300 V220 H400 V280"
TRUE = [(0, 1), (10, 1), (10, 0.8), (20, 0.8), (20, 0.6), (30, 0.6), (30, 0.4)]


def drawn(folder: Path, body: str, head: str = "") -> Path:
    file = folder / "figure.svg"
    file.write_text(
        f'<?xml version="1.0"?>{head}<svg xmlns="http://www.w3.org/2000/svg">{body}</svg>', encoding="utf-8"
    )
    return file


BODIES = {
    "absolute": f'<path id="a" d="{STEPS}"/>',
    "relative": '<path id="a" d="m100,100 h100 v60 h100 v60 h100 v60"/>',
    "a polyline": '<polyline id="a" points="100,100 200,100 200,160 300,160 300,220 400,220 400,280"/>',
    "a moved group": '<g transform="translate(90 80)"><path id="a" d="m10,20 h100 v60 h100 v60 h100 v60"/></g>',
    "nested transforms": '<g transform="translate(100,100)"><g transform="scale(2,-2)">'
    '<path id="a" transform="matrix(1 0 0 1 0 0)" d="m0,0 h50 v-30 h50 v-30 h50 v-30"/></g></g>',
    "the id of a group": f'<g id="a"><path d="M0 0 L5 5"/><path d="{STEPS}"/></g>',
    "rotated": '<g transform="rotate(90)"><path id="a" d="M100,-100 V-200 H160 V-300 H220 V-400 H280"/></g>',
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_a_path_is_read_through_its_transforms(tmp_path: Path, body: str) -> None:
    frame = read_vector(drawn(tmp_path, body), X, Y, {"drug": Choice(id="a")})
    assert set(frame["arm"]) == {"drug"}
    assert frame[["time", "survival"]].to_numpy() == pytest.approx(np.array(TRUE, float))


TWO = STEPS.replace("280", "340")
COLOURS = {
    "attribute": f'<path stroke="#F00" d="{STEPS}"/><path stroke="blue" d="{TWO}"/>',
    "style": f'<path style="fill:none;stroke:rgb(255,0,0)" d="{STEPS}"/><path style="stroke: #00f" d="{TWO}"/>',
    "inherited": f'<g stroke="red"><path d="{STEPS}"/></g><g style="stroke:#0000ff"><path d="{TWO}"/></g>',
    "style sheet": "<style>.s1{fill:none;stroke:#ff0000}.s2{stroke:#00f}</style>"
    f'<path class="x s1" d="{STEPS}"/><path class="s2" d="{TWO}"/>',
}


@pytest.mark.parametrize("body", COLOURS.values(), ids=COLOURS.keys())
def test_a_path_is_chosen_by_the_colour_of_its_line(tmp_path: Path, body: str) -> None:
    legend = '<path stroke="red" style="stroke:red" d="M450 50 H480"/><line stroke="red" x1="3" y1="4" x2="5" y2="6"/>'
    paths = {"drug": Choice(stroke="#ff0000"), "usual": Choice(stroke="blue")}
    frame = read_vector(drawn(tmp_path, body + legend), X, Y, paths)
    assert frame.groupby("arm")["survival"].min().to_dict() == pytest.approx({"drug": 0.4, "usual": 0.2})


def test_a_path_is_chosen_by_its_class(tmp_path: Path) -> None:
    file = drawn(tmp_path, f'<path class="curve one" d="{STEPS}"/><path class="curve" d="{TWO}"/>')
    assert read_vector(file, X, Y, {"drug": Choice(css_class="one")})["survival"].min() == pytest.approx(0.4)


def test_curved_segments_are_sampled(tmp_path: Path) -> None:
    file = drawn(tmp_path, '<path id="a" d="M100,100 C200,100 300,280 400,280"/>')
    frame = read_vector(file, X, Y, {"drug": Choice(id="a")})
    assert len(frame) == 9 and frame["survival"].iloc[4] == pytest.approx(0.7)


def test_axes_in_percent_are_shares(tmp_path: Path) -> None:
    percent = Axis((400.0, 0.0), (100.0, 100.0))
    frame = read_vector(drawn(tmp_path, BODIES["absolute"]), X, percent, {"drug": Choice(id="a")})
    assert frame["survival"].to_list() == pytest.approx([s for _, s in TRUE])


def test_a_figure_without_axes_is_refused(tmp_path: Path) -> None:
    file = drawn(tmp_path, BODIES["absolute"])
    with pytest.raises(PaperError, match="a vector figure without its axes"):
        read_vector(file, X, None, {"drug": Choice(id="a")})
    with pytest.raises(PaperError, match="two points have the same position"):
        read_vector(file, Axis((1, 0), (1, 5)), Y, {"drug": Choice(id="a")})


def test_an_unknown_path_gets_the_nearest_name_and_several_must_be_named(tmp_path: Path) -> None:
    file = drawn(tmp_path, f'<path id="line_1" stroke="red" d="{STEPS}"/><path id="line_2" stroke="red" d="{TWO}"/>')
    with pytest.raises(PaperError, match="did you mean 'line_1'"):
        read_vector(file, X, Y, {"drug": Choice(id="line1")})
    with pytest.raises(PaperError, match="2 paths have stroke 'red'"):
        read_vector(file, X, Y, {"drug": Choice(stroke="red")})
    with pytest.raises(PaperError, match="no curve has nothing"):
        read_vector(file, X, Y, {"drug": Choice()})


def test_what_is_only_defined_is_not_drawn(tmp_path: Path) -> None:
    file = drawn(tmp_path, f'<defs><path id="a" d="{STEPS}"/></defs><path id="b" d="{STEPS}"/>')
    with pytest.raises(PaperError, match="no curve has id 'a'"):
        read_vector(file, X, Y, {"drug": Choice(id="a")})


REFUSED = {
    "a wrapped raster image": ('<image href="data:image/png;base64,AAAA"/>', "", "wraps a raster image"),
    "entities": ("&a;", '<!DOCTYPE svg [<!ENTITY a "aaaa">]>', "XML entities"),
    "broken xml": ("<path", "", "not an SVG file"),
    "a bad path": ('<path id="a" d="M100,100 Q5"/>', "", "a path that is not valid"),
    "a bad transform": (f'<g transform="spin(3)"><path id="a" d="{STEPS}"/></g>', "", "a transform that is not known"),
    "a path that the parser cannot follow": ('<path id="a" d="M1,1 a3 4 5 2 7 8 9"/>', "", "a path that is not valid"),
    "coordinates without end": ('<polyline id="a" points="1,2 inf,4"/>', "", "coordinates that are not numbers"),
    "numbers of a transform": (f'<path transform="scale(1,2,3)" d="{STEPS}"/>', "", "a transform with wrong numbers"),
    "a bad polyline": ('<polyline id="a" points="1,2,3"/>', "", "an odd number of coordinates"),
    "a deep file": ("<g>" * 300 + "</g>" * 300, "", "too deeply nested"),
}


@pytest.mark.parametrize(("body", "head", "found"), REFUSED.values(), ids=REFUSED.keys())
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, body: str, head: str, found: str) -> None:
    with pytest.raises(PaperError) as error:
        read_vector(drawn(tmp_path, body, head), X, Y, {"drug": Choice(id="a")})
    assert found in str(error.value)


def test_another_xml_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.svg").write_text("<html/>", encoding="utf-8")
    with pytest.raises(PaperError, match="not an SVG file"):
        read_vector(tmp_path / "a.svg", X, Y, {"drug": Choice(id="a")})
    with pytest.raises(FileError):
        read_vector(tmp_path / "none.svg", X, Y, {"drug": Choice(id="a")})


def test_transforms_act_from_right_to_left() -> None:
    turned = transform_of("rotate(90, 10, 10) skewX(45)")
    assert turned @ [10, 10, 1] == pytest.approx([10, 20, 1])  # skewed to (20, 10), then turned about (10, 10)
    assert transform_of("skewY(45)") @ [2, 1, 1] == pytest.approx([2, 3, 1])


def test_a_colour_that_is_not_known_stays_as_it_is() -> None:
    assert colour("tomato") == "tomato"


def test_a_drawing_of_matplotlib_is_read(tmp_path: Path) -> None:
    """A figure as a journal's plotting program writes it: groups, ticks, a legend and two curves."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context({"svg.hashsalt": "1"}):
        figure = Figure(figsize=(6, 4))
        axes = figure.subplots()
        times = np.arange(0, 41.0)
        for name, rate in (("drug", 0.02), ("usual", 0.05)):
            (line,) = axes.step(times, np.exp(-rate * times), where="post", label=name)
            line.set_gid(f"curve-{name}")
        axes.legend()
        figure.savefig(tmp_path / "figure.svg")
        corners = axes.transData.transform([(0.0, 0.0), (40.0, 1.0)]) * 72 / figure.dpi
        height = 4 * 72
    (x0, y0), (x1, y1) = corners
    x, y = Axis((x0, 0.0), (x1, 40.0)), Axis((height - y0, 0.0), (height - y1, 1.0))
    frame = read_vector(tmp_path / "figure.svg", x, y, {name: Choice(id=f"curve-{name}") for name in ("drug", "usual")})
    for name, rate in (("drug", 0.02), ("usual", 0.05)):
        last = frame[frame["arm"] == name].groupby("time")["survival"].min()
        assert last.to_numpy() == pytest.approx(np.exp(-rate * last.index.to_numpy().round()), abs=1e-4)


def test_a_broken_path_beside_the_curve_does_not_matter(tmp_path: Path) -> None:
    file = drawn(tmp_path, f'<path d="MNaN,NaN"/><path id="a" d="{STEPS}"/><polyline points="1"/>')
    assert len(read_vector(file, X, Y, {"drug": Choice(id="a")})) == 7
