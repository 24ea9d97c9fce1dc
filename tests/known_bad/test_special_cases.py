"""Estimands that need data of their own: competing causes, censored costs, a clear shape of hazard, a hold-out."""

import numpy as np
import pandas as pd
import pytest

from heorsynth.checks.core.finding import FAIL, PASS
from heorsynth.checks.planning import registry
from heorsynth.checks.planning.catalogue import margin_for
from heorsynth.data.cohort.cohort import Cohort

MARGINS = {
    "survival.incidence": {"absolute": 0.10},
    "survival.subdistribution_ratio": {"ratio": [0.8, 1.25]},
    "survival.rmst": {"relative": 0.05},
    "survival.hazard_ratio": {"ratio": [0.8, 1.25]},
    "costs.censored_mean": {"relative": 0.10, "horizon": 2.0, "to_horizon": True},
    "costs.mean": {"relative": 0.10},
    "survival.extrapolation_ranking": {"absolute": 0.20},
    "disclosure.contamination": {"absolute": 0.01},
    "disclosure.copies": {"absolute": 0.01},
}


def drawn(n, seed, relapse=0.15, left_by=7.0, extra=0.0):
    """Death, which the new arm halves, against relapse, which it does not touch; costs accrue while followed."""
    rng = np.random.default_rng(seed)
    new = rng.random(n) < 0.5
    death, other = rng.exponential(1 / np.where(new, 0.15, 0.3)), rng.exponential(1 / relapse, n)
    left = rng.uniform(0.2, left_by, n)
    time = np.minimum(np.minimum(death, other), left) + 0.001
    event = np.where(left <= np.minimum(death, other), 0, np.where(death <= other, 1, 2))
    return pd.DataFrame({
        "time": time, "event": event, "arm": np.where(new, "new", "usual"), "sex": rng.choice(["f", "m"], n),
        "cost": rng.gamma(4.0, 250.0, n) * np.minimum(time, 2.0) + extra, "age": np.round(rng.normal(60, 10, n)),
    })  # fmt: skip


def cohort(frame):
    roles = {"endpoints": {"os": ("time", "event", {1: "death", 2: "relapse"})}, "arm": "arm", "arm_reference": "usual",
             "costs": "cost", "subgroups": ["sex"], "unit": "year", "currency": "EUR", "price_year": 2024}  # fmt: skip
    return Cohort(frame, **roles)


@pytest.fixture(scope="module")
def real():
    return cohort(drawn(4000, 1))


def verdicts(real, frames, key, holdout=None):
    cohorts = [Cohort.derive(real.schema, frame, label=None) for frame in frames]
    margin = {key: margin_for(key, MARGINS[key])}
    findings = registry.findings(key.split(".")[0], real, cohorts, margin, np.random.default_rng(1), holdout)
    assert findings
    return {finding.verdict for finding in findings if finding.decisive}


def faithful(seed=100, **changed):
    return [drawn(4000, seed + part, **changed) for part in range(5)]


def relapses_called_deaths(frame, rng):
    some = (frame["event"] == 2) & (rng.random(len(frame)) < 0.8)
    return frame.assign(event=frame["event"].where(~some, 1))


def arms_shuffled(frame, rng):
    return frame.assign(arm=rng.permutation(frame["arm"]))


@pytest.mark.parametrize(
    ("key", "spoil"),
    [("survival.incidence", relapses_called_deaths), ("survival.subdistribution_ratio", arms_shuffled)],
)
def test_faithful_cohorts_pass_and_spoilt_ones_fail(real, key, spoil):
    assert verdicts(real, faithful(), key) == {"pass"}
    rng = np.random.default_rng(2)
    assert "fail" in verdicts(real, [spoil(frame, rng) for frame in faithful()], key)


def test_incidence_sees_a_competing_cause_that_the_hazards_of_death_do_not(real):
    more = faithful(relapse=0.45)
    assert "fail" in verdicts(real, more, "survival.incidence")
    assert "fail" not in verdicts(real, more, "survival.hazard_ratio")


def test_a_cause_that_was_erased_fails_and_is_not_beyond_estimation(real):
    erased = [frame.assign(event=frame["event"].replace(2, 0)) for frame in faithful()]
    found = {one.estimand.split()[3]: one for one in _findings(real, erased) if one.group == "all"}
    assert found["relapse"].verdict == "fail"
    assert found["relapse"].synthetic == 0.0


