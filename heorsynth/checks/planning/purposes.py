"""The purposes of synthetic cohorts: each with its question, its decisive and its supporting estimands."""

from __future__ import annotations

from collections.abc import Mapping

from heorsynth.checks.costs import estimands as costs
from heorsynth.checks.economics import estimands as economics
from heorsynth.checks.planning.purpose import Purpose
from heorsynth.checks.privacy import estimands as privacy
from heorsynth.checks.structure import estimands as structure
from heorsynth.checks.survival import estimands as survival
from heorsynth.checks.visits import estimands as visits
from heorsynth.core.errors import unknown_name

_LOOSE_KM = survival.KM_GAP.with_margin({"absolute": 0.15}, "the picture must be right, not the decimals")
_LOOSE_COST = costs.MEAN.with_margin({"relative": 0.25}, "the order of magnitude must be right")
_LOOSE_UTILITY = costs.MEAN_UTILITY.with_margin({"relative": 0.25}, "the order of magnitude must be right")
_LOOSE_MARGINALS = structure.MARGINALS.with_margin({"absolute": 0.15}, "the picture must be right, not the decimals")
_INTACT = structure.MARGINALS.with_margin(
    {"absolute": 0.15},
    "no column may be destroyed, whatever the purpose: an analysis may adjust for any column",
)

