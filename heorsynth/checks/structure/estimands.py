"""The estimands of who is in the rows, how their columns go together, what they claim and what they betray."""

from __future__ import annotations

from collections.abc import Mapping

from heorsynth.checks.core.estimand import LARGEST_LOG_RATIO, ONE, Estimand

ROWS: Mapping[str, Estimand] = {
    "subgroups.retention": Estimand(
        "levels of arm and subgroups that the synthetic cohorts lost or invented, beyond what chance explains",
        "levels",
        scales=ONE,
        limit=1.0,
    ),
    "subgroups.representation": Estimand(
        "share of a level in the synthetic cohorts over its share in the real one",
        scales=("ratio",),
        needs=("subgroups",),
        limit=LARGEST_LOG_RATIO,
    ),
    "subgroups.intersections": Estimand(
        "share of two levels of two subgroups together, synthetic over real, where enough real patients have both",
        scales=("ratio",),
        settings={"min_count": 10},
        needs=("subgroups",),
        limit=LARGEST_LOG_RATIO,
    ),
    "subgroups.target": Estimand(
        "share of a level in the synthetic cohorts over its share in a stated population (asked where `targets` states "
        "one)",
        scales=("ratio",),
        settings={"targets": None},
        needs=("subgroups",),
        limit=LARGEST_LOG_RATIO,
    ),
    "subgroups.disparity": Estimand(
        "gap between a level of a subgroup and its largest level, in mean cost, mean utility and restricted mean time",
        scales=("relative",),
        needs=("subgroups",),
        relative_to="the largest level's own value",
    ),
    "structure.marginals": Estimand(
        "distance between the distributions of a column: Kolmogorov-Smirnov for numbers, total variation for levels",
        scales=ONE,
        limit=0.5,
    ),
    "structure.associations": Estimand(
        "mean distance between pairwise rank correlations, over all pairs of columns (levels as indicators)",
        scales=ONE,
        limit=0.5,
    ),
    "structure.association_max": Estimand(
        "largest distance between pairwise rank correlations, over all pairs of columns (levels as indicators)",
        scales=ONE,
        limit=1.0,
    ),
    "structure.conditional_associations": Estimand(
        "mean distance between pairwise rank correlations within a level of arm or subgroup",
        scales=ONE,
        limit=0.5,
    ),
    "structure.joint_ranks": Estimand(
        "rank correlation of two of the costs, utilities and follow-up times", scales=ONE, limit=1.0
    ),
    "structure.propensity": Estimand(
        "part of the variance of being synthetic that a logistic model of all columns explains beyond chance (pMSE)",
        scales=ONE,
        limit=0.25,
    ),
    "structure.missingness": Estimand("share of a column that is missing", scales=ONE, limit=0.5),
    "inference.precision": Estimand(
        "standard error that a plain analysis of one synthetic cohort claims, over that of the patients",
        scales=("ratio",),
        limit=LARGEST_LOG_RATIO,
    ),
    "disclosure.copies": Estimand(
        "share of synthetic rows equal to a patient in every column; with a hold-out, beyond the share equal to a "
        "person never seen, and likewise the share of patients whom a row of any cohort equals",
        scales=ONE,
        limit=0.5,
    ),
    "disclosure.near_copies": Estimand(
        "share of synthetic rows with a patient's levels and every number within a twentieth of its standard deviation "
        "of that patient's, beyond the share as near to a person never seen",
        scales=ONE,
        limit=0.5,
    ),
    "disclosure.contamination": Estimand(
        "share of synthetic rows equal to a person of the hold-out in every column, beyond the share of patients of "
        "the source who are",
        scales=ONE,
        limit=0.5,
    ),
    "disclosure.nearest": Estimand(
        "share of synthetic rows nearer to a patient of the source than to a person never seen, beyond one half",
        scales=ONE,
        limit=0.5,
    ),
    "disclosure.membership": Estimand(
        "area under the ROC curve of a density-ratio attack on who took part, beyond one half", scales=ONE, limit=0.5
    ),
    "disclosure.attribute": Estimand(
        "how often a time, cost or utility is guessed from covariates, in patients of the source beyond people never "
        "seen",
        scales=ONE,
        limit=0.5,
    ),
    "disclosure.singling_out": Estimand(
        "how often a description of one synthetic row fits exactly one patient of the source, beyond exactly one "
        "person never seen",
        scales=ONE,
        limit=0.5,
    ),
    "disclosure.linkability": Estimand(
        "how often two halves of a record lead to the same synthetic row, in patients of the source beyond people "
        "never seen",
        scales=ONE,
        limit=0.5,
    ),
}
