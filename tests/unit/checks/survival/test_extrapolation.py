"""Extrapolated lifetimes in closed form, and whether the best-fitting model stays best, by fits that are given."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest

from heorsynth.checks.core.finding import FAIL, INCONCLUSIVE, NOT_ESTIMABLE, Finding
from heorsynth.checks.core.margin import Margin
from heorsynth.checks.core.question import Ask
from heorsynth.checks.core.standing import Standing
from heorsynth.checks.planning.catalogue import ESTIMANDS, margin_for
from heorsynth.checks.planning.registry import scope_of
from heorsynth.checks.survival.extrapolation import OF_LIFETIME, _fits, best_model_kept, lifetime_of, mean_lifetimes
from heorsynth.checks.survival.horizon import outcome
from heorsynth.core.errors import NotEstimableError
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.schema import Endpoint, Schema
from heorsynth.estimators.survival.parametric import ParametricFit, Samples, fit_parametric
from heorsynth.estimators.survival.parametric_families import FAMILIES

SCHEMA = Schema({"os": Endpoint("os", "time", "event")}, unit="year")


Z = 1.6448536269514722
T1 = 6.313751514675043
"""The 95% quantiles of the normal, and of Student's t on one degree of freedom: two cohorts."""


def cohort(time: Sequence[float] | np.ndarray, event: object = 1) -> Cohort:
    return Cohort.derive(SCHEMA, pd.DataFrame({"time": time, "event": event}), label=None)


REAL = cohort(np.linspace(0.5, 6.0, 12), [1, 1, 0] * 4)
"""Eight deaths in 39 years of follow-up."""


def ask(key: str, real: Cohort, *synthetic: Cohort, standing: Standing | None = None, **declared: object) -> Ask:
    margins = {key: margin_for(key, declared)}
    (found,) = scope_of(real, synthetic, margins, np.random.default_rng(1), None, standing or Standing()).asks()
    return replace(found, endpoint="os")


def test_the_mean_lifetime_under_each_of_the_six_models() -> None:
    twice = cohort(np.linspace(1.0, 12.0, 12), [1, 1, 0] * 4)
    found = ESTIMANDS["survival.extrapolation"].answer(
        ask("survival.extrapolation", REAL, REAL, twice, lifetime=20.0, relative=0.4)
    )
    assert [one.estimand for one in found] == [f"mean lifetime of os to 20 year, {family}" for family in FAMILIES]
    mean = 39 / 8
    exponential = found[0]
    once, double = (m * (1 - math.exp(-20 / m)) for m in (mean, 2 * mean))
    assert (exponential.real, exponential.synthetic) == pytest.approx((once, (once + double) / 2), rel=1e-6)
    assert (exponential.unit, exponential.m) == ("year", 2)
    # relative differences of 0 and of double/once - 1: the standard error of their mean is half of the second
    half = (double / once - 1) / 2
    assert (exponential.difference, exponential.upper) == pytest.approx((half, half + T1 * half), rel=1e-6)
    # the log rate has a variance of 1/8, and the derivative of mean·(1 - exp(-20/mean)) by it is the slope here
    slope = mean * (1 - math.exp(-20 / mean)) - 20 * math.exp(-20 / mean)
    assert exponential.real_upper - exponential.real == pytest.approx(Z * slope / math.sqrt(8), rel=1e-4)


def with_fits(asked: Ask, fitted: Callable[[int, str], object]) -> Ask:
    """The question with these fits in place of those that would be made."""
    asked.scope.shared(("parametric", "os", "all"), lambda: fitted)
    return asked


