"""Designs of many cohorts at once are those of each cohort, whatever their sizes and columns."""

import numpy as np
import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.checks.structure import designs as module
from heorsynth.checks.structure.designs import correlations, designs, width
from heorsynth.core.ranks import ranks

LEVELS = {"g": ["a", "b"], "h": ["x", "y", "z"]}


def cohorts() -> list[hs.Cohort]:
    rng = np.random.default_rng(3)
    made = []
    for n in (40, 25, 33):
        rows = pd.DataFrame({
            "v": rng.normal(size=n), "w": np.where(rng.random(n) < 0.3, np.nan, rng.integers(0, 4, n)),
            "g": rng.choice(["b", "a", None], n), "h": rng.choice(["x", "y", "z", "other"], n),
        })  # fmt: skip
        made.append(hs.Cohort(rows, endpoints={}))
    return [*made, hs.Cohort(made[0].frame.drop(columns="w"), endpoints={})]


@pytest.mark.parametrize("cells", [1, 10_000])
def test_correlations_of_many_cohorts_are_those_of_pandas(cells: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CELLS", cells)
    many = cohorts()
    found = np.concatenate([correlations(several) for several in designs(many, ["v", "w", "g", "h"], LEVELS)])
    for one, cohort in zip(found, many, strict=True):
        rows = cohort.rows.reindex(columns=["v", "w", "g", "h"])
        plain = pd.DataFrame({"v": rows["v"].rank(), "w": rows["w"].rank()})
        plain["g"] = (rows["g"] == "b").where(rows["g"].notna()).astype(float)
        for level in LEVELS["h"]:
            plain[level] = (rows["h"] == level).astype(float)
        np.testing.assert_allclose(one, plain.corr(), atol=1e-12)


def test_tied_values_share_their_mean_rank_and_a_missing_one_has_none() -> None:
    assert ranks(np.array([[5.0, 1.0, 5.0], [2.0, 2.0, 2.0]])).tolist() == [[2.5, 1.0, 2.5], [2.0, 2.0, 2.0]]
    np.testing.assert_array_equal(ranks(np.array([3.0, np.nan, 3.0, 1.0])), [2.5, np.nan, 2.5, 1.0])
    assert ranks(np.empty((2, 0))).shape == (2, 0)


def test_two_levels_take_one_column_and_three_take_three() -> None:
    assert [width(name, LEVELS) for name in ("v", "g", "h")] == [1, 1, 3]
