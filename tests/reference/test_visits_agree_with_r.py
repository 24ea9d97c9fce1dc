"""The mixed model for repeated measures agrees with R (nlme::gls with corSymm and varIdent, REML); see visits.R."""

from pathlib import Path

import pandas as pd
import pytest

from heorsynth.estimators.visits.repeated_measures import change_from_baseline

HERE = Path(__file__).parent
R = pd.read_csv(HERE / "visits.csv")
FILES = {"missing": "visits_growth.csv", "complete": "visits_growth_complete.csv"}


@pytest.mark.parametrize("case", FILES)
@pytest.mark.parametrize("visit", [1, 2, 3])
def test_change_from_baseline_is_that_of_gls(case: str, visit: int) -> None:
    """R's optimiser stops when the likelihood is flat to about 1e-8, so its covariance is exact to about 1e-5."""
    growth = pd.read_csv(HERE / FILES[case])
    found = change_from_baseline(growth[["y0", "y1", "y2", "y3"]].to_numpy(), growth["sex"] == "Female", visit)
    theirs = R[(R["case"] == case) & (R["visit"] == visit)].iloc[0]
    assert found.value == pytest.approx(theirs["effect"], rel=1e-4)
    assert found.se == pytest.approx(theirs["se"], rel=1e-4)
