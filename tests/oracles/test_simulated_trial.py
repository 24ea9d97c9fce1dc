"""The truth of the simulated trial agrees with adaptive integration that shares no code with its quadrature."""

import math

import pytest
from scipy import integrate, stats

import heorsynth as hs

TRUTH = hs.datasets.Truth()


def alive(time: float, new: bool) -> float:
    """The Weibull law averaged over stage and a normal age, by adaptive quadrature."""

    def at_age(age: float, stage: int) -> float:
        log_risk = 0.3 * (age - 62) / 10 + TRUTH.log_hazard_stage[stage] + (math.log(0.75) if new else 0.0)
        return math.exp(-((time / 9.0) ** 1.2) * math.exp(log_risk)) * stats.norm.pdf(age, 62, 9)

    parts = [integrate.quad(at_age, -28, 152, args=(stage,), epsabs=1e-13, points=[62])[0] for stage in range(4)]
    return sum(share * part for share, part in zip(TRUTH.stage_shares, parts, strict=True))


@pytest.mark.parametrize("arm", ["usual", "new"])
@pytest.mark.parametrize("time", [0.25, 1.0, 3.0, 10.0])
def test_survival_agrees_with_adaptive_integration(arm: str, time: float) -> None:
    assert TRUTH.survival(time, arm) == pytest.approx(alive(time, arm == "new"), abs=1e-9)


@pytest.mark.parametrize("arm", ["usual", "new"])
def test_rmst_agrees_with_the_trapezoid_of_the_integrated_curve(arm: str) -> None:
    area, _ = integrate.quad(lambda time: float(TRUTH.survival(time, arm)), 0, 3, epsabs=1e-12, limit=200)
    assert TRUTH.rmst(3.0, arm) == pytest.approx(area, abs=1e-8)  # time**1.2 has no second derivative at 0


def test_costs_and_qalys_agree_with_sums_by_hand() -> None:
    hospital = 0.25 * 1500 * 0.55 + 0.35 * 2500 * 0.70 + 0.25 * 4000 * 0.85 + 0.15 * 6000 * 0.95
    usual, new = hospital + 900 * 0.90, hospital + 2500 * 0.95
    assert (TRUTH.mean_cost("usual"), TRUTH.mean_cost("new")) == pytest.approx((usual, new), rel=1e-12)
    qaly = 0.25 * 0.80 + 0.35 * 0.70 + 0.25 * 0.58 + 0.15 * 0.42
    assert (TRUTH.mean_qaly("usual"), TRUTH.mean_qaly("new")) == pytest.approx((qaly, qaly + 0.06), rel=1e-12)
    assert TRUTH.icer == pytest.approx((new - usual) / 0.06, rel=1e-12)
    assert TRUTH.inmb(20_000) == pytest.approx(1200 - (new - usual), rel=1e-9)
