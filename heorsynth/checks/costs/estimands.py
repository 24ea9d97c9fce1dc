"""The estimands of costs and utilities. A new one needs an entry here, its function and a test."""

from __future__ import annotations

from heorsynth.checks.core.estimand import (
    CONTRASTS,
    COUNTS,
    EVERY_GROUP,
    HORIZON,
    LARGEST_LOG_RATIO,
    ONE,
    WITHIN,
    Estimand,
)
from heorsynth.checks.costs import amounts, censored, utilities
from heorsynth.checks.costs.references import OF_MEAN_COST, OF_MEAN_QALY, OF_MEAN_UTILITY, OF_QUANTILE, OF_VARIATION
from heorsynth.data.labels import facts

MEAN = Estimand(
    key="costs.mean",
    plain="mean cost",
    definition="mean cost, over patients with a known cost",
    formula="x̄ = (1/n) ∑ x<sub>i</sub>, over patients with x<sub>i</sub> known",
    source="Thompson &amp; Barber (2000) BMJ 320:1197",
    answer=amounts.mean,
    asked_of=EVERY_GROUP,
    unit="money",
    settings={"cost": None, **WITHIN},
    needs=("costs",),
    margin={"relative": 0.1},
    reason="decisions rest on mean cost; 10% is within the range of unit costs that sensitivity analyses explore",
    reference=OF_MEAN_COST,
    folders=COUNTS,
    fixed_by=(facts.MEAN_COSTS,),
)

DIFFERENCE = Estimand(
    key="costs.difference",
    plain="extra mean cost of an arm",
    definition="difference between an arm and the reference in mean cost",
    formula="C̄<sub>arm</sub> − C̄<sub>reference</sub>, each arm with its own variance",
    source="Welch (1947) Biometrika 34:28",
    answer=amounts.differences,
    asked_of=CONTRASTS,
    unit="money",
    settings={"cost": None, **WITHIN},
    needs=("costs", "arm"),
    margin={"relative": 0.2},
    reason="20% of the mean cost of the reference arm: if each mean is off by at most 10%, the difference is off by "
    "no more",
    relative_to="the reference arm's mean cost",
    reference=OF_MEAN_COST,
    folders=COUNTS,
    fixed_by=(facts.MEAN_COSTS,),
)

ZERO_SHARE = Estimand(
    key="costs.zero_share",
    plain="share of patients without cost",
    definition="share of patients with no cost",
    formula="#{i : C<sub>i</sub> = 0}/n",
    answer=amounts.zero_share,
    asked_of=EVERY_GROUP,
    scales=ONE,
    settings={"cost": None, **WITHIN},
    needs=("costs",),
    margin={"absolute": 0.05},
    reason="five percentage points in the first part of a two-part model",
    limit=0.5,
    folders=COUNTS,
    fixed_by=(facts.NO_COST,),
)

QUANTILE = Estimand(
    key="costs.quantile",
    plain="cost of the most expensive patients",
    definition="quantile of cost (default: the 95th percentile), one or several",
    formula="F<sup>−1</sup>(p), F the distribution of cost",
    source="Woodruff (1952) JASA 47:635",
    answer=amounts.quantiles,
    asked_of=EVERY_GROUP,
    unit="money",
    settings={"quantile": 0.95, "cost": None, **WITHIN},
    several=("quantile",),
    needs=("costs",),
    margin={"quantile": [0.5, 0.95, 0.99], "relative": 0.25},
    reason="the tail has a large effect on the mean, but is estimated imprecisely",
    reference=OF_QUANTILE,
    folders=COUNTS,
    one_value=True,
)

CV = Estimand(
    key="costs.cv",
    plain="spread of cost",
    definition="coefficient of variation of cost: standard deviation divided by mean",
    formula="SD(C)/C̄",
    answer=amounts.spread,
    asked_of=EVERY_GROUP,
    settings={"cost": None, **WITHIN},
    needs=("costs",),
    margin={"relative": 0.25},
    reason="a probabilistic analysis draws mean costs with this spread: at three quarters of it a 95% "
    "interval covers the true value in 86 of 100 cases, as 2Φ(0.75 · 1.96) - 1",
    reference=OF_VARIATION,
)

TOP_SHARE = Estimand(
    key="costs.top_share",
    plain="share of total cost of the most expensive patients",
    definition="share of total cost of the most expensive patients (default: the top 5%)",
    formula="∑ C<sub>i</sub> over the most expensive share of patients / ∑ C<sub>i</sub>",
    source="Lorenz (1905) Publ Am Stat Assoc 9:209",
    answer=amounts.tail,
    asked_of=EVERY_GROUP,
    settings={"share": 0.05, "cost": None, **WITHIN},
    needs=("costs",),
    margin={"relative": 0.25},
    reason="as for the quantiles: it measures the same tail",
    limit=0.5,
)

TWO_PART = Estimand(
    key="costs.two_part",
    plain="treatment effect on cost",
    definition="ratio of an arm to the reference in a two-part model of cost: odds of any cost, and mean positive "
    "cost (gamma, log link), adjusted for the subgroups",
    formula="exp(α) in logit P(C &gt; 0) = … + α·arm, and exp(γ) in log E(C | C &gt; 0) = … + γ·arm (gamma)",
    source="Duan et al. (1983) JBES 1:115; Manning &amp; Mullahy (2001) J Health Econ 20:461",
    answer=amounts.two_part,
    asked_of=CONTRASTS,
    scales=("ratio",),
    settings={"cost": None},
    needs=("costs", "arm"),
    margin={"ratio": [0.8, 1.25]},
    reason="as for the hazard ratio, which is also a ratio of two arms",
    limit=LARGEST_LOG_RATIO,
)

