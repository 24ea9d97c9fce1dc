"""The estimands of subgroups, distributions and relations between columns."""

from __future__ import annotations

from heorsynth.checks.core.estimand import COUNTS, LARGEST_LOG_RATIO, ONE, Estimand
from heorsynth.checks.structure import (
    characteristics,
    check,
    clusters,
    disparities,
    joint,
    panel,
    population_shares,
    rules,
    subgroups,
)
from heorsynth.data.labels import facts

RETENTION = Estimand(
    key="subgroups.retention",
    plain="groups lost or invented",
    definition="number of levels of arm and subgroups that the synthetic cohorts lost or invented, beyond chance",
    formula="number of levels lost or invented, beyond chance",
    answer=subgroups.retention,
    unit="levels",
    scales=ONE,
    margin={"absolute": 0.5},
    reason="a level is present or it is not",
    limit=1.0,
    folders=COUNTS,
)

REPRESENTATION = Estimand(
    key="subgroups.representation",
    plain="share of a group",
    definition="share of a level in the synthetic cohorts divided by its share in the real one",
    formula="p<sub>s</sub>/p<sub>r</sub>, p the share of the level",
    source="29 CFR 1607.4 D",
    answer=subgroups.shares,
    scales=("ratio",),
    needs=("subgroups",),
    margin={"ratio": [0.8, 1.25]},
    reason="the four-fifths rule for adverse impact (29 CFR 1607.4 D, 1978), in both directions",
    limit=LARGEST_LOG_RATIO,
    folders=COUNTS,
    fixed_by=(facts.COUNTS,),
)

INTERSECTIONS = Estimand(
    key="subgroups.intersections",
    plain="share of two groups at once",
    definition="share of patients with two levels of two subgroups, synthetic divided by real, if enough real "
    "patients have both",
    formula="p<sub>s</sub>/p<sub>r</sub>, p the share with both levels",
    source="29 CFR 1607.4 D; Bhanot et al. (2021) Entropy 23:1165",
    answer=subgroups.shares_of_two,
    scales=("ratio",),
    settings={"min_count": 10},
    needs=("subgroups",),
    margin={"ratio": [0.8, 1.25]},
    reason="as for single levels",
    limit=LARGEST_LOG_RATIO,
    folders=COUNTS,
    fixed_by=(facts.COUNTS,),
)

TARGET = Estimand(
    key="subgroups.target",
    plain="share of a group against a population",
    definition="share of a level in the synthetic cohorts divided by its share in a target population (only if "
    "`targets` declares one)",
    formula="p<sub>s</sub>/p<sub>population</sub>",
    source="29 CFR 1607.4 D; Qi et al. (2021) JAMIA 28:1893",
    answer=population_shares.against_targets,
    scales=("ratio",),
    settings={"targets": None},
    needs=("subgroups",),
    limit=LARGEST_LOG_RATIO,
    folders=COUNTS,
)

DISPARITY = Estimand(
    key="subgroups.disparity",
    plain="gap between groups",
    definition="gap between a level of a subgroup and its largest level, in mean cost, mean utility and "
    "restricted mean time",
    formula="x̄<sub>level</sub> − x̄<sub>largest level</sub>, x a cost, a utility or μ(τ)",
    source="Bhanot et al. (2021) Entropy 23:1165",
    answer=disparities.disparities,
    scales=("relative",),
    needs=("subgroups",),
    margin={"relative": 0.1},
    reason="a tenth of the value in the largest group, as for means: a gap that changes by more is a different gap",
    relative_to="the value in the largest level",
    folders=COUNTS,
    fixed_by=(facts.COUNTS,),
)