@pytest.mark.parametrize(("decisive", "fits"), [(frozenset(), 20), (None, 23)])
def test_models_are_fitted_to_twenty_cohorts_unless_they_decide_and_every_finding_says_so(
    decisive: frozenset[str] | None, fits: int
) -> None:
    real, counted = fit_parametric("exponential", *outcome(REAL, "os")), set()

    def fitted(place: int, family: str) -> ParametricFit:
        counted.add(place)
        if family == "Weibull" and place >= 0:
            raise NotEstimableError("no maximum")
        return real

    drawn = [cohort(REAL.frame["time"], REAL.frame["event"]) for _ in range(23)]
    means, kept = (
        with_fits(ask(f"survival.{key}", REAL, *drawn, standing=Standing(decisive=decisive), **margin), fitted)
        for key, margin in (("extrapolation", {"relative": 0.4}), ("extrapolation_ranking", {"absolute": 0.2}))
    )
    found = [*mean_lifetimes(means), *best_model_kept(kept)]
    assert counted == set(range(-1, fits)) and {one.m for one in found} == {fits}
    assert [one.estimand for one in found if one.verdict == NOT_ESTIMABLE] == [
        "mean lifetime of os to 24 year, Weibull"
    ]
    told = "; models fitted to the first 20 of 23 cohorts"
    assert all(one.because.endswith(told) == (fits == 20) for one in found), "the refusal too"


def test_the_default_lifetime_is_five_horizons_of_all_patients() -> None:
    """The 80th percentile of 0.5, 1, ... 6 is 4.9; the two figures below it are 4.8."""
    assert lifetime_of(REAL, "os", Margin("absolute", 1.0, {"horizon": 3.0})) == 15.0
    assert lifetime_of(REAL, "os", Margin("absolute", 1.0)) == pytest.approx(5 * 4.8)
    assert lifetime_of(REAL, "os", Margin("absolute", 1.0, {"lifetime": 30, "horizon": 3.0})) == 30.0


def test_an_absolute_margin_is_compared_with_the_lifetime_of_the_endpoints_it_is_about() -> None:
    two = REAL.schema.with_roles(endpoints={**SCHEMA.endpoints, "pfs": Endpoint("pfs", "early", "event")})
    real = Cohort.derive(two, REAL.frame.assign(early=REAL.frame["time"] / 2), label=None)
    assert list(OF_LIFETIME.sizes(Margin("absolute", 1.0), real)) == pytest.approx([24.0, 12.0])
    assert list(OF_LIFETIME.sizes(Margin("absolute", 1.0, {"endpoint": "pfs"}), real)) == pytest.approx([12.0])
    assert list(OF_LIFETIME.sizes(Margin("absolute", 1.0, {"lifetime": 40}), real)) == [40.0, 40.0]


@dataclass(frozen=True)
class Fit:
    """What is read of a fit: its AIC, and what each patient adds to its log likelihood."""

    aic: float
    each: tuple[float, ...] = ()

    def contributions(self, time: np.ndarray, event: np.ndarray, entry: np.ndarray | None) -> np.ndarray:
        return np.array(self.each)


def best_kept(
    real: Mapping[str, float],
    *drawn: Mapping[str, float],
    gains: tuple[float, ...] = (1.0,) * 12,
    patients: Cohort = REAL,
) -> Finding:
    """The finding for these AIC. A patient adds so much more to the real best model than to any other one."""
    asked = ask("survival.extrapolation_ranking", patients, *[REAL] * len(drawn), absolute=0.2)
    best = min(real, key=lambda family: real[family]) if real else ""

    def fitted(place: int, family: str) -> Fit:
        aic = real if place < 0 else drawn[place]
        if family not in aic:
            raise NotEstimableError("no maximum")
        return Fit(aic[family], gains if family == best else (0.0,) * len(gains))

    (found,) = ESTIMANDS["survival.extrapolation_ranking"].answer(with_fits(asked, fitted))
    return found


WEIBULL = {"exponential": 110.0, "Weibull": 100.0, "Gompertz": 102.0}


def test_a_model_is_kept_where_no_other_one_is_better_by_four() -> None:
    drawn = [{**WEIBULL, "exponential": aic} for aic in (96.1, 96.0, 110.0, 95.0)]
    found = best_kept(WEIBULL, *drawn)
    assert (found.real, found.synthetic, found.difference) == (1.0, 0.5, -0.5)
    low, high = found.lower + 1, found.upper + 1
    assert 6 * low**2 * (1 - low) ** 2 + 4 * low**3 * (1 - low) + low**4 == pytest.approx(0.05)
    assert high == pytest.approx(1 - low), "two of four are as many as are not"


def test_a_model_that_could_not_be_fitted_is_not_kept() -> None:
    lost = {family: aic for family, aic in WEIBULL.items() if family != "Weibull"}
    assert best_kept(WEIBULL, WEIBULL, lost).synthetic == 0.5


