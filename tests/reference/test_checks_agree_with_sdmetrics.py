"""Where SDMetrics has the same measure it gives the same number; where it has another, both see the same fault."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sdmetrics.column_pairs import CorrelationSimilarity
from sdmetrics.single_column import KSComplement, MissingValueSimilarity, TVComplement
from sdmetrics.single_table import DCROverfittingProtection, NewRowSynthesis

from heorsynth.checks.planning import registry
from heorsynth.checks.planning.catalogue import margin_for
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.estimators.association import rank_correlation

MARGINS = {
    "structure.marginals": {"absolute": 0.1},
    "structure.missingness": {"absolute": 0.05},
    "disclosure.copies": {"absolute": 0.01},
    "disclosure.nearest": {"absolute": 0.05},
}


def drawn(n: int, seed: int, shift: float = 0.0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    age = np.round(rng.normal(60 + shift, 8, n))
    frame = pd.DataFrame({
        "time": rng.exponential(3, n) + 0.01, "event": (rng.random(n) < 0.6).astype(int), "age": age,
        "score": age / 10 + rng.normal(0, 1, n), "sex": np.where(rng.random(n) < 0.5 + shift / 40, "f", "m"),
    })  # fmt: skip
    frame.loc[rng.random(n) < 0.1 + shift / 100, "score"] = np.nan
    return frame


def cohort(frame: pd.DataFrame) -> Cohort:
    return Cohort(frame, endpoints={"os": ("time", "event")}, subgroups=["sex"])


def finding(check, key: str, estimand: str, real: Cohort, frame: pd.DataFrame, holdout: Cohort | None = None):
    synthetic, margins = [Cohort.derive(real.schema, frame, label=None)], {key: margin_for(key, MARGINS[key])}
    found = registry.findings(check, real, synthetic, margins, np.random.default_rng(1), holdout)
    return next(one for one in found if estimand in one.estimand and one.group == "all")


@pytest.fixture(scope="module")
def pair() -> tuple[pd.DataFrame, pd.DataFrame]:
    return drawn(400, 1), drawn(400, 2, shift=4.0)


def test_distances_of_distributions_are_one_less_their_complements(pair):
    real, synthetic = pair
    for name, metric in (("age", KSComplement), ("sex", TVComplement)):
        found = finding("structure", "structure.marginals", f"of {name}", cohort(real), synthetic)
        theirs = 1 - metric.compute(real_data=real[name], synthetic_data=synthetic[name])
        assert found.difference == pytest.approx(theirs, abs=0.011), "ours looks at a hundred quantiles, theirs at all"
    found = finding("structure", "structure.marginals", "of sex", cohort(real), synthetic)
    assert found.difference == pytest.approx(1 - TVComplement.compute(real["sex"], synthetic["sex"]), abs=1e-12)


def test_missing_values_and_rank_correlations_are_theirs(pair):
    real, synthetic = pair
    found = finding("structure", "structure.missingness", "score", cohort(real), synthetic)
    theirs = MissingValueSimilarity.compute(real["score"], synthetic["score"])
    assert 1 - abs(found.difference) == pytest.approx(theirs, abs=1e-12)
    both = [frame[["age", "score"]].dropna() for frame in pair]
    ours = [rank_correlation(frame["age"].to_numpy(), frame["score"].to_numpy()).value for frame in both]
    theirs = CorrelationSimilarity.compute(*both, coefficient="Spearman")
    assert 1 - abs(ours[1] - ours[0]) / 2 == pytest.approx(theirs, abs=1e-9)


@pytest.mark.parametrize(
    ("copied", "verdict", "n"), [(True, "fail", 650), pytest.param(False, "pass", 1300, marks=pytest.mark.long)]
)
def test_privacy_measures_of_both_see_copies_and_clear_fresh_people(copied, verdict, n):
    source, unseen, fresh = (drawn(1500, seed).dropna().iloc[:n].reset_index(drop=True) for seed in (1, 2, 3))
    rows = source if copied else fresh
    kinds = dict.fromkeys(("age", "time", "score"), "numerical") | dict.fromkeys(("event", "sex"), "categorical")
    metadata = {"tables": {"cohort": {"columns": {name: {"sdtype": kind} for name, kind in kinds.items()}}}}
    theirs = DCROverfittingProtection.compute(source, rows, unseen, metadata, "cohort")
    new = NewRowSynthesis.compute(source, rows, metadata, "cohort", numerical_match_tolerance=0.0)
    ours = finding("disclosure", "disclosure.nearest", "nearer", cohort(source), rows, cohort(unseen))
    copies = finding("disclosure", "disclosure.copies", "equal", cohort(source), rows, cohort(unseen))
    assert copies.verdict == ours.verdict == verdict
    assert copies.synthetic == pytest.approx(1 - new, abs=1e-9)
    assert (theirs < 0.1) if copied else (theirs > 0.7)