MARGINALS = Estimand(
    key="structure.marginals",
    plain="distribution of a column",
    definition="distance between the distributions of a column: Kolmogorov-Smirnov for numbers, total "
    "variation for levels; 1 where the patients' values differ and one of them is left",
    formula="numbers: max<sub>x</sub> |F<sub>s</sub>(x) − F<sub>r</sub>(x)| (Kolmogorov-Smirnov); levels: ½ "
    "∑ |p<sub>s</sub> − p<sub>r</sub>| (total variation)",
    answer=check.marginals,
    scales=ONE,
    margin={"absolute": 0.1},
    reason="the share of patients below any value may differ by at most ten percentage points",
    limit=0.5,
)

ASSOCIATIONS = Estimand(
    key="structure.associations",
    plain="relations between columns, on average",
    definition="mean distance between pairwise rank correlations, over all pairs of columns (levels as indicators)",
    formula="mean of |ρ<sub>s</sub> − ρ<sub>r</sub>| over pairs of columns, ρ Spearman's",
    source="Spearman (1904) Am J Psychol 15:72",
    fixed_by=(facts.COVARIANCES,),
    answer=joint.associations,
    scales=ONE,
    margin={"absolute": 0.1},
    reason="0.1 is a small correlation by convention (Cohen 1988)",
    limit=0.5,
)

ASSOCIATION_MAX = Estimand(
    key="structure.association_max",
    plain="relation between columns that differs most",
    definition="largest distance between pairwise rank correlations, over all pairs of columns (levels as indicators)",
    formula="max of |ρ<sub>s</sub> − ρ<sub>r</sub>| over pairs of columns",
    source="Spearman (1904) Am J Psychol 15:72",
    fixed_by=(facts.COVARIANCES,),
    answer=joint.largest_association,
    scales=ONE,
    margin={"absolute": 0.3},
    reason="0.3 is a medium correlation by convention (Cohen 1988): no correlation of that size may be lost",
    limit=1.0,
)

CONDITIONAL_ASSOCIATIONS = Estimand(
    key="structure.conditional_associations",
    plain="relations between columns within a group",
    definition="mean distance between pairwise rank correlations within a level of arm or subgroup",
    formula="mean of |ρ<sub>s</sub> − ρ<sub>r</sub>| over pairs of columns, within the group",
    source="Spearman (1904) Am J Psychol 15:72",
    answer=joint.conditional_associations,
    scales=ONE,
    margin={"absolute": 0.1},
    reason="as for the associations in all patients",
    limit=0.5,
)

JOINT_RANKS = Estimand(
    key="structure.joint_ranks",
    plain="relation of cost, quality of life and time",
    definition="rank correlation of each pair of costs, utilities and follow-up times",
    formula="ρ, with variance (1 + ρ²/2)/(n − 3) on Fisher's scale",
    source="Bonett &amp; Wright (2000) Psychometrika 65:23",
    answer=joint.joint_ranks,
    scales=ONE,
    margin={"absolute": 0.1},
    reason="as for the associations; these matter most to an economic evaluation",
    limit=1.0,
)

PROPENSITY = Estimand(
    key="structure.propensity",
    plain="how well a model separates synthetic rows from real",
    definition="share of the variance of being synthetic that a logistic model of all columns explains, beyond "
    "chance (pMSE)",
    formula="(pMSE − E₀)/(c(1 − c)), pMSE = (1/N) ∑ (p̂<sub>i</sub> − c)², c the share of synthetic rows, E₀ "
    "its expectation if synthetic and real rows have the same distribution",
    source="Snoke et al. (2018) J R Stat Soc A 181:663",
    answer=joint.told_apart,
    scales=ONE,
    margin={"absolute": 0.02},
    reason="0.02 of the variance is a small effect by convention (Cohen 1988)",
    limit=0.25,
)

MISSINGNESS = Estimand(
    key="structure.missingness",
    plain="share of a column that is missing",
    definition="share of a column that is missing",
    formula="#{i : x<sub>i</sub> missing}/n",
    answer=check.missingness,
    scales=ONE,
    margin={"absolute": 0.05},
    reason="five percentage points of missing values change how an analysis must handle them",
    limit=0.5,
    folders=COUNTS,
)