def test_the_reason_tells_the_best_model_and_how_many_pairs_are_ranked_alike() -> None:
    """Of the three pairs one changes in the one cohort, and none in the other: five of six."""
    found = best_kept(WEIBULL, WEIBULL, {**WEIBULL, "Gompertz": 99.0})
    assert found.because.startswith("Weibull in the real cohort; pairs of models ranked in the same order: 83%; ")
    alone = best_kept({"Weibull": 100.0}, {"Gompertz": 100.0})
    assert "in the same order: 0%" in alone.because


def test_the_floor_is_the_weight_of_clearly_worse_models() -> None:
    """The exponential is 10 behind, the Gompertz 2, so that only the first is clearly worse: exp(-5), exp(-1) and 1."""
    found = best_kept(WEIBULL, WEIBULL)
    assert found.floor == pytest.approx(math.exp(-5) / (1 + math.exp(-1) + math.exp(-5)))


UNLIKE = {"exponential": 90.0, "Weibull": 100.0, "Gompertz": 102.0}


@pytest.mark.parametrize(
    ("gains", "verdict"),
    [
        ((1.0, 1.1) * 6, FAIL),
        ((5.0, -4.9) * 6, INCONCLUSIVE),
        ((0.0,) * 12, INCONCLUSIVE),
        ((-1.0, -1.1) * 6, INCONCLUSIVE),
    ],
)
def test_another_model_fails_only_where_the_patients_tell_the_two_apart(gains: tuple[float, ...], verdict: str) -> None:
    found = best_kept(WEIBULL, *[UNLIKE] * 30, gains=gains)
    assert (found.synthetic, found.verdict) == (0.0, verdict)
    assert ("but the real cohort does not distinguish it from the exponential" in found.because) == (
        verdict == INCONCLUSIVE
    )


def test_a_rival_that_the_patients_cannot_be_fitted_with_is_not_told_apart() -> None:
    real = {"Weibull": 100.0}
    found = best_kept(real, *[{"exponential": 90.0, "Weibull": 100.0}] * 30)
    assert found.verdict == INCONCLUSIVE


def test_without_any_model_or_with_four_patients_there_is_no_best_one() -> None:
    assert best_kept({}, WEIBULL).because == "none of the six models could be fitted"
    assert best_kept(WEIBULL, {}).verdict == NOT_ESTIMABLE
    few = best_kept(WEIBULL, WEIBULL, patients=cohort([1.0, 2.0, 3.0, 4.0]))
    assert few.because == "fewer than 5 real patients: not shown"


def test_the_fits_of_a_group_are_made_once_for_both_estimands(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def counted(family: str, samples: Samples, cases: object) -> list[Fit]:
        made.append(family)
        return [Fit(len(made))] * len(samples.n)

    monkeypatch.setattr("heorsynth.checks.survival.extrapolation.fit_each", counted)
    asked = ask("survival.extrapolation_ranking", REAL, REAL, absolute=0.2)
    for _ in range(2):
        ESTIMANDS["survival.extrapolation_ranking"].answer(asked)
    assert sorted(made) == sorted(FAMILIES), "six for the patients and the one cohort together"


@pytest.mark.parametrize("together", [1, 20, 10_000])
def test_fits_are_those_of_each_cohort_alone_however_many_are_fitted_together(
    monkeypatch: pytest.MonkeyPatch, together: int
) -> None:
    """A cohort without known times is refused alone."""
    monkeypatch.setattr("heorsynth.checks.survival.extrapolation._TOGETHER", together)
    drawn = [cohort(REAL.frame["time"] ** power, REAL.frame["event"]) for power in (1.1, 0.9, 1.3)]
    unknown = cohort(REAL.frame["time"] * np.nan, REAL.frame["event"])
    asked = ask("survival.extrapolation", REAL, drawn[0], unknown, *drawn[1:], relative=0.4)
    fitted = _fits(asked)
    for place, one in ((-1, REAL), (0, drawn[0]), (2, drawn[1]), (3, drawn[2])):
        expected = fit_parametric("Weibull", *outcome(one, "os"))
        assert fitted(place, "Weibull").theta == pytest.approx(expected.theta, abs=1e-9)
    with pytest.raises(NotEstimableError, match="known time"):
        fitted(1, "Weibull")
