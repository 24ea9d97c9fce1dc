"""The estimands of an economic evaluation, of its decision and of its precision."""

from __future__ import annotations

import math

from heorsynth.checks.core.estimand import (
    COUNTS,
    EVERY_GROUP,
    LARGEST_LOG_RATIO,
    ONE,
    Estimand,
    Reference,
)
from heorsynth.checks.costs.references import OF_MEAN_COST, OF_MEAN_UTILITY
from heorsynth.checks.economics import balance, decisions, increments, options, precision
from heorsynth.checks.economics.analysis import ADJUSTMENTS
from heorsynth.checks.economics.arms import thresholds
from heorsynth.data.labels import facts

_ECONOMIC = {"comparator": None, "cost": None, "effect": None, **ADJUSTMENTS}
"""The settings of an economic evaluation."""

_COST = Reference("the real mean cost", OF_MEAN_COST.sizes)
_EFFECT = Reference("the real mean effect", OF_MEAN_UTILITY.sizes)
_THRESHOLD = Reference("the threshold", lambda margin, real: thresholds(margin.settings))

INMB = Estimand(
    key="economics.inmb",
    plain="net benefit in money",
    definition="incremental net monetary benefit: threshold times incremental QALY minus incremental cost",
    formula="λ·ΔE − ΔC",
    source="Stinnett &amp; Mullahy (1998) Med Decis Making 18:S68",
    answer=increments.net_benefits,
    asked_of=EVERY_GROUP,
    unit="money",
    settings={**_ECONOMIC, "wtp": ()},
    needs=("costs", "utilities", "arm"),
    margin={"relative": 0.1},
    reason="the value of a tenth of a QALY per patient: about five weeks in full health",
    relative_to="the threshold",
    reference=_THRESHOLD,
    folders=COUNTS,
    fixed_by=(facts.MEAN_COSTS, facts.MEAN_EFFECTS),
)

INCREMENTAL_COST = Estimand(
    key="economics.incremental_cost",
    plain="extra cost of the treatment",
    definition="incremental cost, over patients with known cost and QALY",
    formula="ΔC = C̄<sub>arm</sub> − C̄<sub>comparator</sub>",
    source="Welch (1947) Biometrika 34:28",
    answer=increments.incremental_cost,
    unit="money",
    settings=_ECONOMIC,
    needs=("costs", "utilities", "arm"),
    margin={"relative": 0.2},
    reason="as for the difference in mean cost",
    relative_to="the comparator's mean cost",
    reference=_COST,
    folders=COUNTS,
    fixed_by=(facts.MEAN_COSTS,),
)

INCREMENTAL_QALY = Estimand(
    key="economics.incremental_qaly",
    plain="extra effect of the treatment",
    definition="incremental QALY, over patients with known cost and QALY",
    formula="ΔE = Ē<sub>arm</sub> − Ē<sub>comparator</sub>",
    source="Welch (1947) Biometrika 34:28",
    answer=increments.incremental_qaly,
    unit="QALY",
    settings=_ECONOMIC,
    needs=("costs", "utilities", "arm"),
    margin={"absolute": 0.1},
    reason="as for the net benefit",
    relative_to="the comparator's mean QALY",
    reference=_EFFECT,
    folders=COUNTS,
    fixed_by=(facts.MEAN_EFFECTS,),
)

DECISION_AGREEMENT = Estimand(
    key="economics.decision_agreement",
    plain="same decision from one synthetic cohort",
    definition="share of synthetic cohorts that alone give the decision of the real cohort",
    formula="share of the m cohorts whose INMB has the sign of the real INMB",
    source="van der Linden et al. (2025) Value Health 28(11); Clopper &amp; Pearson (1934) Biometrika 26:404",
    answer=decisions.decision_agreement,
    asked_of=EVERY_GROUP,
    scales=ONE,
    settings={**_ECONOMIC, "wtp": ()},
    needs=("costs", "utilities", "arm"),
    margin={"absolute": 0.05},
    reason="one synthesis in twenty may reverse the decision, if the pooled syntheses do not (van der Linden et "
    "al. 2025 found 15%)",
    limit=0.5,
    folders=COUNTS,
    among_all=options.choice_agreement,
    fixed_by=(facts.MEAN_COSTS, facts.MEAN_EFFECTS),
)

POOLED_DECISION = Estimand(
    key="economics.pooled_decision",
    plain="same decision from all synthetic cohorts pooled",
    definition="probability that the mean net benefit of the m synthetic cohorts gives the decision of the real cohort",
    formula="Φ(√m·b/s), b the mean and s the standard deviation of the m INMBs, signed so that the real one "
    "is above 0; interval by the noncentral t",
    source="van der Linden et al. (2025) Value Health 28(11); Johnson &amp; Welch (1940) Biometrika 31:362",
    answer=decisions.pooled_decision,
    asked_of=EVERY_GROUP,
    scales=ONE,
    settings={**_ECONOMIC, "wtp": ()},
    needs=("costs", "utilities", "arm"),
    margin={"absolute": 0.05},
    reason="the decision is the aim of the evaluation: the pooled cohorts must give it in 95 of 100 cases",
    limit=0.5,
    folders=COUNTS,
    among_all=options.pooled_choice,
    fixed_by=(facts.MEAN_COSTS, facts.MEAN_EFFECTS),
)

CEAC = Estimand(
    key="economics.ceac",
    plain="gap between the acceptability curves",
    definition="largest distance between the acceptability curves of the synthetic cohorts and of the real "
    "one, up to twice the largest threshold",
    formula="max<sub>λ</sub> |A<sub>s</sub>(λ) − A<sub>r</sub>(λ)|, A(λ) = Φ(INMB(λ)/SE)",
    source="van Hout et al. (1994) Health Econ 3:309",
    answer=decisions.acceptability_gap,
    scales=ONE,
    settings={**_ECONOMIC, "wtp": ()},
    needs=("costs", "utilities", "arm"),
    margin={"absolute": 0.1},
    reason="ten percentage points at any threshold would change the interpretation",
    limit=0.5,
    folders=COUNTS,
)

BALANCE = Estimand(
    key="economics.balance",
    plain="balance of a covariate between the arms",
    definition="difference between the arms in the mean of a covariate (or the share of a level), in standard "
    "deviations of the patients",
    formula="(x̄<sub>arm</sub> − x̄<sub>comparator</sub>)/√((s²<sub>arm</sub> + s²<sub>comparator</sub>)/2), s of the "
    "real arms",
    source="Austin (2009) Stat Med 28:3083",
    answer=balance.balance,
    scales=ONE,
    settings=_ECONOMIC,
    needs=("costs", "utilities", "arm"),
    margin={"absolute": 0.1},
    reason="a standardised difference of 0.1 is the usual limit of balance (Austin 2009): an adjusted evaluation "
    "corrects for imbalance, so the copy must keep it",
    limit=0.5,
)

PRECISION = Estimand(
    key="inference.precision",
    plain="precision that a plain analysis claims",
    definition="standard error that a plain analysis of one synthetic cohort claims, divided by that of the patients",
    formula="SE of a plain analysis of one synthetic cohort / SE of the same analysis of the patients",
    answer=precision.precision,
    scales=("ratio",),
    margin={"ratio": [0.9, 1 / 0.9]},
    reason="at 0.9 a 95% interval covers the true value in 92 of 100 cases, as 2Φ(0.9 · 1.96) - 1",
    limit=LARGEST_LOG_RATIO,
    folders=COUNTS,
    span=(-math.inf, 0.0),
)
