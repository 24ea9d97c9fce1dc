"""Sums over patients with noise, and the account of what they tell: zero-concentrated differential privacy."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np

from heorsynth.core.errors import GeneratorError, Problem
from heorsynth.core.numbers import is_number
from heorsynth.generators.protection.discrete_gaussian import SecretBits, discrete_gaussian

_STEPS = 64
"""The variance of noise is a multiple of 1 / `_STEPS`, rounded up."""

_HALVINGS = 60
"""Halvings of the interval in which rho is looked for."""


def budget_problems(epsilon: object, delta: object) -> list[Problem]:
    """Return what is wrong with an epsilon and a delta; nothing if neither is given.

    Examples
    --------
    >>> [problem.where for problem in budget_problems(0, None)]
    ['epsilon', 'delta']
    """
    if epsilon is None and delta is None:
        return []
    found = []
    if not is_number(epsilon) or epsilon <= 0:
        told = "is missing" if epsilon is None else f"{epsilon!r} is no number above 0"
        found.append(Problem("epsilon", told, "write epsilon=1.0, delta=1e-6"))
    if not is_number(delta) or not 0 < delta < 1:
        told = "is missing" if delta is None else f"{delta!r} is no number between 0 and 1"
        found.append(Problem("delta", told, "write a number far below 1 / patients, such as delta=1e-6"))
    return found


def delta_problem(delta: float, patients: int) -> Problem | None:
    """Return why delta is too large for so many patients; None if it is not.

    With delta of 1 / n, a mechanism may publish one patient chosen by chance.
    """
    if delta * patients < 1:
        return None
    fix = f"write a delta far below {1 / patients:.2g}, such as 1e-6"
    return Problem("delta", f"{delta:.3g} is not below 1 / {patients}, so one patient may be told whole", fix)


@cache
def _opendp() -> ModuleType:
    """The library of the account.

    Raises
    ------
    GeneratorError      it is not installed
    """
    try:
        import opendp.prelude as dp
    except ImportError:
        fix = "pip install 'heorsynth[privacy]'"
        raise GeneratorError("generator 'heor'", Problem("epsilon", "OpenDP is not installed", fix)) from None
    dp.enable_features("contrib")
    return dp


def _gaussian(scale: float) -> Any:
    """OpenDP's measurement: whole numbers with discrete Gaussian noise of this scale."""
    dp = _opendp()
    return dp.m.make_gaussian(dp.vector_domain(dp.atom_domain(T=int)), dp.l2_distance(T=float), scale=scale)


def epsilon_of(rho: float, delta: float) -> float:
    """Return the epsilon at this delta of a mechanism with rho-zCDP, rounded up by OpenDP.

    References
    ----------
    Bun & Steinke (2016) TCC 635; the conversion is that of Canonne, Kamath & Steinke (2020), proposition 7.
    """
    dp = _opendp()
    scale = math.nextafter(math.sqrt(1 / (2 * rho)), 0.0)
    return float(dp.c.make_fix_delta(dp.c.make_zCDP_to_approxDP(_gaussian(scale)), delta=delta).map(1.0)[0])


@cache
def rho_of(epsilon: float, delta: float) -> float:
    """Return the largest rho with which `epsilon_of` stays at epsilon or below.

    Examples
    --------
    >>> round(rho_of(1.0, 1e-6), 4)
    0.0244
    """
    low, high = 0.0, 1.0
    while epsilon_of(high, delta) <= epsilon:
        high *= 2
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if epsilon_of(middle, delta) <= epsilon else (low, middle)
    return low


@dataclass(frozen=True)
class Mechanism:
    """One sum over patients that was told with noise.

    Attributes
    ----------
    name : str
    sensitivity : float     the largest L2 distance by which the sum moves if one patient is replaced by another
    variance : Fraction     of the noise in each number
    rho : float             what it spends, as OpenDP accounts for it
    numbers : int           how many numbers were told
    """

    name: str
    sensitivity: float
    variance: Fraction
    rho: float
    numbers: int = 0

    @classmethod
    def of(cls, name: str, sensitivity: float, rho: float) -> Mechanism:
        """The mechanism that spends at most rho: noise of variance sensitivity² / (2 rho), rounded up."""
        variance = Fraction(math.ceil(_STEPS * sensitivity**2 / (2 * rho) * (1 + 1e-12)), _STEPS)
        scale = math.nextafter(math.sqrt(variance), 0.0)
        return cls(name, sensitivity, variance, float(_gaussian(scale).map(sensitivity)))

    @property
    def scale(self) -> float:
        """The standard deviation of the noise in each number."""
        return math.sqrt(self.variance)

    def to_dict(self) -> dict[str, Any]:
        facts = {"sensitivity": self.sensitivity, "scale": self.scale, "rho": self.rho}
        rounded = {name: float(f"{value:.6g}") for name, value in facts.items()}
        return {"name": self.name, "numbers": self.numbers, **rounded}


@dataclass(repr=False)
class Account:
    """The only way from patients to a private law: tells sums with noise, until the budget is spent.

    Attributes
    ----------
    epsilon, delta : float
    secret : callable      name of a sum to the 32 secret bytes that its noise follows
    shares : Mapping       name of a sum to its share of the budget; they sum to 1
    told : list            what was told
    """

    epsilon: float
    delta: float
    secret: Callable[[str], bytes] = field(repr=False)
    shares: Mapping[str, float]
    told: list[Mechanism] = field(default_factory=list)

    def mechanism(self, name: str, sensitivity: float) -> Mechanism:
        """The mechanism that a sum of this name will be told with."""
        return Mechanism.of(name, sensitivity, rho_of(self.epsilon, self.delta) * self.shares[name])

    def sum(self, name: str, contributions: np.ndarray, sensitivity: float) -> np.ndarray:
        """The sum (k,) of whole contributions (n, k), a row a patient, with noise.

        Parameters
        ----------
        sensitivity : float      no two rows that a patient might have differ by more (L2)

        Raises
        ------
        GeneratorError      the sum was told before: a second answer would spend again
        """
        if any(one.name == name for one in self.told):
            raise GeneratorError("generator 'heor'", Problem(name, "is told twice", "ask for it once"))
        mechanism = replace(self.mechanism(name, sensitivity), numbers=contributions.shape[1])
        self.told.append(mechanism)
        bits = SecretBits(self.secret(name))
        noise = [discrete_gaussian(bits, mechanism.variance) for _ in range(contributions.shape[1])]
        return np.asarray(contributions.sum(axis=0, dtype=np.int64) + np.array(noise, dtype=np.int64))

    @property
    def rho(self) -> float:
        """What all sums spend together; zCDP adds up, also where a sum was chosen after others were seen."""
        return math.fsum(one.rho for one in self.told)

    def to_dict(self) -> dict[str, Any]:
        """What labels and records say of the account; the spending is what was promised, or what is spent if more."""
        spent = max(self.epsilon, epsilon_of(self.rho, self.delta)) if self.told else 0.0
        return {
            "epsilon": self.epsilon,
            "delta": self.delta,
            "rho": float(f"{self.rho:.6g}"),
            "mechanisms": [one.to_dict() for one in self.told],
            "spent": {"epsilon": spent, "delta": self.delta},
        }
