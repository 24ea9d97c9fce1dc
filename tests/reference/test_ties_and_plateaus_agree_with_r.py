"""Ties, plateaus and risk sets against R's survival: near_ties.R wrote the numbers, near_ties_session.txt with what."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from heorsynth.core.errors import NotEstimableError
from heorsynth.estimators.survival.cox import cox
from heorsynth.estimators.survival.estimates import at_risk_table, kaplan_meier, log_rank, quantile_survival

HERE = Path(__file__).parent
DIGITS = 1e-9
UNITS = ("day", "month", "year")

CASES = {
    "plateau_to_the_end": ([54, 75, 77, 84, 87, 92, 103, 105, 112, 118], [1] * 5 + [0] * 5),
    "plateau_that_ends": ([1, 2, 3, 4], [1, 1, 1, 1]),
    "half_by_censoring": ([1, 2, 3, 4, 5, 6, 7], [1, 0, 1, 0, 1, 0, 0]),
    "half_up_to_noise": (list(range(1, 15)), [1, 1, 1, 0, 1, 1, 0, 1, 0, 0, 0, 0, 0, 0]),
    "product_of_shares": ([*range(1, 8), *range(9, 16)], [1] * 7 + [0, 0, 0, 1, 0, 0, 0]),
    "twenty": (list(range(1, 21)), [1] * 10 + [0] * 10),
    "everybody": ([2, 3, 5, 7, 11, 13], [1] * 6),
}


@pytest.fixture(scope="module")
def patients() -> pd.DataFrame:
    return pd.read_csv(HERE / "near_ties.csv", float_precision="round_trip")


@pytest.fixture(scope="module")
def numbers() -> dict[tuple[str, str], float]:
    table = pd.read_csv(HERE / "near_ties_numbers.csv")
    return {(row.set, row.what): row.value for row in table.itertuples()}


def test_the_times_in_years_have_more_distinct_values_than_the_days_they_are(patients: pd.DataFrame) -> None:
    assert patients["time_year"].nunique() > 1.2 * patients["time_day"].nunique()


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("kind", ["plain", "entry"])
def test_cox_and_kaplan_meier_are_r_s_in_every_unit(kind: str, unit: str, patients: pd.DataFrame, numbers) -> None:
    time, event = patients[f"time_{unit}"].to_numpy(), patients["event"].to_numpy() == 1
    entry = patients[f"entry_{unit}"].to_numpy() if kind == "entry" else None
    expected = {what: value for (name, what), value in numbers.items() if name == f"{kind}_{unit}"}
    fit = cox(time, event, np.column_stack([patients["arm"] == "b", patients["age"]]).astype(float), entry)
    assert fit.coef.tolist() == pytest.approx([expected["cox_arm"], expected["cox_age"]], rel=1e-8)
    assert fit.se[0] == pytest.approx(expected["cox_arm_se"], rel=1e-8)
    curve = kaplan_meier(time, event, entry)
    assert (curve.events > 0).sum() == expected["steps"]
    assert curve.survival[99] == pytest.approx(expected["km_100"], rel=DIGITS)
    assert curve.se[99] == pytest.approx(expected["se_100"], rel=DIGITS)
    median = quantile_survival(time, event, 0.5, entry).value
    assert median / time.max() == pytest.approx(expected["median_share"], rel=DIGITS)


@pytest.mark.parametrize("unit", UNITS)
def test_the_log_rank_test_is_r_s_in_every_unit(unit: str, patients: pd.DataFrame, numbers) -> None:
    found = log_rank(patients[f"time_{unit}"].to_numpy(), patients["event"].to_numpy(), patients["arm"].to_numpy())
    assert found.statistic == pytest.approx(numbers[f"plain_{unit}", "log_rank"], rel=DIGITS)


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5, 0.6])
@pytest.mark.parametrize("case", CASES)
def test_quantiles_on_plateaus_and_their_limits_are_r_s(case: str, share: float, numbers) -> None:
    time, event = (np.array(part) for part in CASES[case])
    value, low, high = (numbers[case, f"{what}{share}"] for what in ("q", "low", "high"))
    if math.isnan(value):
        with pytest.raises(NotEstimableError, match="not reached"):
            quantile_survival(time.astype(float), event == 1, share)
        return
    found = quantile_survival(time.astype(float), event == 1, share)
    assert (found.value, found.low) == (value, low)
    assert found.high == (math.inf if math.isnan(high) else high)


def test_numbers_at_risk_at_the_start_count_who_enters_then(numbers) -> None:
    time, entry = np.array([1.0, 2, 3, 4]), np.array([0.0, 0, 0, 1])
    table = at_risk_table(time, np.ones(4, bool), np.arange(5), entry)
    assert table["at_risk"].tolist() == [numbers["entry_0001", f"at_risk_{t}"] for t in range(5)] == [3, 3, 3, 2, 1]


def test_numbers_at_risk_at_the_earliest_age_count_who_enters_then_and_nobody_later(numbers) -> None:
    """R gives the risk set of the next event before the first one, and so counts the entry at 52 at age 50."""
    time, entry = np.array([55.0, 61, 70, 71]), np.array([50.0, 50, 60, 52])
    table = at_risk_table(time, np.ones(4, bool), np.array([0, 50, 55, 61, 70]), entry)
    assert table["at_risk"].tolist() == [0, 2, *(numbers["by_age", f"at_risk_{t}"] for t in (55, 61, 70))]
