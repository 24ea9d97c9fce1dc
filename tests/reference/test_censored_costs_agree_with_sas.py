"""Mean cost under censoring against another program's printed number.

censored_costs.csv: thirty simulated patients of the R package ccostr (follow-up, death, cost), of whom its tests quote
44,623.56 from a SAS macro (Bang & Tsiatis' simple weighted estimator, horizon at the longest follow-up). The macro's
standard error is another formula, asymptotically the same: `test_its_error_holds_where_patients_are_few` says why
ours is kept.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from heorsynth.estimators.costs.censored import bang_tsiatis

PATIENTS = pd.read_csv(Path(__file__).parent / "censored_costs.csv")
SAS = 44_623.56


def test_the_weighted_mean_is_the_one_the_macro_prints():
    time, died = PATIENTS["time"].to_numpy(), PATIENTS["died"].to_numpy() == 1
    found = bang_tsiatis(PATIENTS["cost"].to_numpy(), time, died, time.max())
    assert round(float(found.value), 2) == SAS


def test_its_error_holds_where_patients_are_few():
    """Thirty patients of the design of Lin et al. (1997): uniform survival, censored by 12.5 years, costs to year nine.

    Counted are the trials in which somebody is followed so far.
    """
    truth, held = 10_000 + 2_000 * (9 - 81 / 20) + 20_000 * 0.9, []
    for seed in range(1500):
        rng = np.random.default_rng(seed)
        death, left = rng.uniform(0, 10, 30), rng.uniform(0, 12.5, 30)
        time, died = np.minimum(death, left), death <= left
        cost = rng.uniform(5000, 15000, 30) + rng.uniform(1000, 3000, 30) * np.minimum(time, 9)
        cost += rng.uniform(10000, 30000, 30) * (died & (death <= 9))
        if time.max() >= 9:
            found = bang_tsiatis(cost, time, died, 9.0)
            held.append(found.low < truth < found.high)
    assert len(held) > 800
    assert 0.91 <= np.mean(held) <= 0.97