CENSORED_MEAN = Estimand(
    key="costs.censored_mean",
    plain="mean cost, adjusted for censored follow-up",
    definition="mean cost up to the horizon with censored follow-up (Bang-Tsiatis; partitioned or Lin with the "
    "cost of each interval); only if a margin is declared",
    formula="(1/n) ∑ δ<sub>i</sub>C<sub>i</sub>/K(t<sub>i</sub>), δ: fully observed, K: share not yet "
    "censored; or, by Lin, ∑<sub>j</sub> S(t<sub>j</sub>) C̄<sub>j</sub>, C̄<sub>j</sub> the mean "
    "cost in interval j of those followed at its start",
    source="Bang &amp; Tsiatis (2000) Biometrika 87:329; Lin et al. (1997) Biometrics 53:419",
    answer=censored.censored_means,
    asked_of=EVERY_GROUP,
    unit="money",
    settings={**HORIZON, "cost": None, "intervals": None, "method": "bang-tsiatis", "to_horizon": False, **WITHIN},
    needs=("costs",),
    reference=OF_MEAN_COST,
)

WASSERSTEIN = Estimand(
    key="costs.wasserstein",
    plain="distance between the distributions of cost",
    definition="Wasserstein-1 distance between the distributions of cost, divided by the real mean",
    formula="∫<sub>0</sub><sup>1</sup> |F<sub>s</sub><sup>−1</sup>(p) − F<sub>r</sub><sup>−1</sup>(p)| dp / "
    "C̄<sub>r</sub>",
    answer=amounts.wasserstein,
    asked_of=EVERY_GROUP,
    scales=ONE,
    settings={"cost": None, **WITHIN},
    needs=("costs",),
    margin={"absolute": 0.2},
    reason="a fifth of the mean, as for differences: the mean change of a cost",
    limit=1.0,
)

MEAN_UTILITY = Estimand(
    key="utilities.mean",
    plain="mean quality of life or QALYs",
    definition="mean utility or QALY, over patients with a known value",
    formula="x̄ = (1/n) ∑ x<sub>i</sub>, over patients with x<sub>i</sub> known",
    answer=utilities.mean,
    asked_of=EVERY_GROUP,
    unit="QALY",
    settings={"utility": None, **WITHIN},
    needs=("utilities",),
    margin={"relative": 0.1},
    reason="as for cost: a 10% error in either changes a ratio of the two by about as much",
    reference=OF_MEAN_UTILITY,
    folders=COUNTS,
    fixed_by=(facts.MEAN_EFFECTS,),
)

FULL_HEALTH = Estimand(
    key="utilities.at_one",
    plain="share in full health",
    definition="share of patients in full health (utility 1)",
    formula="#{i : u<sub>i</sub> = 1}/n",
    answer=utilities.at_one,
    asked_of=EVERY_GROUP,
    scales=ONE,
    settings={"utility": None, **WITHIN},
    needs=("utilities",),
    margin={"absolute": 0.05},
    reason="five percentage points, as for the share of zero costs",
    limit=0.5,
    folders=COUNTS,
)

WORSE_THAN_DEAD = Estimand(
    key="utilities.below_zero",
    plain="share in a state worse than dead",
    definition="share of patients in a state worse than dead (utility below 0)",
    formula="#{i : u<sub>i</sub> &lt; 0}/n",
    answer=utilities.below_zero,
    asked_of=EVERY_GROUP,
    scales=ONE,
    settings={"utility": None, **WITHIN},
    needs=("utilities",),
    margin={"absolute": 0.05},
    reason="as for full health",
    limit=0.5,
    folders=COUNTS,
)

UTILITY_MISSING = Estimand(
    key="utilities.missing",
    plain="share with quality of life unknown",
    definition="share of patients whose utility is missing",
    formula="#{i : u<sub>i</sub> not known}/n",
    answer=utilities.missing,
    asked_of=EVERY_GROUP,
    scales=ONE,
    settings={"utility": None, **WITHIN},
    needs=("utilities",),
    margin={"absolute": 0.05},
    reason="as for every column's missing values",
    limit=0.5,
    folders=COUNTS,
)

QALY = Estimand(
    key="utilities.qaly",
    plain="QALYs from utilities measured over time",
    definition="mean QALYs: area under the line through utilities measured at several times (years), "
    "discounted at a yearly rate; only if a margin is declared",
    formula="(1/n) ∑<sub>i</sub> ∫ u<sub>i</sub>(t)(1 + r)<sup>−t</sup> dt, u<sub>i</sub> the line through "
    "the measures",
    source="Matthews et al. (1990) BMJ 300:230; Manca, Hawkins &amp; Sculpher (2005) Health Econ 14:487",
    answer=utilities.accumulated,
    asked_of=EVERY_GROUP,
    unit="QALY",
    settings={"measures": None, "times": None, "rate": 0.0, **WITHIN},
    needs=("utilities",),
    reference=OF_MEAN_QALY,
    folders=COUNTS,
)
