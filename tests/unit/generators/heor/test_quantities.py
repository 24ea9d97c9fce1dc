"""What kept columns have covariances with, and copies with every column kept."""

import numpy as np
import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.checks.structure.panel import panel_result
from heorsynth.core.random import stream
from heorsynth.data.labels.facts import COVARIANCES
from heorsynth.estimators.survival.pseudo_values import restricted_time
from heorsynth.generators.heor.cells import Cells
from heorsynth.generators.heor.quantities import horizon_of, more_quantities, paid, quantities

TRIAL = hs.datasets.simulated_trial(60)[0]
TIME, CAUSE = TRIAL.outcome("os")[:2]
VALUES = {name: TRIAL.frame[name].to_numpy() for name in ("drug", "hospital", "qaly")}


def test_a_total_is_the_sum_of_its_parts() -> None:
    assert paid(TRIAL.schema) == {"cost": frozenset({"drug", "hospital"}), "qaly": frozenset({"qaly"})}
    found = quantities(VALUES, TRIAL.schema, None, TIME, CAUSE)
    assert list(found) == ["cost", "qaly"]
    np.testing.assert_allclose(found["cost"][0], TRIAL.frame["cost"])


def test_a_whole_copy_has_covariances_with_subgroups_upper_halves_and_the_restricted_time() -> None:
    cells, cell = Cells.of(TRIAL)
    horizon = horizon_of(TIME)
    found = more_quantities(VALUES, TRIAL.schema, horizon, TIME, CAUSE, cells, cell)
    assert {name.split(" ")[0] for name in found} == {"cost", "qaly", "sex", "stage", "restricted", "follow-up"} - (
        {"sex", "stage"} - set(TRIAL.schema.subgroups)
    )
    np.testing.assert_array_equal(found["cost high"][0], TRIAL.frame["cost"] > TRIAL.frame["cost"].median())
    np.testing.assert_allclose(found["restricted time"][0], restricted_time(TIME, CAUSE == 1, horizon))
    assert 0.8 * np.quantile(TIME, 0.9) < horizon <= np.quantile(TIME, 0.9)
    assert f"{horizon:.2g}" == f"{horizon:.12g}", "two digits tell no patient's time"


def bent(n: int, seed: int, modified: float = 0.0) -> "hs.Cohort":
    """A trial with a relation of two numbers that is no line; a marker that nobody declared modifies the treatment."""
    rng = stream(seed, "bent")
    arm, marker, x = rng.permutation(np.arange(n) % 2), rng.integers(0, 2, n), rng.normal(size=n)
    dose = np.abs(x) + 0.2 * rng.normal(size=n) * (1 + (x > 0))
    death = rng.exponential(2.0, n) * np.exp(modified * (arm - 0.5) * (marker - 0.5))
    censored = rng.uniform(1, 4, n)
    frame = pd.DataFrame({
        "arm": np.where(arm, "new", "usual"),
        "marker": np.where(marker, "high", "low"),
        "x": x.round(3),
        "dose": dose.round(3),
        "time": np.minimum(death, censored).round(4) + 0.0001,
        "event": (death <= censored).astype(int),
        "qaly": (0.6 + 0.1 * modified * (arm - 0.5) * (marker - 0.5) + rng.normal(0, 0.1, n)).round(4),
        "cost": rng.gamma(2, 2000, n).round(2),
    })  # fmt: skip
    roles = {"endpoints": {"os": ("time", "event")}, "costs": "cost", "utilities": "qaly", "unit": "year"}
    return hs.Cohort(frame, arm="arm", arm_reference="usual", **roles)


def copies(real: "hs.Cohort", m: int = 20, **options: object) -> list["hs.Cohort"]:
    return list(hs.generators.create("heor", **options).fit(real, seed=1).sample(m=m, seed=1))


def interaction(frame: pd.DataFrame, outcome: str) -> float:
    means = frame.groupby(["arm", "marker"])[outcome].mean()
    return float(means["new", "high"] - means["new", "low"] - means["usual", "high"] + means["usual", "low"])


def test_few_analyses_that_nobody_declared_are_off_where_everything_is_kept() -> None:
    real = bent(200, seed=1, modified=1.5)
    whole, shrunk = (
        panel_result(real, copies(real, **options), stream(1, "check", "structure"))
        for options in ({"keep": "all"}, {})
    )
    assert whole.numbers().synthetic <= 0.06
    assert shrunk.numbers().synthetic > 0.15
    assert not whole.lost.any()
    assert shrunk.lost.any()


def test_an_undeclared_effect_modifier_is_kept_and_none_is_invented() -> None:
    for modified in (1.5, 0.0):
        real = bent(300, seed=3, modified=modified)
        error = 2 * real.frame["qaly"].std() / np.sqrt(75)
        found = np.mean([interaction(one.frame, "qaly") for one in copies(real, keep="all")])
        assert abs(found - interaction(real.frame, "qaly")) < 0.35 * error


def test_values_range_and_decimals_are_those_of_the_columns_law() -> None:
    real = bent(200, seed=1)
    for one in copies(real, m=2, keep="all"):
        for name in ("x", "dose", "qaly"):
            np.testing.assert_allclose(one.frame[name].round(4), one.frame[name])
            np.testing.assert_allclose(
                one.frame[name].quantile([0.1, 0.5, 0.9]), real.frame[name].quantile([0.1, 0.5, 0.9]), atol=0.2
            )
        assert (one.frame["cost"] >= 0).all()


def test_a_cohort_without_arm_endpoint_or_cost_can_be_kept_whole() -> None:
    rows = bent(120, seed=2).frame[["x", "dose", "marker"]].assign(gap=lambda rows: rows["x"].where(rows["dose"] > 0.3))
    real = hs.Cohort(rows, endpoints={})
    for one in copies(real, m=2, keep="all"):
        assert one.frame["gap"].isna().mean() == pytest.approx(rows["gap"].isna().mean(), abs=0.01)
        middle = rows["x"].median()
        means = [frame.loc[frame["x"] > middle, "dose"].mean() for frame in (rows, one.frame)]
        assert means[0] == pytest.approx(means[1], abs=0.1)


def test_the_label_says_that_covariances_were_set_unless_other_rows_were_asked_for(tmp_path) -> None:
    real = bent(120, seed=2)
    sampler = hs.generators.create("heor", keep="all").fit(real, seed=1)
    label = sampler.sample(m=1, seed=1)[0].label
    assert COVARIANCES in label.calibrated
    assert label.settings["keep"] == "all"
    assert set(label.kept) == {"x", "dose", "marker", "qaly", "cost"}
    part = sampler.sample(n=20, m=1, seed=1, where={"arm": "new"})[0].label
    assert COVARIANCES not in part.calibrated
    assert part.kept == ()
    again = hs.generators.load(sampler.save(tmp_path / "law.json"))
    pd.testing.assert_frame_equal(again.sample(m=1, seed=4)[0].frame, sampler.sample(m=1, seed=4)[0].frame)


def test_associations_and_panel_are_marked_as_constructed() -> None:
    real = bent(120, seed=2)
    found = hs.validate(real, copies(real, m=3, keep="all"), "model-development").findings
    constructed = {one.key for one in found if one.constructed}
    assert {"structure.panel", "structure.associations"} <= constructed
    assert "structure.marginals" not in constructed
