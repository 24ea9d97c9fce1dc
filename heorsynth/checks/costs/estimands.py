"""The estimands of costs, utilities and economic evaluation."""

from __future__ import annotations

from collections.abc import Mapping

from heorsynth.checks.core.estimand import HORIZON, LARGEST_LOG_RATIO, ONE, Estimand

ECONOMIC = {"comparator": None, "cost": None, "effect": None}
"""The settings of an economic evaluation."""

ECONOMICS: Mapping[str, Estimand] = {
    "costs.mean": Estimand(
        "mean cost, over patients whose cost is known", "money", settings={"cost": None}, needs=("costs",)
    ),
    "costs.difference": Estimand(
        "difference between an arm and the reference in mean cost",
        "money",
        settings={"cost": None},
        needs=("costs", "arm"),
        relative_to="the reference arm's mean cost",
    ),
    "costs.zero_share": Estimand(
        "share of patients with no cost", scales=ONE, settings={"cost": None}, needs=("costs",), limit=0.5
    ),
    "costs.quantile": Estimand(
        "quantile of cost (default: the 95th percentile), one or several",
        "money",
        settings={"quantile": 0.95, "cost": None},
        needs=("costs",),
    ),
    "costs.cv": Estimand(
        "coefficient of variation of cost: its standard deviation over its mean",
        settings={"cost": None},
        needs=("costs",),
    ),
    "costs.top_share": Estimand(
        "part of all cost that the most expensive patients bear (default: the top 5%)",
        settings={"share": 0.05, "cost": None},
        needs=("costs",),
        limit=0.5,
    ),
    "costs.two_part": Estimand(
        "ratio of an arm to the reference in a two-part model of cost: odds of any, and mean of positive (gamma, log "
        "link), given the subgroups",
        scales=("ratio",),
        settings={"cost": None},
        needs=("costs", "arm"),
        limit=LARGEST_LOG_RATIO,
    ),
    "costs.censored_mean": Estimand(
        "mean cost up to the horizon where follow-up was censored (Bang-Tsiatis; partitioned, or Lin, by the cost of "
        "each interval); asked where a margin names it",
        "money",
        settings={**HORIZON, "cost": None, "intervals": None, "method": "bang-tsiatis", "to_horizon": False},
        needs=("costs",),
    ),
    "costs.wasserstein": Estimand(
        "Wasserstein-1 distance between the distributions of cost, over the real mean",
        scales=ONE,
        settings={"cost": None},
        needs=("costs",),
        limit=1.0,
    ),
    "utilities.at_one": Estimand(
        "share of patients in full health (utility 1)",
        scales=ONE,
        settings={"utility": None},
        needs=("utilities",),
        limit=0.5,
    ),
    "utilities.below_zero": Estimand(
        "share of patients in a state worse than dead (utility below 0)",
        scales=ONE,
        settings={"utility": None},
        needs=("utilities",),
        limit=0.5,
    ),
    "utilities.missing": Estimand(
        "share of patients whose utility is missing",
        scales=ONE,
        settings={"utility": None},
        needs=("utilities",),
        limit=0.5,
    ),
    "utilities.mean": Estimand(
        "mean utility or QALY, over patients for whom it is known",
        "QALY",
        settings={"utility": None},
        needs=("utilities",),
    ),
    "utilities.qaly": Estimand(
        "mean QALYs: area under the line through utilities measured at several times (years), discounted at a rate a "
        "year; asked where a margin names it",
        "QALY",
        settings={"measures": None, "times": None, "rate": 0.0},
        needs=("utilities",),
    ),
    "economics.inmb": Estimand(
        "incremental net monetary benefit: threshold times incremental QALY less incremental cost",
        "money",
        settings={**ECONOMIC, "wtp": ()},
        needs=("costs", "utilities", "arm"),
        relative_to="the threshold",
    ),
    "economics.incremental_cost": Estimand(
        "incremental cost, over patients whose cost and QALY are known",
        "money",
        settings=ECONOMIC,
        needs=("costs", "utilities", "arm"),
        relative_to="the comparator's mean cost",
    ),
    "economics.incremental_qaly": Estimand(
        "incremental QALY, over patients whose cost and QALY are known",
        "QALY",
        settings=ECONOMIC,
        needs=("costs", "utilities", "arm"),
        relative_to="the comparator's mean QALY",
    ),
    "economics.decision_agreement": Estimand(
        "share of synthetic cohorts that alone give the real cohort's decision",
        scales=ONE,
        settings={**ECONOMIC, "wtp": ()},
        needs=("costs", "utilities", "arm"),
        limit=0.5,
    ),
    "economics.pooled_decision": Estimand(
        "probability that the mean net benefit of the m synthetic cohorts gives the real cohort's decision",
        scales=ONE,
        settings={**ECONOMIC, "wtp": ()},
        needs=("costs", "utilities", "arm"),
        limit=0.5,
    ),
    "economics.ceac": Estimand(
        "largest distance between the acceptability curves of the synthetic cohorts and of the real one, up to twice "
        "the largest threshold",
        scales=ONE,
        settings={**ECONOMIC, "wtp": ()},
        needs=("costs", "utilities", "arm"),
        limit=0.5,
    ),
}
