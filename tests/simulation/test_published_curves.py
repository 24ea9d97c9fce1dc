"""Curves of known trials, clicked with noise and rebuilt: how often the reconstruction interval holds the truth."""

import runpy
import warnings
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.long
@pytest.mark.parametrize(("tables", "least"), [(10, 0.88), (3, 0.85)])
def test_reconstruction_intervals_hold_the_truth(monkeypatch: pytest.MonkeyPatch, tables: int, least: float) -> None:
    """Nominal 95%. With 20 trials and 7 estimands of dependent arms the bound allows for chance and for exact ties."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    benchmark = runpy.run_path(str(ROOT / "benchmarks" / "published.py"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        rows = benchmark["coverage"](20, 0, [tables], seed=900)
    held = rows[rows["estimand"] != "events"].groupby("totals")["held"].mean()
    assert (held > least).all()
    restricted = rows[rows["estimand"] == "rmst"]
    assert restricted["relative"].median() < 0.003
