"""The estimands of survival and follow-up. A new one needs an entry here, its function and a test."""

from __future__ import annotations

from heorsynth.checks.core.estimand import (
    CONTRASTS,
    COUNTS,
    EVERY_GROUP,
    EVERYONE_AND_ARMS,
    HORIZON,
    LARGEST_LOG_RATIO,
    ONE,
    WITHIN,
    Estimand,
)
from heorsynth.checks.survival import arms, curves, extrapolation, summaries
from heorsynth.checks.survival.extrapolation import OF_LIFETIME
from heorsynth.checks.survival.horizon import OF_FOLLOW_UP, OF_HORIZON
from heorsynth.data.labels import facts

RMST = Estimand(
    key="survival.rmst",
    plain="mean time without the event",
    definition="restricted mean time to the event (cause 1; other causes censor) up to the horizon (default: "
    "80th percentile of real follow-up)",
    formula="μ(τ) = ∫<sub>0</sub><sup>τ</sup> S(t) dt, S(t) = ∏<sub>t<sub>j</sub> ≤ t</sub> (1 − "
    "d<sub>j</sub>/n<sub>j</sub>)",
    source="Royston &amp; Parmar (2013) BMC Med Res Methodol 13:152",
    answer=summaries.restricted_mean,
    asked_of=EVERY_GROUP,
    unit="time",
    settings={**HORIZON, **WITHIN},
    margin={"relative": 0.05},
    reason="half the margin of cost, because survival drives both QALYs and the costs of later years",
    reference=OF_HORIZON,
    folders=COUNTS,
    fixed_by=(facts.SURVIVAL_CURVES, facts.RESTRICTED_MEANS),
)

RMST_DIFFERENCE = Estimand(
    key="survival.rmst_difference",
    plain="gain of an arm in mean time without the event",
    definition="difference between an arm and the reference in restricted mean time to the event",
    formula="μ<sub>arm</sub>(τ) − μ<sub>reference</sub>(τ)",
    source="Royston &amp; Parmar (2013) BMC Med Res Methodol 13:152",
    answer=arms.rmst_differences,
    asked_of=CONTRASTS,
    unit="time",
    settings={**HORIZON, **WITHIN},
    needs=("arm",),
    margin={"relative": 0.05},
    reason="5% of the horizon: trials are commonly planned for a survival gain of that size, so an error that "
    "large could hide or invent a gain",
    relative_to="the horizon",
    reference=OF_HORIZON,
    folders=COUNTS,
    fixed_by=(facts.SURVIVAL_CURVES, facts.RESTRICTED_MEANS),
)

LANDMARK = Estimand(
    key="survival.landmark",
    plain="share without the event at a given time",
    definition="Kaplan-Meier event-free share (cause 1; other causes censor) at a time (default: half the horizon)",
    formula="S(t) = ∏<sub>t<sub>j</sub> ≤ t</sub> (1 − d<sub>j</sub>/n<sub>j</sub>)",
    source="Kaplan &amp; Meier (1958) JASA 53:457",
    answer=summaries.landmark,
    asked_of=EVERY_GROUP,
    scales=ONE,
    settings={"at": None, "endpoint": None, **WITHIN},
    several=("at",),
    margin={"absolute": 0.1},
    reason="as for the largest gap between the curves",
    limit=0.5,
    folders=COUNTS,
    fixed_by=(facts.SURVIVAL_CURVES,),
)

MEDIAN = Estimand(
    key="survival.median",
    plain="median time to the event",
    definition="median time to the event (cause 1; other causes censor)",
    formula="min{t : S(t) ≤ ½}",
    source="Brookmeyer &amp; Crowley (1982) Biometrics 38:29",
    answer=summaries.median,
    asked_of=EVERY_GROUP,
    unit="time",
    settings={"endpoint": None, **WITHIN},
    margin={"relative": 0.2},
    reason="the bioequivalence convention of 20%, because medians are imprecise",
    reference=OF_FOLLOW_UP,
    folders=COUNTS,
    fixed_by=(facts.SURVIVAL_CURVES,),
    one_value=True,
)

KM_GAP = Estimand(
    key="survival.km_gap",
    plain="largest gap between the survival curves",
    definition="largest distance between the Kaplan-Meier curves (cause 1; other causes censor) up to the horizon",
    formula="max<sub>t ≤ τ</sub> |S<sub>s</sub>(t) − S<sub>r</sub>(t)|",
    source="Kaplan &amp; Meier (1958) JASA 53:457",
    answer=curves.largest_gap,
    asked_of=EVERY_GROUP,
    scales=ONE,
    settings={**HORIZON, **WITHIN},
    margin={"absolute": 0.1},
    reason="a difference of ten percentage points is visible in the figure, and a trial would be powered to detect it",
    limit=0.5,
    folders=COUNTS,
    fixed_by=(facts.SURVIVAL_CURVES,),
)

