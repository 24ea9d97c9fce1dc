"""The estimands a purpose can ask for: one entry each, with its settings, unit, margin scales and needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from heorsynth.checks.margin import Margin, as_margin
from heorsynth.core.errors import MarginError, Problem, nearest
from heorsynth.data.schema import Schema


@dataclass(frozen=True)
class Estimand:
    """What is estimated in the real and in the synthetic cohorts, and how a margin for it may be written.

    Attributes
    ----------
    what : str            one line for a reader
    unit : str            "time", "money", "QALY", or "" for a share, a correlation or a log ratio
    scales : tuple        margin scales that make sense for it
    settings : Mapping    its settings with their defaults; None means what `what` says
    needs : tuple         roles the cohort must declare: arm, costs, utilities, subgroups
    relative_to : str     what a relative margin is a share of, where that is not the real estimate
    limit : float         an absolute margin as wide as this is vacuous
    """

    what: str
    unit: str = ""
    scales: tuple[str, ...] = ("absolute", "relative")
    settings: Mapping[str, object] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    relative_to: str = ""
    limit: float = float("inf")


HORIZON = {"horizon": None, "endpoint": None}
ECONOMIC = {"comparator": None, "cost": None, "effect": None}
ONE = ("absolute",)
LARGEST_LOG_RATIO = 1.0986

ESTIMANDS: Mapping[str, Estimand] = {
    "survival.rmst": Estimand(
        "restricted mean time to the event (cause 1; other causes censor) up to the horizon "
        "(default: 80th percentile of real follow-up)",
        "time",
        settings=HORIZON,
    ),
    "survival.rmst_difference": Estimand(
        "difference between an arm and the reference in restricted mean time to the event",
        "time",
        settings=HORIZON,
        needs=("arm",),
        relative_to="the horizon",
    ),
    "survival.landmark": Estimand(
        "Kaplan-Meier event-free share (cause 1; other causes censor) at a time (default: half the horizon)",
        scales=ONE,
        settings={"at": None, "endpoint": None},
        limit=0.5,
    ),
    "survival.median": Estimand(
        "median time to the event (cause 1; other causes censor)", "time", settings={"endpoint": None}
    ),
    "survival.km_gap": Estimand(
        "largest distance between the Kaplan-Meier curves (cause 1; other causes censor) up to the horizon",
        scales=ONE,
        settings=HORIZON,
        limit=0.5,
    ),
    "survival.km_gap_mean": Estimand(
        "mean distance between the Kaplan-Meier curves (cause 1; other causes censor) up to the horizon",
        scales=ONE,
        settings=HORIZON,
        limit=0.5,
    ),
    "survival.hazard_ratio": Estimand(
        "hazard ratio of an arm to the reference (Cox, cause 1; other causes censor), over all follow-up",
        scales=("ratio",),
        settings={"endpoint": None},
        needs=("arm",),
        limit=LARGEST_LOG_RATIO,
    ),
    "survival.censoring": Estimand(
        "mean potential follow-up: restricted mean of the reverse Kaplan-Meier curve up to the horizon",
        "time",
        settings=HORIZON,
    ),
    "survival.follow_up": Estimand(
        "share of patients still followed at the horizon", scales=ONE, settings=HORIZON, limit=0.5
    ),
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
    "structure.missingness": Estimand("share of a column that is missing", scales=ONE, limit=0.5),
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
    "inference.precision": Estimand(
        "standard error that a plain analysis of one synthetic cohort claims, over that of the patients",
        scales=("ratio",),
        limit=LARGEST_LOG_RATIO,
    ),
    "disclosure.copies": Estimand(
        "share of synthetic rows equal to a patient in every column; with a hold-out, beyond the share equal to a "
        "person never seen",
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
"""Key to estimand. The part before the dot names the check that answers it."""


def lacking(key: str, schema: Schema) -> tuple[str, ...]:
    """The roles an estimand needs and a cohort does not declare."""
    return tuple(role for role in ESTIMANDS[key].needs if not getattr(schema, role))


def margin_for(key: str, declared: Margin | Mapping[str, object], chosen: Mapping[str, object] | None = None) -> Margin:
    """The margin declared for an estimand, complete with its settings.

    Parameters
    ----------
    key : str             such as "survival.rmst"
    declared : Mapping    such as ``{"horizon": 3650, "relative": 0.05}``
    chosen : Mapping      settings fixed elsewhere, such as the thresholds of an economic evaluation

    Raises
    ------
    MarginError           an unknown key, a scale the estimand does not have, or a vacuous width

    Examples
    --------
    >>> str(margin_for("survival.rmst", {"relative": 0.05}))
    '±0.05 of the real value'
    """
    if key not in ESTIMANDS:
        raise MarginError("margins", Problem(key, "not an estimand", nearest(key, ESTIMANDS)))
    estimand = ESTIMANDS[key]
    settings = {**estimand.settings, **{k: v for k, v in (chosen or {}).items() if k in estimand.settings}}
    margin = as_margin(key, declared, settings)
    if margin.scale not in estimand.scales:
        raise MarginError(
            "margins",
            Problem(f"{key}: {margin.scale}", "not a scale of this estimand", f"use {' or '.join(estimand.scales)}"),
        )
    if margin.scale != "relative" and margin.width >= estimand.limit:
        raise MarginError(
            "margins",
            Problem(
                f"{key}: {margin.scale}", "so wide that the check is vacuous", f"give less than {estimand.limit:g}"
            ),
        )
    return margin
