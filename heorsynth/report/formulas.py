"""The formula of every estimand, with its source: what the methods section of a dossier shows of those a run used."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from heorsynth.checks.planning.plain import PLAIN


@dataclass(frozen=True)
class Formula:
    """How an estimand is computed.

    Attributes
    ----------
    text : str      the formula, in HTML with nothing but sub- and superscripts
    source : str    who said so first; empty where it is a plain count or mean
    """

    text: str
    source: str = ""


SYMBOLS_USED = (
    "S: Kaplan-Meier event-free share. τ: horizon. d<sub>j</sub>, n<sub>j</sub>: events and patients at risk at time "
    "t<sub>j</sub>. n: patients. C, E: cost and effect. λ: threshold. Δ: an arm less the reference. r, s: an estimate "
    "in the real cohort, and its mean over the m synthetic ones. Φ: standard normal distribution function."
)

KAPLAN_MEIER = "Kaplan &amp; Meier (1958) JASA 53:457"
COX = "Cox (1972) J R Stat Soc B 34:187; Efron (1977) JASA 72:557"
GIOMI = "Giomi et al. (2023) PoPETs 2023(2):312"
NORCLIFFE = "Norcliffe et al. (2023) AISTATS, PMLR 206:1279"
BEYOND = "success on patients of the source − success on people never seen"
CURVE = "S(t) = ∏<sub>t<sub>j</sub> ≤ t</sub> (1 − d<sub>j</sub>/n<sub>j</sub>)"
MEAN = "x̄ = (1/n) ∑ x<sub>i</sub>, over patients with x<sub>i</sub> known"

FORMULAS: Mapping[str, Formula] = {
    "survival.rmst": Formula(
        f"μ(τ) = ∫<sub>0</sub><sup>τ</sup> S(t) dt, {CURVE}", "Royston &amp; Parmar (2013) BMC Med Res Methodol 13:152"
    ),
    "survival.rmst_difference": Formula(
        "μ<sub>arm</sub>(τ) − μ<sub>reference</sub>(τ)", "Royston &amp; Parmar (2013) BMC Med Res Methodol 13:152"
    ),
    "survival.landmark": Formula(CURVE, KAPLAN_MEIER),
    "survival.median": Formula("min{t : S(t) ≤ ½}", "Brookmeyer &amp; Crowley (1982) Biometrics 38:29"),
    "survival.km_gap": Formula("max<sub>t ≤ τ</sub> |S<sub>s</sub>(t) − S<sub>r</sub>(t)|", KAPLAN_MEIER),
    "survival.km_gap_mean": Formula(
        "(1/τ) ∫<sub>0</sub><sup>τ</sup> |S<sub>s</sub>(t) − S<sub>r</sub>(t)| dt", NORCLIFFE
    ),
    "survival.km_gap_rmse": Formula(
        "√[(1/τ) ∫<sub>0</sub><sup>τ</sup> (S<sub>s</sub>(t) − S<sub>r</sub>(t))² dt]", KAPLAN_MEIER
    ),
    "survival.optimism": Formula("μ(τ)/τ", NORCLIFFE),
    "survival.reach": Formula("95th percentile of follow-up", NORCLIFFE),
    "survival.incidence": Formula(
        "F<sub>k</sub>(t) = ∑<sub>t<sub>j</sub> ≤ t</sub> S(t<sub>j</sub>−) d<sub>kj</sub>/n<sub>j</sub>, S free of "
        "every cause",
        "Aalen &amp; Johansen (1978) Scand J Stat 5:141",
    ),
    "survival.subdistribution_ratio": Formula(
        "exp(β) in −log(1 − F<sub>1</sub>(t | x)) = Λ<sub>0</sub>(t) exp(βx)", "Fine &amp; Gray (1999) JASA 94:496"
    ),
    "survival.hazard_ratio_change": Formula("exp(β<sub>after t</sub> − β<sub>before t</sub>), each β by Cox", COX),
    "survival.extrapolation": Formula(
        "∫<sub>0</sub><sup>L</sup> S(t; θ̂) dt, θ̂ by maximum likelihood: exponential, Weibull, Gompertz, log-normal, "
        "log-logistic, generalised gamma",
        "Latimer (2013) NICE DSU TSD 14; Cox et al. (2007) Stat Med 26:4352",
    ),
    "survival.extrapolation_ranking": Formula(
        "share of the m with AIC<sub>best of the real cohort</sub> − min AIC &lt; 4, AIC = 2p − 2 log L",
        "Burnham &amp; Anderson (2002); Vuong (1989) Econometrica 57:307",
    ),
    "survival.hazard_ratio": Formula("exp(β) in h(t | x) = h<sub>0</sub>(t) exp(βx), ties by Efron", COX),
    "survival.censoring": Formula(
        "∫<sub>0</sub><sup>τ</sup> G(t) dt, G the Kaplan-Meier curve with censoring as its event",
        "Schemper &amp; Smith (1996) Control Clin Trials 17:343",
    ),
    "survival.follow_up": Formula("#{i : t<sub>i</sub> ≥ τ}/n"),
    "costs.mean": Formula(MEAN, "Thompson &amp; Barber (2000) BMJ 320:1197"),
    "costs.difference": Formula(
        "C̄<sub>arm</sub> − C̄<sub>reference</sub>, each arm with its own variance", "Welch (1947) Biometrika 34:28"
    ),
    "costs.zero_share": Formula("#{i : C<sub>i</sub> = 0}/n"),
    "costs.quantile": Formula("F<sup>−1</sup>(p), F the distribution of cost", "Woodruff (1952) JASA 47:635"),
    "costs.cv": Formula("SD(C)/C̄"),
    "costs.top_share": Formula(
        "∑ C<sub>i</sub> over the most expensive share of patients / ∑ C<sub>i</sub>",
        "Lorenz (1905) Publ Am Stat Assoc 9:209",
    ),
    "costs.two_part": Formula(
        "exp(α) in logit P(C &gt; 0) = … + α·arm, and exp(γ) in log E(C | C &gt; 0) = … + γ·arm (gamma)",
        "Duan et al. (1983) JBES 1:115; Manning &amp; Mullahy (2001) J Health Econ 20:461",
    ),
    "costs.censored_mean": Formula(
        "(1/n) ∑ δ<sub>i</sub>C<sub>i</sub>/K(t<sub>i</sub>), δ: seen to the end, K: share not yet censored; "
        "or, Lin's, ∑<sub>j</sub> S(t<sub>j</sub>) C̄<sub>j</sub>, C̄<sub>j</sub> the mean cost in interval j of those "
        "followed at its start",
        "Bang &amp; Tsiatis (2000) Biometrika 87:329; Lin et al. (1997) Biometrics 53:419",
    ),
    "costs.wasserstein": Formula(
        "∫<sub>0</sub><sup>1</sup> |F<sub>s</sub><sup>−1</sup>(p) − F<sub>r</sub><sup>−1</sup>(p)| dp / C̄<sub>r</sub>"
    ),
    "utilities.mean": Formula(MEAN),
    "utilities.qaly": Formula(
        "(1/n) ∑<sub>i</sub> ∫ u<sub>i</sub>(t)(1 + r)<sup>−t</sup> dt, u<sub>i</sub> the line through the measures",
        "Matthews et al. (1990) BMJ 300:230; Manca, Hawkins &amp; Sculpher (2005) Health Econ 14:487",
    ),
    "utilities.at_one": Formula("#{i : u<sub>i</sub> = 1}/n"),
    "utilities.below_zero": Formula("#{i : u<sub>i</sub> &lt; 0}/n"),
    "utilities.missing": Formula("#{i : u<sub>i</sub> not known}/n"),
    "economics.inmb": Formula("λ·ΔE − ΔC", "Stinnett &amp; Mullahy (1998) Med Decis Making 18:S68"),
    "economics.incremental_cost": Formula(
        "ΔC = C̄<sub>arm</sub> − C̄<sub>comparator</sub>", "Welch (1947) Biometrika 34:28"
    ),
    "economics.incremental_qaly": Formula(
        "ΔE = Ē<sub>arm</sub> − Ē<sub>comparator</sub>", "Welch (1947) Biometrika 34:28"
    ),
    "economics.decision_agreement": Formula(
        "share of the m whose INMB has the sign of the real cohort's",
        "van der Linden et al. (2025) Value Health 28(11); Clopper &amp; Pearson (1934) Biometrika 26:404",
    ),
    "economics.pooled_decision": Formula(
        "Φ(√m·b/s), b the mean and s the standard deviation of the m INMBs, signed so that the real one is above 0; "
        "interval by the noncentral t",
        "van der Linden et al. (2025) Value Health 28(11); Johnson &amp; Welch (1940) Biometrika 31:362",
    ),
    "economics.ceac": Formula(
        "max<sub>λ</sub> |A<sub>s</sub>(λ) − A<sub>r</sub>(λ)|, A(λ) = Φ(INMB(λ)/SE)",
        "van Hout et al. (1994) Health Econ 3:309",
    ),
    "subgroups.retention": Formula("number of levels lost or invented, beyond what chance explains"),
    "subgroups.representation": Formula("p<sub>s</sub>/p<sub>r</sub>, p the share of the level", "29 CFR 1607.4 D"),
    "subgroups.intersections": Formula(
        "p<sub>s</sub>/p<sub>r</sub>, p the share with both levels",
        "29 CFR 1607.4 D; Bhanot et al. (2021) Entropy 23:1165",
    ),
    "subgroups.target": Formula(
        "p<sub>s</sub>/p<sub>population</sub>", "29 CFR 1607.4 D; Qi et al. (2021) JAMIA 28:1893"
    ),
    "subgroups.disparity": Formula(
        "x̄<sub>level</sub> − x̄<sub>largest level</sub>, x a cost, a utility or μ(τ)",
        "Bhanot et al. (2021) Entropy 23:1165",
    ),
    "structure.marginals": Formula(
        "numbers: max<sub>x</sub> |F<sub>s</sub>(x) − F<sub>r</sub>(x)| (Kolmogorov-Smirnov); levels: ½ ∑ "
        "|p<sub>s</sub> − p<sub>r</sub>| (total variation)"
    ),
    "structure.associations": Formula(
        "mean of |ρ<sub>s</sub> − ρ<sub>r</sub>| over pairs of columns, ρ Spearman's",
        "Spearman (1904) Am J Psychol 15:72",
    ),
    "structure.association_max": Formula(
        "max of |ρ<sub>s</sub> − ρ<sub>r</sub>| over pairs of columns", "Spearman (1904) Am J Psychol 15:72"
    ),
    "structure.conditional_associations": Formula(
        "mean of |ρ<sub>s</sub> − ρ<sub>r</sub>| over pairs of columns, within the group",
        "Spearman (1904) Am J Psychol 15:72",
    ),
    "structure.joint_ranks": Formula(
        "ρ, with variance (1 + ρ²/2)/(n − 3) on Fisher's scale", "Bonett &amp; Wright (2000) Psychometrika 65:23"
    ),
    "structure.propensity": Formula(
        "(pMSE − E₀)/(c(1 − c)), pMSE = (1/N) ∑ (p̂<sub>i</sub> − c)², c the share of synthetic rows, E₀ what a "
        "synthesis of the same law would have",
        "Snoke et al. (2018) J R Stat Soc A 181:663",
    ),
    "structure.missingness": Formula("#{i : x<sub>i</sub> missing}/n"),
    "inference.precision": Formula(
        "SE of a plain analysis of one synthetic cohort / SE of the same analysis of the patients"
    ),
    "disclosure.copies": Formula(
        "rows equal to a patient in every column / rows, and patients equal to a row of any cohort / patients, "
        "each less the same for people never seen"
    ),
    "disclosure.near_copies": Formula(
        "rows with a patient's levels and, of every number x, |x<sub>row</sub> − x<sub>patient</sub>| ≤ SD(x)/20, "
        "/ rows, less the same for people never seen"
    ),
    "disclosure.contamination": Formula("rows equal to a person kept aside / rows, less the share of patients who are"),
    "disclosure.nearest": Formula("P(nearest person is a patient of the source) − ½, as if as many were never seen"),
    "disclosure.membership": Formula(
        "AUC − ½ of the score log(distance to the nearest other person / distance to the nearest row)",
        "van Breugel et al. (2023) AISTATS, PMLR 206:3493; DeLong et al. (1988) Biometrics 44:837",
    ),
    "disclosure.attribute": Formula(BEYOND, GIOMI),
    "disclosure.singling_out": Formula(BEYOND, GIOMI),
    "disclosure.linkability": Formula(BEYOND, GIOMI),
}
"""Key of an estimand to its formula."""


def formulas_for(keys: Iterable[str]) -> list[tuple[str, str, Formula]]:
    """Plain name, key and formula of each of these estimands, each once, in the table's order."""
    asked = set(keys)
    return [(PLAIN[key], key, formula) for key, formula in FORMULAS.items() if key in asked]