KM_GAP_MEAN = Estimand(
    key="survival.km_gap_mean",
    plain="mean gap between the survival curves",
    definition="mean distance between the Kaplan-Meier curves (cause 1; other causes censor) up to the horizon",
    formula="(1/τ) ∫<sub>0</sub><sup>τ</sup> |S<sub>s</sub>(t) − S<sub>r</sub>(t)| dt",
    source="Norcliffe et al. (2023) AISTATS, PMLR 206:1279",
    answer=curves.mean_gap,
    asked_of=EVERY_GROUP,
    scales=ONE,
    settings={**HORIZON, **WITHIN},
    margin={"absolute": 0.05},
    reason="half the margin of the largest gap",
    limit=0.5,
    folders=COUNTS,
    fixed_by=(facts.SURVIVAL_CURVES,),
)

KM_GAP_RMSE = Estimand(
    key="survival.km_gap_rmse",
    plain="typical gap between the survival curves",
    definition="root mean square distance between the Kaplan-Meier curves (cause 1; other causes censor) up "
    "to the horizon",
    formula="√[(1/τ) ∫<sub>0</sub><sup>τ</sup> (S<sub>s</sub>(t) − S<sub>r</sub>(t))² dt]",
    source="Kaplan &amp; Meier (1958) JASA 53:457",
    answer=curves.rmse_gap,
    asked_of=EVERY_GROUP,
    scales=ONE,
    settings={**HORIZON, **WITHIN},
    margin={"absolute": 0.07},
    reason="between the margins of the mean and the largest gap",
    limit=0.5,
    folders=COUNTS,
)

OPTIMISM = Estimand(
    key="survival.optimism",
    plain="survival too high or too low on average",
    definition="mean event-free share up to the horizon: above 0 the synthetic curve is too high, below 0 too low",
    formula="μ(τ)/τ",
    source="Norcliffe et al. (2023) AISTATS, PMLR 206:1279",
    answer=summaries.optimism,
    asked_of=EVERY_GROUP,
    scales=ONE,
    settings={**HORIZON, **WITHIN},
    margin={"absolute": 0.05},
    reason="as for the mean gap, of which it is the signed version",
    limit=0.5,
    folders=COUNTS,
)

REACH = Estimand(
    key="survival.reach",
    plain="how far follow-up reaches",
    definition="95th percentile of follow-up",
    formula="95th percentile of follow-up",
    source="Norcliffe et al. (2023) AISTATS, PMLR 206:1279",
    answer=summaries.reach,
    asked_of=EVERY_GROUP,
    unit="time",
    settings={"endpoint": None, **WITHIN},
    margin={"relative": 0.1},
    reason="a tenth less follow-up makes the curve a tenth shorter",
    reference=OF_FOLLOW_UP,
    folders=COUNTS,
    one_value=True,
)

INCIDENCE = Estimand(
    key="survival.incidence",
    plain="share with each kind of event",
    definition="cumulative incidence of each cause (Aalen-Johansen) at a time (default: the horizon), where "
    "causes compete",
    formula="F<sub>k</sub>(t) = ∑<sub>t<sub>j</sub> ≤ t</sub> S(t<sub>j</sub>−) "
    "d<sub>kj</sub>/n<sub>j</sub>, S the share without any event",
    source="Aalen &amp; Johansen (1978) Scand J Stat 5:141",
    answer=summaries.incidences,
    asked_of=EVERY_GROUP,
    scales=ONE,
    settings={**HORIZON, "at": None, **WITHIN},
    margin={"absolute": 0.1},
    reason="as for the largest gap between the curves",
    limit=0.5,
    folders=COUNTS,
)

SUBDISTRIBUTION_RATIO = Estimand(
    key="survival.subdistribution_ratio",
    plain="treatment effect on one of several kinds of event",
    definition="subdistribution hazard ratio of an arm to the reference (Fine-Gray, cause 1), where causes compete",
    formula="exp(β) in −log(1 − F<sub>1</sub>(t | x)) = Λ<sub>0</sub>(t) exp(βx)",
    source="Fine &amp; Gray (1999) JASA 94:496",
    answer=arms.subdistribution_ratios,
    asked_of=CONTRASTS,
    scales=("ratio",),
    settings={"endpoint": None, **WITHIN},
    needs=("arm",),
    margin={"ratio": [0.8, 1.25]},
    reason="as for the hazard ratio",
    limit=LARGEST_LOG_RATIO,
)

HAZARD_RATIO_CHANGE = Estimand(
    key="survival.hazard_ratio_change",
    plain="change of the treatment effect over time",
    definition="hazard ratio of an arm after a time divided by the one before it (default: half the horizon); 1 "
    "means proportional hazards",
    formula="exp(β<sub>after t</sub> − β<sub>before t</sub>), each β by Cox",
    source="Cox (1972) J R Stat Soc B 34:187; Efron (1977) JASA 72:557",
    answer=arms.hazard_ratio_changes,
    asked_of=CONTRASTS,
    scales=("ratio",),
    settings={**HORIZON, "at": None, **WITHIN},
    needs=("arm",),
    margin={"ratio": [0.67, 1.5]},
    reason="wider than for the hazard ratio, because each part has about half of the events; a larger change "
    "would be visible as crossing curves",
    limit=LARGEST_LOG_RATIO,
    folders=COUNTS,
)

