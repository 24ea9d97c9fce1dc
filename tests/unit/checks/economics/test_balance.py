"""Balance between the arms in standard deviations of the patients; covariates that shift the evaluation are named."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from heorsynth.checks.core.finding import FAIL, NOT_ESTIMABLE, Finding
from heorsynth.checks.economics.balance import missing_covariates, undeclared
from heorsynth.checks.planning import registry
from heorsynth.checks.planning.catalogue import margin_for
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.schema import Schema

SCHEMA = Schema({}, arm="arm", arm_reference="usual", costs=("cost",), utilities=("qaly",), subgroups=("sex",))
KEY = "economics.balance"


def cohort(shift: float = 0.0, men: int = 6, **columns: object) -> Cohort:
    """Ten patients of each arm. The mean of u0 is `shift` higher in the new one; its variance is 1 in each arm."""
    step = np.linspace(-1, 1, 10)
    step /= step.std(ddof=1)
    frame = pd.DataFrame({"arm": ["usual"] * 10 + ["new"] * 10, "u0": np.r_[step, step + shift]})
    frame["sex"] = ["m"] * 5 + ["f"] * 5 + ["m"] * men + ["f"] * (10 - men)
    frame["cost"] = np.tile(np.arange(10.0), 2)
    frame["qaly"] = np.tile(np.linspace(0, 1, 10)[::-1], 2)
    return Cohort.derive(SCHEMA, frame.assign(**columns), label=None)


def asked(real: Cohort, *synthetic: Cohort, **settings: object) -> dict[str, Finding]:
    margins = {KEY: margin_for(KEY, {"absolute": 0.1}, settings)}
    found = registry.findings("economics", real, list(synthetic), margins, np.random.default_rng(1))
    return {one.estimand: one for one in found}


def test_the_difference_is_in_standard_deviations_of_the_patients() -> None:
    doubled = cohort().rows.assign(u0=lambda frame: 2 * frame["u0"] + np.repeat([0.0, 1.0], 10))
    found = asked(cohort(0.5), Cohort.derive(SCHEMA, doubled, label=None))
    one = found["difference between the arms in the mean of u0"]
    assert (one.real, one.synthetic, one.difference) == pytest.approx((0.5, 1.0, 0.5)), "the copy's own SD is 2"
    assert (one.column, one.unit, one.kind) == ("u0", "SD", "all")


def test_a_level_is_compared_by_its_share() -> None:
    one = asked(cohort(men=8), cohort(men=5))["difference between the arms in the share of sex=m"]
    spread = np.sqrt((0.8 * 0.2 + 0.5 * 0.5) / 2 * 10 / 9)
    assert (one.real, one.synthetic) == pytest.approx((0.3 / spread, 0.0))


def test_only_declared_covariates_decide() -> None:
    found = asked(cohort(0.5), cohort(0.5), baseline="u0")
    decisive = {one.column: one.decisive for one in found.values()}
    assert decisive == {"u0": True, "sex": False}
    assert not any("adjusted" in label for label in found)


def test_a_cluster_is_no_covariate() -> None:
    practice = np.arange(20) % 4
    found = asked(cohort(practice=practice), cohort(practice=practice), cluster="practice")
    assert {one.column for one in found.values()} == {"sex", "u0"}


def test_a_declared_covariate_that_does_not_vary_or_is_lost_is_not_estimable() -> None:
    found = asked(cohort(age=50.0), cohort(age=50.0), adjust=("age",))
    assert found["difference between the arms in the mean of age"].verdict == NOT_ESTIMABLE
    lost = Cohort.derive(SCHEMA, cohort().rows.drop(columns="u0"), label=None)
    one = asked(cohort(), lost)["difference between the arms in the mean of u0"]
    assert one.verdict == NOT_ESTIMABLE and "no column 'u0'" in one.because


def test_a_rare_level_is_not_shown() -> None:
    site = ["a"] * 8 + ["b"] * 8 + ["c"] * 4
    found = asked(cohort(site=site), cohort(site=site))
    assert {label.split("site=")[1] for label in found if "site=" in label} == {"a", "b"}


def linked(strength: float, shift: float = 0.5) -> Cohort:
    """The effect depends on u0, whose mean is higher in the new arm; noise of 1 that is not related to u0."""
    rng, n = np.random.default_rng(2), 200
    arm = np.repeat(["usual", "new"], n // 2)
    u0 = rng.normal(0, 1, n) + shift * (arm == "new")
    qaly = strength * u0 + rng.normal(0, 1, n)
    frame = pd.DataFrame({"arm": arm, "u0": u0, "sex": "f", "cost": rng.gamma(2, 50, n), "qaly": qaly})
    return Cohort.derive(SCHEMA, frame, label=None)


def test_a_covariate_that_shifts_the_increments_is_named_if_no_adjustment_is_declared() -> None:
    (note,) = undeclared(linked(0.8), {"wtp": (20_000.0,)})
    assert "u0 (" in note and "standard errors)" in note and "declare them" in note
    assert undeclared(linked(0.8), {}) != ()
    assert undeclared(linked(0.8), {"baseline": "u0"}) == ()
    assert len(undeclared(linked(0.8), {"cluster": "u0"})) == 1, "clusters are no adjustment"


def test_an_imbalance_that_is_not_related_to_the_outcome_is_not_named() -> None:
    assert undeclared(linked(0.0), {"wtp": (20_000.0,)}) == ()


def test_a_related_covariate_in_balance_is_not_named() -> None:
    balanced = linked(0.8, shift=0.0).rows
    for arm in ("usual", "new"):
        part = balanced["arm"] == arm
        balanced.loc[part, "u0"] -= balanced.loc[part, "u0"].mean()
    assert undeclared(Cohort.derive(SCHEMA, balanced, label=None), {"wtp": (20_000.0,)}) == ()


def test_the_policy_for_missing_covariates_is_told() -> None:
    rows = linked(0.8).rows
    rows.loc[:6, "u0"] = np.nan
    gaps = Cohort.derive(SCHEMA, rows, label=None)
    (note,) = missing_covariates(gaps, {"baseline": "u0"})
    assert note.startswith("7 of 200 patients with a missing value of u0 are left out of the adjusted evaluation")
    (note,) = missing_covariates(gaps, {"baseline": "u0", "impute": True})
    assert "have it imputed" in note
    assert missing_covariates(linked(0.8), {"baseline": "u0"}) == () == missing_covariates(gaps, {})


def test_arms_whose_imbalance_is_turned_round_fail_and_a_lost_link_to_the_outcome_is_not_seen() -> None:
    """Balance is about the covariate alone; the adjusted increments see its link to the outcome."""
    real = linked(0.8)
    turned = real.rows.assign(u0=lambda frame: frame["u0"] - 1.0 * (frame["arm"] == "new"))
    unlinked = real.rows.assign(qaly=linked(0.0).rows["qaly"])
    label = "difference between the arms in the mean of u0"
    wrong, blind = (
        asked(real, *[Cohort.derive(SCHEMA, frame, label=None)] * 3, baseline="u0")[label]
        for frame in (turned, unlinked)
    )
    assert wrong.verdict == FAIL and wrong.decisive
    assert blind.difference == pytest.approx(0.0, abs=1e-12)
