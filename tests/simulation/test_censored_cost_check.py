"""The check of mean cost under censoring: what it says is the mean to its horizon, and what cannot say that is refused.

Everybody costs 1,000 a year, death comes at 0.4 a year, and follow-up ends at any time from half a year to six: the
mean cost to two years is 1,000 (1 - exp(-0.8)) / 0.4 = 1,377.
"""

import math

import numpy as np
import pandas as pd
import pytest

from heorsynth.checks.core.finding import FAIL, NOT_ESTIMABLE, PASS
from heorsynth.checks.core.question import Ask, Scope
from heorsynth.checks.costs.censored import censored_means
from heorsynth.checks.costs.estimands import CENSORED_MEAN
from heorsynth.checks.planning.catalogue import margin_for
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.estimators.costs.censored import bang_tsiatis

HORIZON, TRUTH = 2.0, 1000 * (1 - math.exp(-0.8)) / 0.4
PARTS = ["half_1", "half_2", "half_3", "half_4"]


def frame(n, seed, rate=1000.0, left_by=6.0):
    rng = np.random.default_rng(seed)
    death, left = rng.exponential(2.5, n), rng.uniform(0.5, left_by, n)
    time = np.minimum(death, left) + 1e-3
    paid = rate * rng.gamma(4.0, 0.25, n)
    parts = {name: paid * np.clip(time - 0.5 * place, 0, 0.5) for place, name in enumerate(PARTS)}
    return pd.DataFrame({
        "time": time, "event": (death <= left).astype(int), "total": paid * time,
        "to_two": paid * np.minimum(time, HORIZON), **parts,
    })  # fmt: skip


def cohort(rows, **roles):
    costs = ["total", "to_two", *PARTS]
    return Cohort(rows, endpoints={"os": ("time", "event")}, costs=costs, unit="year", currency="EUR", **roles)


def asked(real, drawn, **settings):
    margin = margin_for("costs.censored_mean", {"relative": 0.1, "horizon": HORIZON, **settings})
    name = settings["intervals"][0] if "intervals" in settings else settings["cost"]
    scope = Scope(real, drawn, ((CENSORED_MEAN, margin),), np.random.default_rng(1))
    return censored_means(Ask(CENSORED_MEAN, margin, scope, scope.everyone, column=name))[0]


SETTINGS = [
    {"cost": "to_two", "to_horizon": True},
    {"intervals": PARTS},
    {"intervals": PARTS, "method": "lin"},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=["plain", "partitioned", "lin"])
def test_the_mean_is_that_to_the_horizon_within_its_error(settings):
    by_lin = settings.get("method") == "lin"
    sooner = 6.0 if by_lin else 3.0
    real = cohort(frame(4000, 1))
    drawn = [Cohort.derive(real.schema, frame(4000, 10 + part, left_by=sooner), label=None) for part in range(5)]
    found = asked(real, drawn, **settings)
    assert found.verdict == PASS
    allowed = 0.035 if by_lin else 0.02
    assert found.real == pytest.approx(TRUTH, rel=allowed), "Lin loses what is censored within a half-year"
    assert found.synthetic == pytest.approx(TRUTH, rel=allowed)


@pytest.mark.parametrize("settings", SETTINGS, ids=["plain", "partitioned", "lin"])
def test_dearer_patients_fail(settings):
    real = cohort(frame(4000, 1))
    drawn = [Cohort.derive(real.schema, frame(4000, 10 + part, rate=1300.0), label=None) for part in range(5)]
    assert asked(real, drawn, **settings).verdict == FAIL


def test_a_total_over_longer_follow_up_is_no_cost_to_the_horizon_and_is_refused():
    rows = frame(20_000, 3)
    taken = bang_tsiatis(rows["total"].to_numpy(), rows["time"].to_numpy(), rows["event"] == 1, HORIZON)
    assert taken.value > 1.2 * TRUTH, "what the column would have been taken for"
    real = cohort(rows)
    found = asked(real, [real], cost="total")
    assert found.verdict == NOT_ESTIMABLE and "intervals" in found.because


def test_a_total_is_the_cost_to_the_horizon_where_nobody_is_followed_past_it():
    def stopped(seed):
        rows = frame(4000, seed)
        return rows.assign(event=rows["event"].where(rows["time"] < HORIZON, 0), time=rows["time"].clip(upper=HORIZON),
                           total=rows["to_two"])  # fmt: skip

    real = cohort(stopped(1))
    drawn = [Cohort.derive(real.schema, stopped(seed), label=None) for seed in range(2, 7)]
    found = asked(real, drawn, cost="total")
    assert found.real == pytest.approx(TRUTH, rel=0.02)
    assert found.verdict == PASS


def test_delayed_entry_is_refused():
    rows = frame(400, 1).assign(entry=lambda held: held["time"] / 4)
    real = cohort(rows, entry="entry")
    found = asked(real, [real], cost="to_two", to_horizon=True)
    assert found.verdict == NOT_ESTIMABLE and "delayed entry" in found.because


@pytest.mark.parametrize("method", [{}, {"method": "lin"}], ids=["partitioned", "lin"])
def test_blanks_after_follow_up_do_not_select_survivors_and_other_gaps_are_named(method):
    rows = frame(2000, 1)
    blank = rows.assign(**{name: rows[name].where(rows["time"] > 0.5 * place) for place, name in enumerate(PARTS)})
    real, gaps = cohort(rows), cohort(blank)
    found = asked(gaps, [gaps], intervals=PARTS, **method)
    assert found.real == asked(real, [real], intervals=PARTS, **method).real
    holes = blank.assign(half_2=blank["half_2"].where(blank["time"] < 2))
    refused = asked(cohort(holes), [real], intervals=PARTS, **method)
    assert refused.verdict == NOT_ESTIMABLE and "half_2" in refused.because
