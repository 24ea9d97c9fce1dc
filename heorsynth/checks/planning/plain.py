"""What each estimand is called in words a committee uses: one literal table beside the estimands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

PLAIN: Mapping[str, str] = {
    "survival.rmst": "mean time without the event",
    "survival.rmst_difference": "gain of an arm in mean time without the event",
    "survival.landmark": "share without the event at a given time",
    "survival.median": "median time to the event",
    "survival.km_gap": "largest gap between the survival curves",
    "survival.km_gap_mean": "mean gap between the survival curves",
    "survival.km_gap_rmse": "typical gap between the survival curves",
    "survival.optimism": "survival too rosy or too grim on average",
    "survival.reach": "how far follow-up reaches",
    "survival.incidence": "share with each kind of event",
    "survival.subdistribution_ratio": "treatment effect on one of several kinds of event",
    "survival.hazard_ratio_change": "change of the treatment effect over time",
    "survival.extrapolation": "lifetime expectancy by a parametric model",
    "survival.extrapolation_ranking": "choice of the parametric model",
    "survival.hazard_ratio": "treatment effect on survival",
    "survival.censoring": "mean length of follow-up",
    "survival.follow_up": "share still followed",
    "costs.mean": "mean cost",
    "costs.difference": "extra mean cost of an arm",
    "costs.zero_share": "share of patients without cost",
    "costs.quantile": "cost of the expensive patients",
    "costs.cv": "spread of cost",
    "costs.top_share": "part of all cost borne by the most expensive",
    "costs.two_part": "treatment effect on cost",
    "costs.censored_mean": "mean cost, cut-off follow-up allowed for",
    "costs.wasserstein": "distance between the distributions of cost",
    "utilities.qaly": "QALYs from utilities measured over time",
    "utilities.mean": "mean quality of life or QALYs",
    "utilities.at_one": "share in full health",
    "utilities.below_zero": "share in a state worse than dead",
    "utilities.missing": "share with quality of life unknown",
    "economics.inmb": "net benefit in money",
    "economics.incremental_cost": "extra cost of the treatment",
    "economics.incremental_qaly": "extra effect of the treatment",
    "economics.decision_agreement": "one synthetic cohort alone decides as the patients do",
    "economics.pooled_decision": "all synthetic cohorts together decide as the patients do",
    "economics.ceac": "gap between the acceptability curves",
    "subgroups.retention": "groups lost or invented",
    "subgroups.representation": "share of a group",
    "subgroups.intersections": "share of two groups at once",
    "subgroups.target": "share of a group against a population",
    "subgroups.disparity": "gap between groups",
    "structure.marginals": "distribution of a column",
    "structure.associations": "relations between columns, on average",
    "structure.association_max": "relation between columns that is farthest off",
    "structure.conditional_associations": "relations between columns within a group",
    "structure.joint_ranks": "relation of cost, quality of life and time",
    "structure.propensity": "how well a model tells synthetic rows from real",
    "structure.missingness": "share of a column that is missing",
    "inference.precision": "precision that a plain analysis claims",
    "disclosure.copies": "rows equal to a patient",
    "disclosure.near_copies": "rows all but equal to a patient",
    "disclosure.contamination": "rows equal to a person kept aside",
    "disclosure.nearest": "resemblance to patients beyond chance",
    "disclosure.membership": "telling who took part",
    "disclosure.attribute": "guessing what is not known of a patient",
    "disclosure.singling_out": "singling out one patient",
    "disclosure.linkability": "joining two halves of a record",
}
"""Key of an estimand to its plain name: no method, no symbol, nothing a layman would have to look up."""


def plain_names(keys: Iterable[str]) -> str:
    """The plain names of these estimands in the table's order, in one line.

    Examples
    --------
    >>> plain_names(["costs.mean", "survival.rmst"])
    'mean time without the event, mean cost'
    """
    asked = set(keys)
    return ", ".join([name for key, name in PLAIN.items() if key in asked] + sorted(asked - set(PLAIN)))
