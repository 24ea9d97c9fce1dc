"""What a purpose asks for, each estimand with its default margin and the reason it is that wide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Asked:
    """An estimand a purpose asks for, with its default margin and why it is that wide."""

    key: str
    margin: Mapping[str, object]
    reason: str


RMST = Asked(
    "survival.rmst",
    {"relative": 0.05},
    "half the margin of cost: survival drives QALYs and the cost of every later year alike",
)
RMST_DIFFERENCE = Asked(
    "survival.rmst_difference",
    {"relative": 0.05},
    "5% of the horizon: a survival gain of that size "
    "is commonly planned for, so an error as large would hide or invent one",
)
KM_GAP = Asked(
    "survival.km_gap",
    {"absolute": 0.10},
    "ten points of survival at any time is a difference a reader sees in the figure and a trial would be powered for",
)
KM_GAP_MEAN = Asked("survival.km_gap_mean", {"absolute": 0.05}, "half the margin of the largest distance")
KM_GAP_RMSE = Asked("survival.km_gap_rmse", {"absolute": 0.07}, "between those of the mean and the largest distance")
OPTIMISM = Asked("survival.optimism", {"absolute": 0.05}, "as for the mean distance, of which it is the signed one")
REACH = Asked("survival.reach", {"relative": 0.10}, "a tenth less follow-up is a tenth less of the curve")
INCIDENCE = Asked("survival.incidence", {"absolute": 0.10}, "as for the distance of the curves")
SUBDISTRIBUTION = Asked("survival.subdistribution_ratio", {"ratio": [0.8, 1.25]}, "as for the hazard ratio")
PROPORTIONALITY = Asked(
    "survival.hazard_ratio_change",
    {"ratio": [0.67, 1.5]},
    "wider than the hazard ratio's, as each half holds half of the events; past it a reader would see curves cross",
)
EXTRAPOLATION = Asked(
    "survival.extrapolation", {"relative": 0.10}, "twice the restricted mean's: what lies beyond follow-up is less sure"
)
EXTRAPOLATION_RANKING = Asked(
    "survival.extrapolation_ranking",
    {"absolute": 0.20},
    "four cohorts in five must leave the chosen model among the best; several models are looked at anyway",
)
LANDMARK = Asked("survival.landmark", {"absolute": 0.10}, "as for the distance of the curves")
MEDIAN = Asked("survival.median", {"relative": 0.20}, "the bioequivalence convention of 20%, as medians are imprecise")
HAZARD_RATIO = Asked("survival.hazard_ratio", {"ratio": [0.8, 1.25]}, "the bioequivalence convention (Schuirmann 1987)")
CENSORING = Asked(
    "survival.censoring", {"relative": 0.05}, "as for survival: the follow-up that a curve rests on, to five percent"
)
FOLLOW_UP = Asked(
    "survival.follow_up", {"absolute": 0.10}, "a tenth of the patients leaving early shortens every curve"
)
COST_MEAN = Asked(
    "costs.mean",
    {"relative": 0.10},
    "mean cost is the decision quantity; 10% is within the uncertainty of "
    "unit costs that evaluations explore in sensitivity analyses",
)
COST_DIFFERENCE = Asked(
    "costs.difference",
    {"relative": 0.20},
    "20% of the reference arm's mean cost: two means that are each off by their 10% differ by no more",
)
ZERO_SHARE = Asked("costs.zero_share", {"absolute": 0.05}, "the first part of a two-part model, to five points")
QUANTILE = Asked(
    "costs.quantile",
    {"quantile": [0.5, 0.95, 0.99], "relative": 0.25},
    "the tail carries the mean, but is known imprecisely",
)
CV = Asked(
    "costs.cv",
    {"relative": 0.25},
    "a probabilistic analysis draws mean costs with this spread: at three quarters of it a 95% interval holds the "
    "truth in 86 of 100, as 2Φ(0.75 · 1.96) - 1",
)
TOP_SHARE = Asked("costs.top_share", {"relative": 0.25}, "as for the tail, which it measures")
WASSERSTEIN = Asked(
    "costs.wasserstein", {"absolute": 0.20}, "a fifth of the mean, as for differences: what one cost is moved by"
)
TWO_PART = Asked("costs.two_part", {"ratio": [0.8, 1.25]}, "as for the hazard ratio, another ratio of two arms")
FULL_HEALTH = Asked("utilities.at_one", {"absolute": 0.05}, "a spike to five points, as the share of zeros")
WORSE_THAN_DEAD = Asked("utilities.below_zero", {"absolute": 0.05}, "as for full health")
UTILITY_MISSING = Asked("utilities.missing", {"absolute": 0.05}, "as for every column's missing values")
UTILITY = Asked(
    "utilities.mean",
    {"relative": 0.10},
    "as for cost: one part in ten of either moves a ratio of the two by as much",
)
INMB = Asked(
    "economics.inmb",
    {"relative": 0.10},
    "a tenth of a QALY a patient, in money at the threshold: about five weeks in full health",
)
INCREMENTAL_COST = Asked("economics.incremental_cost", {"relative": 0.20}, "as for the difference in mean cost")
INCREMENTAL_QALY = Asked("economics.incremental_qaly", {"absolute": 0.10}, "as for the net benefit")
AGREEMENT = Asked(
    "economics.decision_agreement",
    {"absolute": 0.05},
    "one synthesis in twenty may reverse a decision if "
    "the pooled syntheses do not (van der Linden et al. 2025 saw 15%)",
)
POOLED_DECISION = Asked(
    "economics.pooled_decision",
    {"absolute": 0.05},
    "the decision is what the evaluation is for: the pooled cohorts must give it in 95 of 100",
)
CEAC = Asked(
    "economics.ceac", {"absolute": 0.10}, "ten points of probability at any threshold would change how sure one is"
)
RETENTION = Asked("subgroups.retention", {"absolute": 0.5}, "a level is there or it is not")
REPRESENTATION = Asked(
    "subgroups.representation",
    {"ratio": [0.8, 1.25]},
    "the four-fifths rule for adverse impact (29 CFR 1607.4 D, 1978), both ways",
)
INTERSECTIONS = Asked("subgroups.intersections", {"ratio": [0.8, 1.25]}, "as for single levels")
DISPARITY = Asked(
    "subgroups.disparity",
    {"relative": 0.10},
    "a tenth of the largest group's own value, as for means: a gap moved by more is another gap",
)
MARGINALS = Asked(
    "structure.marginals", {"absolute": 0.10}, "no share of patients below any value is off by more than ten points"
)
ASSOCIATIONS = Asked(
    "structure.associations", {"absolute": 0.10}, "0.1 is a small correlation by convention (Cohen 1988)"
)
ASSOCIATION_MAX = Asked(
    "structure.association_max",
    {"absolute": 0.30},
    "0.3 is a medium correlation by convention (Cohen 1988): none as strong may be lost",
)
CONDITIONAL = Asked("structure.conditional_associations", {"absolute": 0.10}, "as for everybody's associations")
JOINT_RANKS = Asked("structure.joint_ranks", {"absolute": 0.10}, "as for the associations, of which these decide most")
PROPENSITY = Asked(
    "structure.propensity", {"absolute": 0.02}, "0.02 of the variance is a small effect by convention (Cohen 1988)"
)
MISSINGNESS = Asked(
    "structure.missingness",
    {"absolute": 0.05},
    "five points of missing values change how an analysis has to treat them",
)

PRECISION = Asked(
    "inference.precision",
    {"ratio": [0.9, 1 / 0.9]},
    "at 0.9 a 95% interval holds the truth in 92 of 100, as 2Φ(0.9 · 1.96) - 1",
)
COPIES = Asked(
    "disclosure.copies",
    {"absolute": 0.01},
    "one row, or one patient, in a hundred: with few coarse columns people coincide by chance",
)
CONTAMINATION = Asked(
    "disclosure.contamination", {"absolute": 0.01}, "as for copies: a hold-out that was seen is no control"
)
NEAR_COPIES = Asked(
    "disclosure.near_copies", {"absolute": 0.01}, "as for copies: moving a patient a little does not make another one"
)
NEAREST = Asked(
    "disclosure.nearest",
    {"absolute": 0.05},
    "0.55 where 0.50 is no memory: half of what sequential trees, known to memorise, show (0.60)",
)
MEMBERSHIP = Asked("disclosure.membership", {"absolute": 0.05}, "as for nearness, of which it is the sharper form")
ATTRIBUTE = Asked(
    "disclosure.attribute",
    {"absolute": 0.09},
    "0.09 is the risk that EMA Policy 0070 (2016) and Health Canada (2019) accept for published clinical data",
)
SINGLING_OUT = Asked("disclosure.singling_out", {"absolute": 0.09}, "as for guessing an attribute")
LINKABILITY = Asked("disclosure.linkability", {"absolute": 0.09}, "as for guessing an attribute")

LOOSE_KM = Asked("survival.km_gap", {"absolute": 0.15}, "the picture must be right, not the decimals")
LOOSE_COST = Asked("costs.mean", {"relative": 0.25}, "the order of magnitude must be right")
LOOSE_MARGINALS = Asked("structure.marginals", {"absolute": 0.15}, "the picture must be right, not the decimals")
INTACT = Asked(
    "structure.marginals",
    {"absolute": 0.15},
    "no column may be destroyed, whatever the purpose: an analysis may adjust for any of them",
)