def test_incidence_does_not_see_whose_events_they_are(real):
    shuffled = [arms_shuffled(frame, np.random.default_rng(3)) for frame in faithful()]
    assert "fail" in verdicts(real, shuffled, "survival.subdistribution_ratio")
    everyone = [finding for finding in _findings(real, shuffled) if finding.group == "all"]
    assert {finding.verdict for finding in everyone} == {"pass"}


def _findings(real, frames):
    key = "survival.incidence"
    cohorts = [Cohort.derive(real.schema, frame, label=None) for frame in frames]
    return registry.findings("survival", real, cohorts, {key: margin_for(key, MARGINS[key])}, np.random.default_rng(1))


def test_where_no_cause_competes_neither_is_asked(real):
    alone = cohort(drawn(300, 5).assign(event=lambda rows: (rows["event"] == 1).astype(int)))
    for key in ("survival.incidence", "survival.subdistribution_ratio"):
        margin = {key: margin_for(key, MARGINS[key])}
        assert not registry.findings("survival", alone, [alone], margin, np.random.default_rng(1))


def test_shorter_follow_up_lowers_the_plain_mean_cost_but_not_the_one_that_allows_for_censoring(real):
    """A faithful generator of another follow-up is not one of dearer patients."""
    shorter = faithful(left_by=2.4)
    assert "fail" in verdicts(real, shorter, "costs.mean")
    assert verdicts(real, shorter, "costs.censored_mean") == {"pass"}
    assert "fail" in verdicts(real, faithful(extra=400.0), "costs.censored_mean")


def test_a_hold_out_that_was_seen_is_found_and_one_that_was_not_is_not(real):
    unseen = cohort(drawn(1000, 77))
    key = "disclosure.contamination"
    assert verdicts(real, faithful(), key, unseen) == {"pass"}
    mixed = [pd.concat([frame.iloc[400:], unseen.frame.iloc[:400]], ignore_index=True) for frame in faithful()]
    assert verdicts(real, mixed, key, unseen) == {"fail"}
    assert verdicts(real, [real.frame.copy()], key, unseen) == {"pass"}, "copies of the source are another finding"
    assert "fail" in verdicts(real, [real.frame.copy()], "disclosure.copies", unseen)


def test_people_who_coincide_by_chance_do_not_contaminate():
    def coarse(n, seed):
        frame = drawn(n, seed)
        frame["time"], frame["cost"] = np.ceil(frame["time"]), np.ceil(frame["cost"] / 3000) * 3000
        return frame.drop(columns="age")

    real, unseen = cohort(coarse(2000, 1)), cohort(coarse(500, 2))
    assert "fail" not in verdicts(
        real, [coarse(2000, 10 + part) for part in range(5)], "disclosure.contamination", unseen
    )


def test_a_spike_moved_to_a_value_nobody_real_has_fails_the_distribution():
    """Two in five at full health, moved to 0.92: right limits at real values alone saw 0.04 of the 0.4."""
    chance = np.random.default_rng(1)

    def utilities(n, spike):
        values = np.where(chance.random(n) < 0.4, spike, chance.uniform(0.2, 0.9, n)).round(6)
        return pd.DataFrame({"u": values, "time": chance.uniform(1, 4, n), "event": chance.integers(0, 2, n)})

    real = Cohort(utilities(2000, 1.0), endpoints={"os": ("time", "event")}, utilities=["u"], unit="year")
    moved = [Cohort.derive(real.schema, utilities(2000, 0.92), label=None) for _ in range(3)]
    margin = margin_for("structure.marginals", {"absolute": 0.1})

    def found_in(patients, cohorts):
        findings = registry.findings("structure", patients, cohorts, {"structure.marginals": margin}, chance)
        return next(one for one in findings if one.column == "u")

    found = found_in(real, moved)
    assert found.verdict == FAIL and found.difference == pytest.approx(0.4, abs=0.03)
    mirrored = found_in(moved[0], [Cohort.derive(real.schema, utilities(2000, 1.0), label=None) for _ in range(4)])
    assert mirrored.verdict == FAIL and mirrored.difference == pytest.approx(0.4, abs=0.03)
    faithful = [Cohort.derive(real.schema, utilities(2000, 1.0), label=None) for _ in range(3)]
    assert found_in(real, faithful).verdict == PASS
