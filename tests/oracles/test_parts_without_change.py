"""A part of a cohort, whose columns are coded with the whole, is learnt and judged as a cohort of its own rows is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import heorsynth as hs

N = 400


@pytest.fixture(scope="module")
def parts() -> tuple[hs.Cohort, hs.Cohort]:
    """The first half of patients, taken from a cohort and alone; three columns have levels that only the rest has."""
    rng = np.random.default_rng(3)
    stage = rng.choice(["I", "II"], N).astype(object)
    stage[N // 2 :][:20] = "III"
    site = np.where(np.arange(N) < N // 2, "north", rng.choice(["north", "south"], N))
    frame = pd.DataFrame({
        "time": rng.exponential(5, N).round(2) + 0.01, "event": rng.integers(0, 2, N), "arm": rng.choice(["a", "b"], N),
        "stage": stage, "again": stage, "site": site, "age": rng.normal(60, 9, N).round(),
        "cost": rng.gamma(2, 900, N).round(0), "qaly": rng.random(N).round(2),
    })  # fmt: skip
    roles = {"endpoints": {"os": ("time", "event")}, "costs": "cost", "utilities": "qaly", "subgroups": ["stage"]}
    whole = hs.Cohort(frame, arm="arm", arm_reference="a", currency="EUR", **roles)
    half = np.arange(N // 2)
    assert "III" in whole.take(half).coded("stage").names
    alone = hs.Cohort.derive(whole.schema, whole.frame.iloc[half].reset_index(drop=True), label=None)
    return whole.take(half), alone


def test_the_same_rules_are_found(parts: tuple[hs.Cohort, hs.Cohort]) -> None:
    taken, alone = (part.rules().texts for part in parts)
    assert taken == alone and any("`again`" in text for text in taken)


def test_the_same_law_is_learnt_and_knows_no_level_of_the_others(
    parts: tuple[hs.Cohort, hs.Cohort], tmp_path: Path
) -> None:
    texts = [
        hs.generators.create("heor").fit(part, seed=1).save(tmp_path / f"{place}.json").read_text(encoding="utf-8")
        for place, part in enumerate(parts)
    ]
    assert texts[0] == texts[1]
    assert "III" not in texts[0] and "south" not in texts[0]


@pytest.mark.parametrize("purpose", ["economic-evaluation", "model-development"])
def test_the_same_is_found(parts: tuple[hs.Cohort, hs.Cohort], purpose: str) -> None:
    synthetic = hs.generators.create("heor").fit(parts[1], seed=1).sample(m=2, seed=1)
    more = {"economics": {"wtp": [20000]}} if purpose == "economic-evaluation" else {}
    taken, alone = (hs.validate(part, synthetic, purpose, seed=1, **more).to_frame() for part in parts)
    pd.testing.assert_frame_equal(taken, alone, rtol=1e-9)
