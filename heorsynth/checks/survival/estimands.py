"""The estimands of survival and follow-up."""

from __future__ import annotations

from collections.abc import Mapping

from heorsynth.checks.core.estimand import HORIZON, LARGEST_LOG_RATIO, ONE, Estimand

SURVIVAL: Mapping[str, Estimand] = {
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
    "survival.km_gap_rmse": Estimand(
        "root mean square distance between the Kaplan-Meier curves (cause 1; other causes censor) up to the horizon",
        scales=ONE,
        settings=HORIZON,
        limit=0.5,
    ),
    "survival.optimism": Estimand(
        "mean event-free share up to the horizon: above 0 the synthetic curve is too rosy, below it too grim",
        scales=ONE,
        settings=HORIZON,
        limit=0.5,
    ),
    "survival.reach": Estimand(
        "95th percentile of follow-up: whether the synthetic cohorts are short-sighted",
        "time",
        settings={"endpoint": None},
    ),
    "survival.incidence": Estimand(
        "cumulative incidence of each cause (Aalen-Johansen) at a time (default: the horizon), where causes compete",
        scales=ONE,
        settings={**HORIZON, "at": None},
        limit=0.5,
    ),
    "survival.subdistribution_ratio": Estimand(
        "subdistribution hazard ratio of an arm to the reference (Fine-Gray, cause 1), where causes compete",
        scales=("ratio",),
        settings={"endpoint": None},
        needs=("arm",),
        limit=LARGEST_LOG_RATIO,
    ),
    "survival.hazard_ratio_change": Estimand(
        "hazard ratio of an arm after a time over that before it (default: half the horizon); 1 is proportional "
        "hazards",
        scales=("ratio",),
        settings={**HORIZON, "at": None},
        needs=("arm",),
        limit=LARGEST_LOG_RATIO,
    ),
    "survival.extrapolation": Estimand(
        "mean time to the event over a lifetime (default: five horizons) under each of six parametric models",
        "time",
        settings={**HORIZON, "lifetime": None},
    ),
    "survival.extrapolation_ranking": Estimand(
        "share of synthetic cohorts in which the parametric model that fits the real cohort best is still as good as "
        "any, by AIC",
        scales=ONE,
        settings={"endpoint": None},
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
}
