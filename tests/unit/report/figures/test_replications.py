"""Analyses side by side: the numbers shown are those of `replicate`."""

import pytest

import heorsynth as hs

PBC = hs.datasets.load("pbc")
FOUND = [
    hs.replicate(hs.Analysis(name, model="cox", formula=f"os ~ {name}"), PBC, [PBC, PBC]) for name in ("age", "sex")
]


def test_each_estimate_is_drawn_in_its_own_standard_errors() -> None:
    axes, frame = hs.figures.analyses(FOUND)
    assert list(frame["analysis"]) == ["age", "sex"]
    points = [float(line.get_xdata()[0]) for line in axes.lines if line.get_marker() == "o"]
    assert points == pytest.approx(list(frame["real"] / frame["real_se"]))
    assert "0.00 SE apart" in hs.figures.analyses(FOUND[0]).alt


def test_nothing_to_draw_is_refused() -> None:
    with pytest.raises(hs.HeorsynthError, match="none that is estimable"):
        hs.figures.analyses([])
