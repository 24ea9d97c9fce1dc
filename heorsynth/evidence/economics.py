"""ICER, net benefit, probability of being cost-effective and EVPI: of the patients, and of the pooled cohorts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from heorsynth.checks.core.groups import ALL, Group
from heorsynth.checks.core.strata import Observed
from heorsynth.checks.economics.arms import Evaluation, evaluations, thresholds
from heorsynth.checks.economics.compared import Adjusted, Options, imputation_seed
from heorsynth.checks.economics.estimands import BALANCE
from heorsynth.core.disclosure import RULES, tidy
from heorsynth.core.errors import NotEstimableError
from heorsynth.core.estimate import stable
from heorsynth.core.random import stream
from heorsynth.core.reading import typed
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.estimators.economics.arms import ArmMeans, pooled_arms
from heorsynth.estimators.economics.increments import Increments
from heorsynth.evaluation.economics import EconomicEvaluation

PATIENTS, POOLED = "patients", "synthetic, pooled"


@dataclass(frozen=True)
class EconomicNumbers:
    """The result of an economic evaluation at one threshold, for one arm and the comparator.

    Attributes
    ----------
    rows : str                            the patients, or the m synthetic cohorts pooled with their information only
    arm, comparator : str                 the two arms
    threshold, per                        willingness to pay, and its denominator such as QALY
    unit, how : str                       unit of money; how the evaluation is adjusted, "" if it is not
    incremental_cost, incremental_effect  per patient
    icer : float                          NaN if one arm dominates; `icer_text` has the quadrant and Fieller's interval
    inmb, inmb_low, inmb_high : float     net benefit with its 95% interval
    probability : float                   that the arm is cost-effective against the comparator
    evpi : float                          expected value of perfect information about the two arms, money per patient
    probability_best, evpi_all : float    the same among all arms; of three arms or more from 20,000 draws
    cost_se, effect_se, correlation       standard errors of the two increments, and their correlation
    """

    rows: str
    arm: str
    comparator: str
    threshold: float
    per: str
    unit: str
    how: str
    incremental_cost: float
    incremental_effect: float
    icer: float
    icer_text: str
    inmb: float
    inmb_low: float
    inmb_high: float
    probability: float
    evpi: float
    probability_best: float
    evpi_all: float
    cost_se: float = math.nan
    effect_se: float = math.nan
    correlation: float = math.nan

    @property
    def stable(self) -> EconomicNumbers:
        """The same with numbers that every processor writes alike (`heorsynth.core.estimate.stable`)."""
        money = max(abs(self.incremental_cost), abs(self.incremental_effect) * self.threshold)
        sizes = dict.fromkeys(("probability", "probability_best", "correlation"), 1.0)
        sizes |= dict.fromkeys(("incremental_effect", "effect_se"), abs(self.incremental_effect))
        names = [name for name, value in asdict(self).items() if isinstance(value, float) and name != "threshold"]
        written: dict[str, Any] = {name: stable(getattr(self, name), sizes.get(name, money)) for name in names}
        return replace(self, **written)

    @property
    def published(self) -> EconomicNumbers:
        """The same as it may be written: computed from increments that are rounded by their standard errors."""
        related = self.correlation * self.cost_se * self.effect_se
        covariance = np.array([[self.cost_se**2, related], [related, self.effect_se**2]])
        shown = Increments(self.incremental_cost, self.incremental_effect, covariance).published
        two = math.isclose(self.probability, self.probability_best, abs_tol=1e-6)
        best, of_all = round(20 * self.probability_best) / 20, tidy(self.evpi_all, 1)
        numbers = replace(self, **_at(shown, self.threshold, 6), correlation=round(self.correlation, 1) + 0.0,
                          cost_se=RULES.spread(self.cost_se), effect_se=RULES.spread(self.effect_se))  # fmt: skip
        return replace(
            numbers,
            probability_best=numbers.probability if two else best,
            evpi_all=numbers.evpi if two else of_all,
        )

    def to_dict(self) -> dict[str, object]:
        """Return it as JSON-ready data; a number that does not exist is None."""
        facts = asdict(self).items()
        return {name: None if isinstance(value, float) and math.isnan(value) else value for name, value in facts}

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> EconomicNumbers:
        """Return what `to_dict` wrote; ValueError or AttributeError for other data."""
        return typed(cls, {name: math.nan if value is None else value for name, value in facts.items()})


def economic_numbers(
    real: Observed, syn: Sequence[Observed], settings: Mapping[str, object], seed: int, behind: int
) -> tuple[EconomicNumbers, ...]:
    """Return the numbers at each declared threshold, the patients before the pooled cohorts.

    Parameters
    ----------
    real, syn              the patients and the synthetic cohorts: all as cohorts, or all as tallies of folders
    settings : Mapping     of the economic evaluation, as the plan of the checks has them
    seed : int             seed of the checks; missing values are imputed as in the findings
    behind : int           patients that the synthetic cohorts rest on

    Returns
    -------
    tuple                  empty without thresholds, where the evaluation is not estimable in some cohort, and for an
                           adjusted evaluation of tallies, which needs rows

    Notes
    -----
    Probabilities and EVPI of the patients use their own sampling error; those of the pooled cohorts use the variance of
    `estimators.economics.arms.pooled_arms`, so that synthetic rows claim no more than the patients allow. For two arms
    EVPI is the unit normal loss of the INMB; for three or more it is averaged over draws.

    References
    ----------
    Raiffa & Schlaifer (1961) Applied Statistical Decision Theory; Wilson (2015) PharmacoEconomics 33:105.
    """
    wtps = thresholds(settings)
    if not wtps:
        return ()
    try:
        pairs = evaluations(real, settings)
        if not pairs:
            return ()
        group = Group("all", ALL, real, tuple(syn))
        analysis = pairs[0].analysis
        if analysis is not None and not isinstance(real, Cohort):
            return ()
        chance = imputation_seed(stream(seed, "check", BALANCE.check))
        adjusted = None if analysis is None else Adjusted(group, analysis, chance)
        options = Options.of(group, pairs, adjusted)
        pooled = pooled_arms(options.synthetic, behind, [one.n for one in syn])
    except NotEstimableError:
        return ()
    found = []
    for rows, means in ((PATIENTS, options.real), (POOLED, pooled)):
        found += [one for wtp in wtps for one in _of(rows, means, pairs, real, wtp)]
    return tuple(found)


def _of(rows: str, means: ArmMeans, pairs: Sequence[Evaluation], real: Observed, wtp: float) -> list[EconomicNumbers]:
    first, schema = pairs[0], real.schema
    arms = (first.comparator, *(pair.treatment for pair in pairs))
    every = EconomicEvaluation(arms, " + ".join(first.costs), first.effect, means, schema.money)
    best, evpi_all = every.ceac(wtp), float(every.evpi(wtp).iloc[0])
    found = []
    for pair in pairs:
        more = every.increments(pair.treatment)
        cost_se, effect_se = (float(one) for one in np.sqrt(np.maximum(np.diag(more.covariance), 0.0)))
        both = cost_se * effect_se
        found.append(
            EconomicNumbers(
                rows=rows,
                arm=pair.treatment,
                comparator=pair.comparator,
                threshold=wtp,
                per=pair.per(schema),
                unit=schema.money,
                how="" if pair.analysis is None else pair.analysis.told,
                **_at(more, wtp),
                probability_best=float(best[pair.treatment].iloc[0]),
                evpi_all=evpi_all,
                cost_se=cost_se,
                effect_se=effect_se,
                correlation=float(more.covariance[0, 1]) / both if both > 0 else 0.0,
            )
        )
    return found


def _at(more: Increments, wtp: float, digits: int = 17) -> dict[str, Any]:
    """Return the numbers that follow from the increments of two arms at a threshold."""
    ratio, inmb = more.icer(), more.inmb(wtp)
    numbers = {
        "incremental_cost": more.cost,
        "incremental_effect": more.effect,
        "icer": ratio.value,
        "inmb": inmb.value,
        "inmb_low": inmb.low,
        "inmb_high": inmb.high,
        "probability": float(more.ceac([wtp])[0]),
        "evpi": more.evpi(wtp),
    }
    return {name: tidy(value, digits) for name, value in numbers.items()} | {"icer_text": str(ratio)}