EXTRAPOLATION = Estimand(
    key="survival.extrapolation",
    plain="lifetime expectancy by a parametric model",
    definition="mean time to the event over a lifetime (default: five horizons) under each of six parametric models",
    formula="∫<sub>0</sub><sup>L</sup> S(t; θ̂) dt, θ̂ by maximum likelihood: exponential, Weibull, "
    "Gompertz, log-normal, log-logistic, generalised gamma",
    source="Latimer (2013) NICE DSU TSD 14; Cox et al. (2007) Stat Med 26:4352",
    answer=extrapolation.mean_lifetimes,
    asked_of=EVERYONE_AND_ARMS,
    unit="time",
    settings={**HORIZON, "lifetime": None},
    margin={"relative": 0.1},
    reason="twice the margin of the restricted mean, because extrapolation is less certain",
    reference=OF_LIFETIME,
)

EXTRAPOLATION_RANKING = Estimand(
    key="survival.extrapolation_ranking",
    plain="choice of the parametric model",
    definition="share of synthetic cohorts in which the parametric model that fits the real cohort best is "
    "still as good as any, by AIC",
    formula="share of the m with AIC<sub>best of the real cohort</sub> − min AIC &lt; 4, AIC = 2p − 2 log L",
    source="Burnham &amp; Anderson (2002); Vuong (1989) Econometrica 57:307",
    answer=extrapolation.best_model_kept,
    asked_of=EVERYONE_AND_ARMS,
    scales=ONE,
    settings={"endpoint": None},
    margin={"absolute": 0.2},
    reason="in four of five cohorts the chosen model must be among the best; analysts compare several models anyway",
    limit=0.5,
)

HAZARD_RATIO = Estimand(
    key="survival.hazard_ratio",
    plain="treatment effect on survival",
    definition="hazard ratio of an arm to the reference (Cox, cause 1; other causes censor), over all follow-up",
    formula="exp(β) in h(t | x) = h<sub>0</sub>(t) exp(βx), ties by Efron",
    source="Cox (1972) J R Stat Soc B 34:187; Efron (1977) JASA 72:557",
    answer=arms.hazard_ratios,
    asked_of=CONTRASTS,
    scales=("ratio",),
    settings={"endpoint": None, **WITHIN},
    needs=("arm",),
    margin={"ratio": [0.8, 1.25]},
    reason="the bioequivalence convention (Schuirmann 1987)",
    limit=LARGEST_LOG_RATIO,
    folders=COUNTS,
    fixed_by=(facts.SURVIVAL_CURVES,),
)

CENSORING = Estimand(
    key="survival.censoring",
    plain="mean length of follow-up",
    definition="mean potential follow-up: restricted mean of the reverse Kaplan-Meier curve up to the horizon",
    formula="∫<sub>0</sub><sup>τ</sup> G(t) dt, G the Kaplan-Meier curve with censoring as its event",
    source="Schemper &amp; Smith (1996) Control Clin Trials 17:343",
    answer=summaries.censoring,
    asked_of=EVERY_GROUP,
    unit="time",
    settings={**HORIZON, **WITHIN},
    margin={"relative": 0.05},
    reason="as for survival: 5% of the length of follow-up",
    reference=OF_HORIZON,
    folders=COUNTS,
    fixed_by=(facts.SURVIVAL_CURVES,),
)

FOLLOW_UP = Estimand(
    key="survival.follow_up",
    plain="share still followed",
    definition="share of patients still followed at the horizon",
    formula="#{i : t<sub>i</sub> ≥ τ}/n",
    answer=summaries.follow_up,
    asked_of=EVERY_GROUP,
    scales=ONE,
    settings={**HORIZON, **WITHIN},
    margin={"absolute": 0.1},
    reason="if a tenth of the patients leave early, every curve gets shorter",
    limit=0.5,
    folders=COUNTS,
    fixed_by=(facts.SURVIVAL_CURVES,),
)

EVENTS = Estimand(
    key="survival.events",
    plain="share with the event",
    definition="share of patients whose event (cause 1) was observed",
    formula="∑<sub>j</sub> d<sub>j</sub>/n",
    answer=summaries.events,
    asked_of=EVERY_GROUP,
    scales=("absolute", "relative"),
    settings={"endpoint": None, **WITHIN},
    margin={"relative": 0.05},
    reason="the standard error of a hazard ratio is 2/√events, so 5% fewer events make it 2.5% larger",
    limit=0.5,
    folders=COUNTS,
)
