"""The privacy budget that releases spend, and how several of them add up."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from heorsynth.core.errors import LedgerError, Problem
from heorsynth.core.numbers import is_number

Spending: TypeAlias = Mapping[str, float]
"""{"mu": 1.0} for Gaussian differential privacy, or {"epsilon": 1.0, "delta": 1e-6}."""

_MU, _EPSILON = ["mu"], ["delta", "epsilon"]


def spending_of(stated: object) -> Spending | None:
    """Return what a generator states to spend: a number is mu, a pair is (epsilon, delta); None if it states nothing.

    Raises
    ------
    LedgerError      it states anything else

    Examples
    --------
    >>> spending_of(0.5), spending_of((1.0, 1e-6))
    ({'mu': 0.5}, {'epsilon': 1.0, 'delta': 1e-06})
    """
    if stated is None:
        return None
    facts = stated
    if is_number(stated):
        facts = {"mu": stated}
    elif isinstance(stated, list | tuple) and len(stated) == 2:
        facts = dict(zip(("epsilon", "delta"), stated, strict=True))
    if (
        isinstance(facts, Mapping)
        and sorted(facts) in (_MU, _EPSILON)
        and all(is_number(value) and value >= 0 for value in facts.values())
    ):
        return {str(name): float(value) for name, value in facts.items()}
    fix = "state mu, or the pair epsilon and delta, each a number of 0 or more"
    raise LedgerError("privacy budget", Problem("spent", "what the generator states is no spending", fix))


def composed(spent: Sequence[Spending | None]) -> Spending | None:
    """Return what releases spend together; None if one states nothing, or if they state different kinds.

    Notes
    -----
    mu: the root of the sum of squares, exact for Gaussian mechanisms. (epsilon, delta): the sums.

    References
    ----------
    Dong, Roth & Su (2022) J R Stat Soc B 84:3, corollary 3.3; Dwork & Roth (2014), theorem 3.16.

    Examples
    --------
    >>> composed([{"mu": 3.0}, {"mu": 4.0}])
    {'mu': 5.0}
    """
    stated = [one for one in spent if one is not None]
    if len(stated) < len(spent) or len({tuple(sorted(one)) for one in stated}) != 1:
        return None
    if sorted(stated[0]) == _MU:
        return {"mu": math.hypot(*(one["mu"] for one in stated))}
    return {name: math.fsum(one[name] for one in stated) for name in ("epsilon", "delta")}


def within(before: Sequence[Spending | None], asked: Spending | None, budget: Spending) -> Problem | None:
    """Return why a release exceeds a budget with those before it, or why this cannot be known; None if it keeps it."""
    total = composed([*before, asked])
    if total is None or sorted(total) != sorted(budget):
        found = f"the budget is {in_words(budget)}, and a release of these patients does not state what it spends of it"
        return Problem("budget", found, "use a generator that states it in the same way, or release internally")
    if all(total[name] <= budget[name] * (1 + 1e-9) for name in budget):
        return None
    spent = in_words(composed(before)) if before else "nothing"
    found = f"the budget of these patients is {in_words(budget)}: {spent} is spent, this release asks {in_words(asked)}"
    return Problem("budget", found, "release what was released already, or internally")


def privacy_sentence(settings: Mapping[str, object]) -> str:
    """Return what the settings in a label promise by differential privacy; "" if they promise nothing.

    Examples
    --------
    >>> privacy_sentence({"epsilon": 1.0, "delta": 1e-06})[:64]
    'Differentially private with epsilon 1, delta 1e-06: whatever the'
    """
    epsilon, delta = settings.get("epsilon"), settings.get("delta")
    if not is_number(epsilon) or not is_number(delta):
        return ""
    stated = in_words({"epsilon": epsilon, "delta": delta})
    return (
        f"Differentially private with {stated}: whatever the rows show is at most {math.exp(epsilon):,.3g} times as "
        "likely with a patient as with another in his place, but for that delta. This covers the rows and their label; "
        "a comparison with the patients is not covered."
    )


def in_words(spent: Spending | None) -> str:
    """Return a spending as text.

    Examples
    --------
    >>> in_words({"epsilon": 1.0, "delta": 1e-06})
    'epsilon 1, delta 1e-06'
    """
    return "not stated" if spent is None else ", ".join(f"{name} {value:.3g}" for name, value in spent.items())
