"""An attacker who knows everything but one patient cannot tell him better than the stated epsilon allows.

A canary, an extreme patient, is or is not in a trial of 100. The attack is the best there is: the likelihood ratio of
all noised sums, for an attacker who knows every other patient and both candidates. Its true and false positive rates
give a lower bound on epsilon, by Clopper & Pearson (1934) intervals of the two rates, which together hold with 95%,
and the trade-off of Gaussian differential privacy (Dong, Roth & Su 2022; Nasr et al. 2023, arXiv:2302.07956).
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from math import exp, log

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import beta, norm

import heorsynth as hs
from heorsynth.generators.heor.law import HeorLaw
from heorsynth.generators.heor.private import PrivatePlan
from heorsynth.generators.latent.dependence import Thresholds
from heorsynth.generators.protection.account import Account, Mechanism
from heorsynth.generators.protection.public import public_columns

N, DELTA = 100, 1e-6
PUBLIC = {
    "arm": ["new", "usual"], "sex": ["f", "m"], "stage": ["I", "II", "III", "IV"], "age": [18.0, 100.0],
    "time": [0.0, 5.0], "drug": [0.0, 6000.0], "hospital": [0.0, 50_000.0], "qaly": [-0.5, 1.0],
}  # fmt: skip
CANARY = {"arm": "new", "sex": "f", "stage": "IV", "age": 99.0, "time": 0.1, "event": 1, "drug": 5900.0,
          "hospital": 49_000.0, "cost": 54_900.0, "qaly": -0.4}  # fmt: skip
OTHER = {"arm": "usual", "sex": "m", "stage": "I", "age": 60.0, "time": 4.9, "event": 0, "drug": 0.0,
         "hospital": 500.0, "cost": 500.0, "qaly": 0.9}  # fmt: skip


@dataclass(repr=False)
class Watched(Account):
    """An account whose first two patients are the canary and the other: one of them is left out of each sum."""

    present: bool = True
    ratio: float = 0.0
    halved: bool = False

    def mechanism(self, name: str, sensitivity: float) -> Mechanism:
        made = super().mechanism(name, sensitivity)
        return replace(made, variance=made.variance / 4) if self.halved else made

    def sum(self, name: str, contributions: np.ndarray, sensitivity: float) -> np.ndarray:
        told = super().sum(name, np.delete(contributions, 1 if self.present else 0, axis=0), sensitivity)
        rest = told - contributions[2:].sum(axis=0)
        apart = ((rest - contributions[1]) ** 2).sum() - ((rest - contributions[0]) ** 2).sum()
        self.ratio += float(apart) / (2 * float(self.told[-1].variance))
        return told


@dataclass
class Audit:
    """The likelihood ratios of runs with the canary and without."""

    epsilon: float
    halved: bool = False
    found: dict[bool, list[float]] = field(default_factory=lambda: {True: [], False: []})

    def run(self, pairs: int) -> float:
        """The lower bound on epsilon after so many pairs of runs."""
        for number in range(pairs):
            trial, _ = hs.datasets.simulated_trial(N, number + 1)
            frame = trial.frame.reset_index(drop=True)
            frame["event"] = frame["event"].astype(int)
            for place, row in enumerate((CANARY, OTHER)):
                frame.loc[place, list(row)] = list(row.values())
            cohort = hs.Cohort.derive(trial.schema, frame, label=None)
            public = public_columns(PUBLIC, cohort.schema, cohort.rows.columns)
            for present in (True, False):
                self.found[present].append(self._ratio(cohort, public, present, number))
        return self.bound()

    def _ratio(self, cohort: hs.Cohort, public: dict, present: bool, number: int) -> float:
        def secret(name: str) -> bytes:
            return f"{self.epsilon} {present} {number} {name}".encode()

        shares = PrivatePlan.shares(cohort.schema, public)
        watched = Watched(self.epsilon, DELTA, secret, shares, present=present, halved=self.halved)
        plan = PrivatePlan.of(cohort, public, watched)
        plan.law(cohort, Thresholds(2.5, 3.0, 0.5), np.random.default_rng(0))
        return watched.ratio

    def bound(self) -> float:
        hits, alarms = (np.array(self.found[present]) > 0 for present in (True, False))
        n = len(hits)
        hit = float(beta.ppf(0.025, hits.sum(), n - hits.sum() + 1)) if hits.any() else 0.0
        alarm = float(beta.ppf(0.975, alarms.sum() + 1, n - alarms.sum())) if not alarms.all() else 1.0
        mu = float(norm.ppf(hit) - norm.ppf(alarm))
        plain = log(max((hit - DELTA) / alarm, 1.0))
        return max(plain, _epsilon(mu)) if mu > 0 else plain


def _epsilon(mu: float) -> float:
    """The epsilon at `DELTA` of Gaussian differential privacy with this mu: Dong, Roth & Su (2022), corollary 2.13."""

    def excess(epsilon: float) -> float:
        at = -epsilon / mu
        return float(norm.cdf(at + mu / 2) - exp(epsilon) * norm.cdf(at - mu / 2) - DELTA)

    return float(brentq(excess, 0.0, 200.0)) if excess(0.0) > 0 else 0.0


@pytest.fixture
def audit(monkeypatch: pytest.MonkeyPatch) -> Callable[..., float]:
    # what follows the sums sees no patient, and takes most of the time
    monkeypatch.setattr(HeorLaw, "with_dependence", lambda law, target, rng: law)
    return lambda epsilon, pairs, halved=False: Audit(epsilon, halved).run(pairs)


def test_the_attack_finds_no_more_than_is_stated_and_finds_noise_of_half_the_scale(audit) -> None:
    assert audit(8.0, 60) <= 8.0
    assert audit(8.0, 60, halved=True) > 8.0


@pytest.mark.long
@pytest.mark.parametrize("epsilon", [1.0, 3.0, 8.0])
def test_the_attack_finds_no_more_than_is_stated_in_200_runs(audit, epsilon: float) -> None:
    found = audit(epsilon, 200)
    print(f"epsilon {epsilon}: at least {found:.2f}")
    assert found <= epsilon


@pytest.mark.long
@pytest.mark.parametrize("epsilon", [3.0, 8.0])
def test_noise_of_half_the_scale_is_found_in_200_runs(audit, epsilon: float) -> None:
    found = audit(epsilon, 200, halved=True)
    print(f"epsilon {epsilon}, half the scale: at least {found:.2f}")
    assert found > epsilon