RULES = Estimand(
    key="structure.rules",
    plain="rows that break a rule of the patients",
    definition="share of rows that break a rule which every patient obeys, for each rule that is declared or "
    "discovered (`cohort.rules()`), such as an order, a sum, a band, a code with its label, or an implied value",
    formula="#{i : row i breaks the rule}/n",
    source="Brègman (1973) Soviet Math Dokl 14:945, the bound by which a rule is no accident",
    fixed_by=(facts.RULES,),
    answer=rules.broken,
    scales=ONE,
    margin={"absolute": 0.01},
    reason="no patient breaks it, so a row that does is seen to be impossible; one in a hundred is the least that an "
    "analysis which leaves such rows out would notice",
    limit=0.1,
)

CLUSTERS = Estimand(
    key="structure.icc",
    plain="likeness of patients of one cluster",
    definition="factor by which clusters widen the standard error of a mean, for each cost, utility and endpoint "
    "within arms; it is 1 where the patients of a cluster are no more alike than others",
    formula="√(1 + (n<sub>0</sub> − 1)·ICC), ICC by one-way analysis of variance; of an endpoint that of its "
    "martingale residuals",
    source="Donner &amp; Koval (1980) Biometrics 36:19; Kish (1965) Survey Sampling, the design effect",
    answer=clusters.alike,
    scales=("ratio",),
    needs=("cluster",),
    margin={"ratio": [0.8, 1.25]},
    reason="an analysis that allows for clusters then reports a standard error that is at most a quarter too wide or a "
    "fifth too narrow, as a trial with two thirds or one and a half times its patients would",
    limit=LARGEST_LOG_RATIO,
)

CLUSTER_ARMS = Estimand(
    key="structure.cluster_arms",
    plain="clusters with one arm",
    definition="share of clusters, of those with two patients or more, whose patients all have the same arm",
    formula="#{g : all patients of g have one arm}/#{g : n<sub>g</sub> ≥ 2}",
    source="Donner &amp; Klar (2000) Cluster Randomization Trials",
    answer=clusters.arms,
    scales=ONE,
    needs=("cluster", "arm"),
    margin={"absolute": 0.05},
    reason="a cluster with both arms, where whole clusters were randomised, is of another trial; one in twenty is less "
    "than one cluster of most trials",
    limit=0.5,
    fixed_by=(facts.CLUSTER_ARMS,),
)

PANEL = Estimand(
    key="structure.panel",
    plain="analyses that nobody declared",
    definition="share of up to 300 analyses, drawn by the seed from all columns, whose mean estimate over the cohorts "
    "is off by more than one standard error of the patients; of the three kinds, the one with the largest share",
    formula="#{j : |θ̄<sub>s,j</sub> − θ<sub>r,j</sub>| &gt; SE<sub>r,j</sub>}/J, the largest over three kinds: "
    "θ<sub>j</sub> a difference of two means, an adjusted coefficient, or the effect of treatment by a covariate",
    source="Karr et al. (2006) Am Stat 60:224; MacKinnon &amp; White (1985) J Econometrics 29:305; Benjamini &amp; "
    "Hochberg (1995) JRSS B 57:289",
    fixed_by=(facts.COVARIANCES,),
    answer=panel.panel,
    scales=ONE,
    margin={"absolute": 0.1},
    reason="at a difference of one standard error a 95% interval covers in 83%: nine of ten analyses that nobody "
    "thought of must do better",
    limit=0.317,
)

CHARACTERISTICS = Estimand(
    key="structure.characteristics",
    plain="characteristics as a baseline table states them",
    definition="mean of each numeric covariate, and share of each level, in standard deviations of the patients",
    formula="x̄/s<sub>r</sub>; p/√(p<sub>r</sub>(1 − p<sub>r</sub>))",
    source="Austin (2009) Stat Med 28:3083",
    answer=characteristics.characteristics,
    scales=ONE,
    margin={"absolute": 0.1},
    reason="a standardised difference of 0.1 is the usual limit of balance (Austin 2009); matching adjusts for less",
    limit=0.5,
)
