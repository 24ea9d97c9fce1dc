"""What a synthetic cohort can be for: each purpose with its question and what its verdict rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from heorsynth.checks.planning.asked import (
    AGREEMENT,
    ASSOCIATION_MAX,
    ASSOCIATIONS,
    ATTRIBUTE,
    CEAC,
    CENSORING,
    CONDITIONAL,
    CONTAMINATION,
    COPIES,
    COST_DIFFERENCE,
    COST_MEAN,
    CV,
    DISPARITY,
    EXTRAPOLATION,
    EXTRAPOLATION_RANKING,
    FOLLOW_UP,
    FULL_HEALTH,
    HAZARD_RATIO,
    INCIDENCE,
    INCREMENTAL_COST,
    INCREMENTAL_QALY,
    INMB,
    INTACT,
    INTERSECTIONS,
    JOINT_RANKS,
    KM_GAP,
    KM_GAP_MEAN,
    KM_GAP_RMSE,
    LANDMARK,
    LINKABILITY,
    LOOSE_COST,
    LOOSE_KM,
    LOOSE_MARGINALS,
    MARGINALS,
    MEDIAN,
    MEMBERSHIP,
    MISSINGNESS,
    NEAR_COPIES,
    NEAREST,
    OPTIMISM,
    POOLED_DECISION,
    PRECISION,
    PROPENSITY,
    PROPORTIONALITY,
    QUANTILE,
    REACH,
    REPRESENTATION,
    RETENTION,
    RMST,
    RMST_DIFFERENCE,
    SINGLING_OUT,
    SUBDISTRIBUTION,
    TOP_SHARE,
    TWO_PART,
    UTILITY,
    UTILITY_MISSING,
    WASSERSTEIN,
    WORSE_THAN_DEAD,
    ZERO_SHARE,
    Asked,
)
from heorsynth.core.errors import unknown_name


@dataclass(frozen=True)
class Purpose:
    """A use of synthetic cohorts.

    Attributes
    ----------
    question : str           what a "fit" answers
    decisive : tuple         the verdict rests on these, overall and by arm
    supporting : tuple       shown beside them
    by_subgroup : tuple      keys that decide within every subgroup level too
    notes : tuple            what the reader must know whatever the findings
    """

    name: str
    question: str
    decisive: tuple[Asked, ...]
    supporting: tuple[Asked, ...] = ()
    by_subgroup: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


COMPETING = (INCIDENCE, SUBDISTRIBUTION)
SURVIVAL_DETAIL = (
    KM_GAP,
    KM_GAP_MEAN,
    KM_GAP_RMSE,
    OPTIMISM,
    LANDMARK,
    MEDIAN,
    HAZARD_RATIO,
    PROPORTIONALITY,
    *COMPETING,
    CENSORING,
    FOLLOW_UP,
    REACH,
    EXTRAPOLATION,
    EXTRAPOLATION_RANKING,
)
STRUCTURE = (ASSOCIATIONS, ASSOCIATION_MAX, CONDITIONAL, JOINT_RANKS, PROPENSITY, MISSINGNESS)
PURPOSES: Mapping[str, Purpose] = {
    purpose.name: purpose
    for purpose in (
        Purpose(
            "teaching",
            "Does an exercise on the synthetic cohorts show the picture the real cohort shows?",
            (LOOSE_KM, LOOSE_COST, LOOSE_MARGINALS, RETENTION),
            (RMST, MEDIAN, ZERO_SHARE, UTILITY, ASSOCIATIONS, MISSINGNESS, REPRESENTATION, COPIES),
        ),
        Purpose(
            "software-testing",
            "Does software meet every kind of row it will meet in the real cohort?",
            (
                RETENTION,
                MISSINGNESS,
                Asked("costs.zero_share", {"absolute": 0.10}, "zeros must occur, not to the point"),
                INTACT,
            ),
            (FOLLOW_UP, COPIES),
            notes=("Impossible rows count against the verdict; estimates from these cohorts are not evidence.",),
        ),
        Purpose(
            "model-development",
            "Does a model developed on the synthetic cohorts meet the relations of the real one?",
            (KM_GAP, MARGINALS, ASSOCIATIONS, ASSOCIATION_MAX, REPRESENTATION, RETENTION),
            (
                RMST,
                HAZARD_RATIO,
                CENSORING,
                FOLLOW_UP,
                COST_MEAN,
                TWO_PART,
                UTILITY,
                CONDITIONAL,
                JOINT_RANKS,
                PROPENSITY,
                MISSINGNESS,
                INTERSECTIONS,
                DISPARITY,
            ),
            notes=("Whether a model trained here predicts real patients is to be shown on a hold-out, apart.",),
        ),
        Purpose(
            "augmentation",
            "May synthetic rows stand beside the real ones without moving what they show?",
            (RMST, KM_GAP, COST_MEAN, UTILITY, ASSOCIATIONS, REPRESENTATION, RETENTION, PRECISION, INTACT),
            (
                RMST_DIFFERENCE,
                HAZARD_RATIO,
                CENSORING,
                FOLLOW_UP,
                ZERO_SHARE,
                ASSOCIATION_MAX,
                MISSINGNESS,
                INTERSECTIONS,
                DISPARITY,
            ),
            notes=("Added rows carry no new patients: pool with `analyse`, never as if the cohort had grown.",),
        ),
        Purpose(
            "external-control",
            "Does a synthetic arm show the survival that its real patients showed?",
            (
                RMST,
                RMST_DIFFERENCE,
                KM_GAP,
                HAZARD_RATIO,
                CENSORING,
                FOLLOW_UP,
                REPRESENTATION,
                RETENTION,
                PRECISION,
                INTACT,
            ),
            (
                KM_GAP_MEAN,
                OPTIMISM,
                LANDMARK,
                MEDIAN,
                PROPORTIONALITY,
                *COMPETING,
                REACH,
                EXTRAPOLATION,
                EXTRAPOLATION_RANKING,
                ASSOCIATIONS,
                COST_MEAN,
                UTILITY,
                INTERSECTIONS,
                DISPARITY,
            ),
            notes=(
                "Fidelity to an arm is no comparability with another trial, and controls drawn from few patients carry "
                "the error of those few (Fernandes et al. 2025).",
            ),
        ),
        Purpose(
            "economic-evaluation",
            "Would an economic evaluation of the synthetic cohorts rest on the same quantities?",
            (
                RMST,
                RMST_DIFFERENCE,
                COST_MEAN,
                CV,
                COST_DIFFERENCE,
                UTILITY,
                INCREMENTAL_QALY,
                INMB,
                POOLED_DECISION,
                RETENTION,
                INTACT,
            ),
            (
                *SURVIVAL_DETAIL,
                ZERO_SHARE,
                QUANTILE,
                TOP_SHARE,
                WASSERSTEIN,
                TWO_PART,
                FULL_HEALTH,
                WORSE_THAN_DEAD,
                UTILITY_MISSING,
                INCREMENTAL_COST,
                AGREEMENT,
                CEAC,
                PRECISION,
                REPRESENTATION,
                INTERSECTIONS,
                DISPARITY,
                *STRUCTURE,
            ),
        ),
        Purpose(
            "data-sharing",
            "Can the synthetic cohorts be given to others in place of the real one?",
            (
                RMST,
                KM_GAP,
                COST_MEAN,
                UTILITY,
                MARGINALS,
                ASSOCIATIONS,
                REPRESENTATION,
                RETENTION,
                COPIES,
                NEAREST,
                MEMBERSHIP,
                ATTRIBUTE,
            ),
            (
                RMST_DIFFERENCE,
                HAZARD_RATIO,
                CENSORING,
                FOLLOW_UP,
                ZERO_SHARE,
                QUANTILE,
                ASSOCIATION_MAX,
                CONDITIONAL,
                PROPENSITY,
                MISSINGNESS,
                INTERSECTIONS,
                DISPARITY,
                NEAR_COPIES,
                CONTAMINATION,
                SINGLING_OUT,
                LINKABILITY,
            ),
            notes=(
                "An attack that fails is no proof of safety: stronger ones may exist, and who else holds data on these "
                "patients is for a person to say.",
            ),
        ),
    )
}
"""The seven purposes by name."""


def purpose_of(name: str) -> Purpose:
    """The purpose of that name; UnknownNameError with the nearest name if there is none."""
    if name not in PURPOSES:
        raise unknown_name("purpose", name, PURPOSES)
    return PURPOSES[name]
