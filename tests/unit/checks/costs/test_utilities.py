"""Mean QALYs from utilities measured at several times: the mean of the patients' own areas, and its error."""

import numpy as np
import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.checks.core.observed import weighted
from heorsynth.checks.costs.utilities import areas
from heorsynth.checks.planning.catalogue import margin_for, vacuous
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.folders.tally import Tally
from heorsynth.estimators.costs.utilities import qaly

MEASURES, TIMES = ["u_0", "u_6m", "u_18m"], [0, 0.5, 1.5]
MARGIN = {"relative": 0.05, "measures": MEASURES, "times": TIMES, "rate": 0.035}


def rows(n, seed):
    rng = np.random.default_rng(seed)
    person = rng.normal(0.7, 0.1, n)
    frame = pd.DataFrame({name: person + rng.normal(0, 0.1, n) for name in MEASURES})
    return frame.mask(pd.DataFrame(rng.random((n, 3)) < 0.05, columns=MEASURES)).assign(age=rng.normal(60, 9, n))


def judged(spoil=lambda frame: frame, keys=("utilities.qaly",)):
    real = hs.Cohort(rows(2000, 1), endpoints={}, utilities=MEASURES, unit="year")
    drawn = [Cohort.derive(real.schema, spoil(rows(2000, 10 + part)), label=None) for part in range(5)]
    margins = {key: MARGIN if key == "utilities.qaly" else {"relative": 0.05} for key in keys}
    found = hs.validate(real, drawn, "software-testing", margins).findings
    return real, [one for one in found if one.key in keys and one.group == "all"]


def test_it_is_the_mean_over_patients_of_the_area_under_their_own_line():
    real, (found,) = judged()
    own = qaly(real.frame[MEASURES].to_numpy(), np.array(TIMES), rate=0.035)
    assert found.real == pytest.approx(np.nanmean(own), rel=1e-12)
    assert found.unit == "QALY" and found.verdict == "pass"


def test_its_error_is_that_of_the_patients_areas():
    real, _ = judged()
    measures, weights = areas(margin_for("utilities.qaly", MARGIN))
    moments = weighted(real, measures, weights)
    own = qaly(real.frame[MEASURES].to_numpy(), np.array(TIMES), rate=0.035)
    own = own[np.isfinite(own)]
    assert (moments.n, moments.n_total) == (len(own), real.n)
    assert moments.variance == pytest.approx(own.var(ddof=1), rel=1e-12)
    counted = weighted(Tally.of(real), measures, weights)
    assert (counted.n, counted.mean, counted.variance) == pytest.approx((moments.n, moments.mean, moments.variance))


def test_what_is_lost_between_the_measures_means_is_seen_by_it():
    """Everybody's utility at six months is lower by 0.1: a fifteenth of the area and of its mean."""
    _, (found,) = judged(lambda frame: frame.assign(u_6m=frame["u_6m"] - 0.1))
    weights = areas(margin_for("utilities.qaly", MARGIN))[1]
    assert found.verdict == "fail"
    assert found.synthetic - found.real == pytest.approx(-0.1 * weights[1], abs=0.01)


def test_it_does_not_see_which_patient_had_which_utility_later():
    def reversed_later(frame):
        return frame.assign(u_18m=frame["u_18m"].to_numpy()[::-1])

    _, (found,) = judged(reversed_later)
    assert found.verdict == "pass"


def test_a_margin_as_wide_as_half_the_mean_is_refused_and_one_less_wide_is_not():
    real, _ = judged()
    rest = {key: value for key, value in MARGIN.items() if key != "relative"}
    wide, narrow = (margin_for("utilities.qaly", {**rest, "absolute": width}) for width in (0.6, 0.3))
    assert "half of the real mean" in vacuous("utilities.qaly", wide, real)[0].found
    assert not vacuous("utilities.qaly", narrow, real)
