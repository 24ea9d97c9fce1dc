"""Survival estimators against R's survival and cmprsk: survival.R wrote the numbers, session.txt says with what."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from heorsynth.estimators.survival.cox import cox
from heorsynth.estimators.survival.estimates import (
    at_risk_table,
    cumulative_incidence,
    kaplan_meier,
    landmark_survival,
    log_rank,
    median_survival,
    quantile_survival,
    reverse_kaplan_meier,
    rmst,
    rmst_difference,
)

HERE = Path(__file__).parent
DIGITS = 1e-9
"""R's numbers are written with 15 digits; sums over some hundred terms lose a few of them."""
HORIZON = {"pbc": 3650, "pbc_entry": 3650, "lung": 730, "veteran": 365}


def frame(name: str) -> pd.DataFrame:
    return pd.read_csv(HERE / f"{name}.csv")


@pytest.fixture(scope="module")
def numbers() -> dict[tuple[str, str], float]:
    table = frame("survival_numbers")
    return {(row.set, row.what): row.value for row in table.itertuples()}


def outcome(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    data = frame(name.removesuffix("_entry"))
    event = (data["status"] == (2 if name.startswith("pbc") else 1)).to_numpy()
    return data["time"].to_numpy(float), event, data["entry"].to_numpy(float) if name.endswith("_entry") else None


@pytest.mark.parametrize("name", HORIZON)
def test_kaplan_meier_and_greenwood_equal_r_at_every_time(name: str) -> None:
    expected = frame("survival_curves").query("set == @name").query("time > 0")
    curve = kaplan_meier(*outcome(name)).to_frame()
    for column in ("time", "at_risk", "events", "survival"):
        np.testing.assert_allclose(curve[column], expected[column], rtol=DIGITS, atol=1e-12)
    alive = (expected["survival"] > 0).to_numpy()
    np.testing.assert_allclose(curve["se"][alive], expected["se"][alive], rtol=DIGITS, atol=1e-12)


@pytest.mark.parametrize("name", HORIZON)
def test_restricted_mean_and_its_error_equal_r(name: str, numbers: dict) -> None:
    time, event, entry = outcome(name)
    found = rmst(time, event, HORIZON[name], entry)
    assert found.value == pytest.approx(numbers[name, "rmst"], rel=DIGITS)
    assert found.se == pytest.approx(numbers[name, "rmst_se"], rel=DIGITS)


def test_restricted_mean_difference_of_arms_equals_r(numbers: dict) -> None:
    data = frame("pbc").dropna(subset="trt")
    died, treated = (data["status"] == 2).to_numpy(), (data["trt"] == 2).to_numpy()
    found = rmst_difference(data["time"].to_numpy(), died, treated, 3650)
    arms = {what: numbers["pbc", f"rmst_arm_{what}"] for what in ("1", "2", "1_se", "2_se")}
    assert found.value == pytest.approx(arms["2"] - arms["1"], rel=DIGITS)
    assert found.se == pytest.approx(np.hypot(arms["1_se"], arms["2_se"]), rel=DIGITS)


@pytest.mark.parametrize("share", [0.25, 0.5])
@pytest.mark.parametrize("name", HORIZON)
def test_quantiles_and_their_log_log_limits_equal_r(name: str, share: float, numbers: dict) -> None:
    time, event, entry = outcome(name)
    found = quantile_survival(time, event, share, entry)
    expected = [numbers[name, f"quantile{part}_{share}"] for part in ("", "_low", "_high")]
    assert [found.value, found.low, found.high] == pytest.approx(expected, rel=DIGITS)


@pytest.mark.parametrize("name", HORIZON)
def test_landmark_survival_and_its_log_log_interval_equal_r(name: str, numbers: dict) -> None:
    time, event, entry = outcome(name)
    found = landmark_survival(time, event, HORIZON[name] / 2, entry)
    expected = [numbers[name, f"landmark{part}"] for part in ("", "_se", "_low", "_high")]
    assert [found.value, found.se, found.low, found.high] == pytest.approx(expected, rel=DIGITS)


def test_reverse_kaplan_meier_puts_events_before_censoring_as_theory_asks(numbers: dict) -> None:
    time, event, _ = outcome("lung")
    median = median_survival(time, ~event).value
    curve = reverse_kaplan_meier(time, event)
    assert median == numbers["lung", "reverse_median"]
    assert curve.at(median) <= 0.5 < curve.at(median - 0.001)


@pytest.mark.parametrize("name", ["pbc", "lung", "veteran"])
def test_at_risk_tables_equal_r(name: str) -> None:
    expected = frame("survival_at_risk").query("set == @name")
    time, event, _ = outcome(name)
    table = at_risk_table(time, event, expected["time"].to_numpy())
    for column in ("at_risk", "events", "censored"):
        assert table[column].tolist() == expected[column].tolist()


def test_log_rank_equals_r_for_two_groups_and_for_four(numbers: dict) -> None:
    for name, group in (("pbc", "trt"), ("lung", "ecog")):
        data = frame(name).dropna(subset=group)
        event = (data["status"] == (2 if name == "pbc" else 1)).to_numpy()
        found = log_rank(data["time"].to_numpy(), event, data[group].to_numpy())
        assert found.statistic == pytest.approx(numbers[name, "log_rank"], rel=DIGITS)
        assert found.p_value == pytest.approx(numbers[name, "log_rank_p"], rel=DIGITS)


COX = {
    "pbc": ["age", "sex", "log_bili"],
    "pbc_entry": ["age", "sex", "log_bili"],
    "pbc_years": ["age", "sex", "log_bili"],
    "lung": ["age", "sex", "ecog"],
    "veteran": ["trt", "karno"],
}


@pytest.mark.parametrize("name", COX)
def test_cox_with_efron_ties_and_entry_times_equals_r(name: str, numbers: dict) -> None:
    data = frame(name.removesuffix("_entry").removesuffix("_years"))
    if "bili" in data:
        data["log_bili"] = np.log(data["bili"])
    time, event, entry = outcome(name.removesuffix("_years"))
    if name.endswith("_years"):
        time = np.ceil(time / 365)
    fit = cox(time, event, data[COX[name]].to_numpy(float), entry)
    ranks = range(1, len(COX[name]) + 1)
    assert fit.coef.tolist() == pytest.approx([numbers[name, f"cox_coef_{i}"] for i in ranks], rel=1e-8)
    assert fit.se.tolist() == pytest.approx([numbers[name, f"cox_se_{i}"] for i in ranks], rel=1e-8)
    assert fit.loglik_null == pytest.approx(numbers[name, "cox_null"], rel=DIGITS)
    assert fit.loglik == pytest.approx(numbers[name, "cox_loglik"], rel=DIGITS)


@pytest.mark.parametrize("cause", [1, 2])
def test_cumulative_incidence_equals_survfit_and_cmprsk(cause: int) -> None:
    expected = frame("survival_incidence").query("cause == @cause")
    data = frame("pbc")
    curve = cumulative_incidence(data["time"].to_numpy(), data["status"].to_numpy())[cause]
    at = expected["time"].to_numpy()
    np.testing.assert_allclose(curve.at(at), expected["survfit"], rtol=DIGITS, atol=1e-12)
    np.testing.assert_allclose(curve.at(at), expected["cmprsk"], rtol=DIGITS, atol=1e-12)
    np.testing.assert_allclose(curve.se_at(at), expected["survfit_se"], rtol=DIGITS, atol=1e-12)
    # cmprsk gives Aalen's variance, another estimator: 0.2% away at 418 patients, 1% where 60 are left.
    np.testing.assert_allclose(curve.se_at(at), expected["cmprsk_se"], rtol=1.2e-2, atol=1e-12)


def made_up(event: pd.Series) -> np.ndarray:
    """The causes that incidence.R makes of an event: every third row is of cause 2."""
    return np.where(event == 1, np.where((np.arange(len(event)) + 1) % 3 == 0, 2, 1), 0)


def competing(name: str) -> tuple[np.ndarray, ...]:
    data = frame({"pbc_years": "pbc", "pbc_entry": "pbc"}.get(name, name))
    if name.startswith("pbc"):
        time = np.ceil(data["time"] / 365) if name == "pbc_years" else data["time"]
        held = (time.to_numpy(float), data["status"].to_numpy())
        return (*held, data["entry"].to_numpy(float)) if name == "pbc_entry" else held
    time, event = ("time", "status") if name == "lung" else ("time_year", "event")
    return data[time].to_numpy(float), made_up(data[event])


@pytest.mark.parametrize("cause", [1, 2])
@pytest.mark.parametrize("name", ["pbc", "pbc_years", "lung", "near_ties", "pbc_entry"])
def test_the_error_of_an_incidence_is_survfit_s_infinitesimal_jackknife(name: str, cause: int) -> None:
    expected = frame("incidence_errors").query("set == @name and cause == @cause")
    curve = cumulative_incidence(*competing(name))[cause]
    at = expected["time"].to_numpy()
    np.testing.assert_allclose(curve.at(at), expected["incidence"], rtol=DIGITS, atol=1e-12)
    # With delayed entry survfit squares the patients' influences; ours adds up Greenwood's terms, as for one cause.
    digits = 1.7e-2 if name == "pbc_entry" else 1e-8
    np.testing.assert_allclose(curve.se_at(at), expected["survfit_se"], rtol=digits, atol=1e-10)
