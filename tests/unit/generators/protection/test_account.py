"""What a sum spends is what OpenDP accounts for its noise, and all sums together stay within the promise."""

from fractions import Fraction
from math import exp, log, sqrt

import numpy as np
import pytest
from scipy.special import ndtr

from heorsynth.core import errors
from heorsynth.generators.protection import account
from heorsynth.generators.protection.account import (
    Account,
    Mechanism,
    budget_problems,
    delta_problem,
    epsilon_of,
    rho_of,
)

SHARES = {"ages": 0.25, "costs": 0.75}


def made(number: int = 1) -> Account:
    return Account(1.0, 1e-6, lambda name: f"{number} {name}".encode(), SHARES)


@pytest.mark.parametrize("epsilon", [0.1, 1.0, 8.0])
def test_rho_gives_epsilon_and_no_more(epsilon: float) -> None:
    rho = rho_of(epsilon, 1e-6)
    assert epsilon * (1 - 1e-6) <= epsilon_of(rho, 1e-6) <= epsilon
    # Bun & Steinke (2016), proposition 1.3: a simpler bound, which is never below the exact account
    assert epsilon_of(rho, 1e-6) <= rho + 2 * sqrt(rho * log(1e6))


def test_the_account_is_no_better_than_gaussian_noise_allows() -> None:
    rho = rho_of(1.0, 1e-6)
    mu = sqrt(2 * rho)
    exact = ndtr(-1 / mu + mu / 2) - exp(1.0) * ndtr(-1 / mu - mu / 2)  # Balle & Wang (2018), theorem 8
    assert exact <= 1e-6


def test_noise_has_the_variance_of_the_account() -> None:
    one = Mechanism.of("ages", sqrt(2), 0.01)
    assert one.variance == Fraction(6401, 64)  # 2 / (2 · 0.01) = 100, rounded up by 1/64
    assert one.rho == pytest.approx(2 / (2 * float(one.variance)), rel=1e-9) and one.rho <= 0.01
    told = [made(number).sum("ages", np.zeros((3, 100), dtype=int), sqrt(2)) for number in range(40)]
    variance = float(made().mechanism("ages", sqrt(2)).variance)
    # 4,000 numbers: the standard error of a variance is 2.2%; half the scale would give a quarter of it
    assert np.var(told) == pytest.approx(variance, rel=0.1)


def test_all_sums_together_stay_within_the_promise_and_none_is_told_twice() -> None:
    held = made()
    rows = np.ones((5, 3), dtype=int)
    held.sum("ages", rows, sqrt(2))
    held.sum("costs", rows, sqrt(2))
    assert held.rho <= rho_of(1.0, 1e-6) and epsilon_of(held.rho, 1e-6) <= 1.0
    assert held.to_dict()["spent"] == {"epsilon": 1.0, "delta": 1e-6}
    assert [one["numbers"] for one in held.to_dict()["mechanisms"]] == [3, 3]
    with pytest.raises(errors.GeneratorError, match="told twice"):
        held.sum("ages", rows, sqrt(2))


@pytest.mark.parametrize("wrong", [0, -1.0, float("nan"), float("inf"), "1", True])
def test_an_epsilon_that_is_no_number_above_0_is_refused(wrong: object) -> None:
    assert [problem.where for problem in budget_problems(wrong, 1e-6)] == ["epsilon"]


@pytest.mark.parametrize("wrong", [None, 0.0, 1.0, "small", True])
def test_a_delta_that_is_missing_or_no_chance_is_refused(wrong: object) -> None:
    assert [problem.where for problem in budget_problems(1.0, wrong)] == ["delta"]
    assert budget_problems(None, None) == []


def test_delta_must_be_below_one_patient() -> None:
    assert delta_problem(0.0099, 100) is None and delta_problem(0.01, 100) is not None


def test_without_opendp_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    account._opendp.cache_clear()
    monkeypatch.setitem(sys.modules, "opendp.prelude", None)
    try:
        with pytest.raises(errors.GeneratorError, match=r"heorsynth\[privacy\]"):
            epsilon_of(0.01, 1e-6)
    finally:
        account._opendp.cache_clear()