_COMPETING = (survival.INCIDENCE, survival.SUBDISTRIBUTION_RATIO)
_SURVIVAL_DETAIL = (
    survival.KM_GAP,
    survival.KM_GAP_MEAN,
    survival.KM_GAP_RMSE,
    survival.OPTIMISM,
    survival.LANDMARK,
    survival.MEDIAN,
    survival.HAZARD_RATIO,
    survival.HAZARD_RATIO_CHANGE,
    *_COMPETING,
    survival.CENSORING,
    survival.FOLLOW_UP,
    survival.REACH,
    survival.EXTRAPOLATION,
    survival.EXTRAPOLATION_RANKING,
)
_STRUCTURE = (
    structure.ASSOCIATIONS,
    structure.CONDITIONAL_ASSOCIATIONS,
    structure.JOINT_RANKS,
    structure.PROPENSITY,
    structure.MISSINGNESS,
    structure.RULES,
)
_OF_PAPERS = (
    survival.KM_GAP.with_margin(
        {"absolute": 0.02},
        "four times the error of a click, 0.005; a larger gap is seen when one figure is laid over the other",
    ),
    survival.RMST.with_margin(
        {"relative": 0.02},
        "of a year of survival it is a week; extrapolations differ by more between two parametric models",
    ),
    survival.MEDIAN.with_margin(
        {"relative": 0.05}, "a printed median of 10.0 months may be read half a month off a flat curve"
    ),
    survival.HAZARD_RATIO.with_margin(
        {"ratio": [0.9, 1.11]},
        "of 139 published figures 90% give a ratio within 7% of the printed one; what differs more is another analysis",
    ),
    survival.FOLLOW_UP.with_margin(
        {"absolute": 0.02}, "numbers at risk are counts: they are kept but for moved losses"
    ),
    survival.EVENTS,
)
_CLUSTERS = (structure.CLUSTERS, structure.CLUSTER_ARMS)
_VISITS = (visits.MEAN_PROFILE, visits.CORRELATION, visits.DROPOUT, visits.CONTRADICTIONS)
_VISITS_DETAIL = (visits.CHANGE, visits.MISSING_PATTERN)
_LOOSE_VISITS = (
    visits.MEAN_PROFILE.with_margin({"relative": 0.25}, "the order of magnitude must be right"),
    visits.CORRELATION.with_margin({"absolute": 0.3}, "as for the largest relation of two columns"),
    visits.DROPOUT.with_margin({"absolute": 0.15}, "the picture must be right, not the decimals"),
)
PURPOSES: Mapping[str, Purpose] = {
    purpose.name: purpose
    for purpose in (
        Purpose(
            "teaching",
            "Does an exercise on the synthetic cohorts show the same picture as the real cohort?",
            (
                _LOOSE_KM,
                _LOOSE_COST,
                _LOOSE_UTILITY,
                _LOOSE_MARGINALS,
                structure.ASSOCIATION_MAX,
                structure.RETENTION,
                *_LOOSE_VISITS,
            ),
            (
                survival.RMST,
                survival.MEDIAN,
                costs.ZERO_SHARE,
                structure.ASSOCIATIONS,
                structure.PANEL,
                structure.MISSINGNESS,
                structure.RULES,
                structure.REPRESENTATION,
                *_CLUSTERS,
                visits.CONTRADICTIONS,
                privacy.COPIES,
            ),
        ),
        Purpose(
            "software-testing",
            "Do the synthetic cohorts contain every kind of row that the real cohort contains?",
            (
                structure.RETENTION,
                structure.MISSINGNESS,
                structure.RULES,
                costs.ZERO_SHARE.with_margin({"absolute": 0.10}, "zeros must occur; their exact share matters less"),
                _INTACT,
            ),
            (survival.FOLLOW_UP, *_CLUSTERS, visits.MISSING_PATTERN, visits.CONTRADICTIONS, privacy.COPIES),
            notes=("Impossible rows count against the verdict; estimates from these cohorts are not evidence.",),
        ),
        Purpose(
            "model-development",
            "Does a model developed on the synthetic cohorts find the relations of the real one?",
            (
                survival.KM_GAP,
                structure.MARGINALS,
                structure.ASSOCIATIONS,
                structure.ASSOCIATION_MAX,
                structure.PANEL,
                structure.RULES,
                structure.REPRESENTATION,
                structure.RETENTION,
                *_VISITS,
            ),
            (
                survival.RMST,
                survival.HAZARD_RATIO,
                survival.CENSORING,
                survival.FOLLOW_UP,
                costs.MEAN,
                costs.TWO_PART,
                costs.MEAN_UTILITY,
                structure.CONDITIONAL_ASSOCIATIONS,
                structure.JOINT_RANKS,
                structure.PROPENSITY,
                structure.MISSINGNESS,
                structure.INTERSECTIONS,
                structure.DISPARITY,
                *_CLUSTERS,
                *_VISITS_DETAIL,
            ),
            notes=("Show separately, on a hold-out, that a model trained on these cohorts predicts real patients.",),
        ),
        Purpose(
            "augmentation",
            "Can synthetic rows be added to the real ones without changing the estimates?",
            (
                survival.RMST,
                survival.KM_GAP,
                costs.MEAN,
                costs.MEAN_UTILITY,
                structure.ASSOCIATIONS,
                structure.ASSOCIATION_MAX,
                structure.REPRESENTATION,
                structure.RETENTION,
                economics.PRECISION,
                _INTACT,
            ),
            (
                survival.RMST_DIFFERENCE,
                survival.HAZARD_RATIO,
                survival.CENSORING,
                survival.FOLLOW_UP,
                costs.ZERO_SHARE,
                structure.PANEL,
                structure.MISSINGNESS,
                structure.RULES,
                structure.INTERSECTIONS,
                structure.DISPARITY,
                *_CLUSTERS,
                *_VISITS,
                visits.AREA,
            ),
            notes=("Added rows are not new patients: pool with `analyse`, not as if the cohort were larger.",),
            about_others=True,
        ),
        Purpose(
            "external-control",
            "Does a synthetic arm show the same survival as its real patients?",
            (
                survival.RMST,
                survival.RMST_DIFFERENCE,
                survival.KM_GAP,
                survival.HAZARD_RATIO,
                survival.CENSORING,
                survival.FOLLOW_UP,
                structure.ASSOCIATION_MAX,
                structure.REPRESENTATION,
                structure.RETENTION,
                economics.PRECISION,
                _INTACT,
            ),
            (
                survival.KM_GAP_MEAN,
                survival.OPTIMISM,
                survival.LANDMARK,
                survival.MEDIAN,
                survival.HAZARD_RATIO_CHANGE,
                *_COMPETING,
                survival.REACH,
                survival.EXTRAPOLATION,
                survival.EXTRAPOLATION_RANKING,
                structure.ASSOCIATIONS,
                structure.PANEL,
                structure.RULES,
                costs.MEAN,
                costs.MEAN_UTILITY,
                structure.INTERSECTIONS,
                structure.DISPARITY,
                structure.CLUSTERS,
                visits.MEAN_PROFILE,
                visits.DROPOUT,
            ),
            notes=(
                "A faithful copy of an arm is not automatically comparable with another trial. Controls drawn from few "
                "patients have the sampling error of those few (Fernandes et al. 2025).",
            ),
            roles=(("endpoints",),),
            about_others=True,
        ),
        Purpose(
            "indirect-comparison",
            "Can the cohorts stand for a published trial in an indirect comparison?",
            (*_OF_PAPERS, structure.RETENTION, structure.ASSOCIATION_MAX, _INTACT),
            (survival.RMST_DIFFERENCE, survival.LANDMARK, structure.CHARACTERISTICS),
            notes=(
                "An anchored comparison assumes that every effect modifier in imbalance is matched, an unanchored one "
                "also that every prognostic factor is. No data can show that (Phillippo et al. 2016, NICE DSU TSD 18).",
            ),
            roles=(("endpoints",),),
            about_others=True,
        ),
        Purpose(
            "economic-evaluation",
            "Would an economic evaluation of the synthetic cohorts agree with one of the real cohort?",
            (
                survival.RMST,
                survival.RMST_DIFFERENCE,
                costs.MEAN,
                costs.CV,
                costs.DIFFERENCE,
                costs.MEAN_UTILITY,
                economics.INCREMENTAL_QALY,
                economics.INMB,
                economics.POOLED_DECISION,
                economics.BALANCE,
                structure.ASSOCIATION_MAX,
                structure.PANEL,
                structure.RETENTION,
                *_CLUSTERS,
                visits.AREA,
                *_VISITS,
                _INTACT,
            ),
            (
                *_SURVIVAL_DETAIL,
                costs.ZERO_SHARE,
                costs.QUANTILE,
                costs.TOP_SHARE,
                costs.WASSERSTEIN,
                costs.TWO_PART,
                costs.FULL_HEALTH,
                costs.WORSE_THAN_DEAD,
                costs.UTILITY_MISSING,
                economics.INCREMENTAL_COST,
                economics.DECISION_AGREEMENT,
                economics.CEAC,
                economics.PRECISION,
                structure.REPRESENTATION,
                structure.INTERSECTIONS,
                structure.DISPARITY,
                *_STRUCTURE,
                *_VISITS_DETAIL,
            ),
            roles=(("arm",), ("costs",), ("utilities", "endpoints")),
            with_covariates=(structure.PANEL.key,),
        ),
        Purpose(
            "data-sharing",
            "Can the synthetic cohorts be shared instead of the real one?",
            (
                survival.RMST,
                survival.KM_GAP,
                costs.MEAN,
                costs.MEAN_UTILITY,
                structure.MARGINALS,
                structure.ASSOCIATIONS,
                structure.ASSOCIATION_MAX,
                structure.PANEL,
                structure.RULES,
                structure.REPRESENTATION,
                structure.RETENTION,
                *_CLUSTERS,
                *_VISITS,
                privacy.COPIES,
                privacy.MEMBERSHIP,
                privacy.NEAREST_RECORD,
                privacy.MARGINAL,
                privacy.ATTRIBUTE,
            ),
            (
                survival.RMST_DIFFERENCE,
                survival.HAZARD_RATIO,
                survival.CENSORING,
                survival.FOLLOW_UP,
                costs.ZERO_SHARE,
                costs.QUANTILE,
                structure.CONDITIONAL_ASSOCIATIONS,
                structure.PROPENSITY,
                structure.MISSINGNESS,
                structure.INTERSECTIONS,
                structure.DISPARITY,
                visits.AREA,
                *_VISITS_DETAIL,
                privacy.MEMBERS_FOUND,
                privacy.NEAR_COPIES,
                privacy.NEAREST,
                privacy.CONTAMINATION,
                privacy.SINGLING_OUT,
                privacy.LINKABILITY,
                privacy.LINKAGE,
                *privacy.OF_RELEASES,
            ),
            notes=(
                "A failed attack does not prove safety: stronger attacks may exist. Whether others hold data on these "
                "patients is a question for a person.",
            ),
        ),
    )
}
"""The eight purposes by name."""


def purpose_of(name: str) -> Purpose:
    """Return the purpose with this name; UnknownNameError with the nearest name if there is none."""
    if name not in PURPOSES:
        raise unknown_name("purpose", name, PURPOSES)
    return PURPOSES[name]
