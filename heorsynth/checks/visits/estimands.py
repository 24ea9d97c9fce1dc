"""The estimands of visits. A new one needs an entry here, its function and a test."""

from __future__ import annotations

from heorsynth.checks.core.estimand import CONTRASTS, EVERYONE, EVERYONE_AND_ARMS, ONE, Estimand
from heorsynth.checks.visits import answers

_OF = {"measure": None}

MEAN_PROFILE = Estimand(
    key="visits.mean_profile",
    plain="mean at each visit",
    definition="mean of a measure at each visit, over the living patients who were measured",
    formula="x̄<sub>j</sub> = (1/n<sub>j</sub>) ∑ x<sub>ij</sub>, over the n<sub>j</sub> living patients with "
    "x<sub>ij</sub> known",
    source="Matthews et al. (1990) BMJ 300:230",
    answer=answers.profile,
    asked_of=EVERYONE_AND_ARMS,
    scales=("relative",),
    settings=_OF,
    needs=("visits",),
    margin={"relative": 0.1},
    reason="as for mean cost and mean quality of life: a tenth at every visit is a tenth of the total",
)

CORRELATION = Estimand(
    key="visits.correlation",
    plain="correlation over time",
    definition="largest distance between the rank correlations of two visits of a measure, over all pairs of visits",
    formula="max<sub>j&lt;k</sub> |ρ<sub>s,jk</sub> − ρ<sub>r,jk</sub>|, ρ<sub>jk</sub> Spearman's of visits j and k",
    source="Spearman (1904) Am J Psychol 15:72",
    answer=answers.correlation,
    asked_of=EVERYONE,
    scales=ONE,
    settings=_OF,
    needs=("visits",),
    margin={"absolute": 0.1},
    reason="0.1 is a small correlation by convention (Cohen 1988); the variance of an area rests on these correlations",
    limit=1.0,
)

CHANGE = Estimand(
    key="visits.change_from_baseline",
    plain="effect on the change from baseline",
    definition="difference between an arm and the reference in mean change from baseline to the last visit, given the "
    "baseline, by a mixed model for repeated measures with an unstructured covariance",
    formula="β<sub>K</sub> in x<sub>ij</sub> = α<sub>j</sub> + β<sub>j</sub>·arm + γ<sub>j</sub>x<sub>i0</sub> + "
    "e<sub>ij</sub>, K the last visit, e<sub>i</sub> normal with any covariance (REML)",
    source="Mallinckrodt, Clark &amp; David (2001) J Biopharm Stat 11:9",
    answer=answers.change,
    asked_of=CONTRASTS,
    scales=("relative",),
    settings=_OF,
    needs=("visits", "arm"),
    margin={"relative": 0.2},
    reason="a fifth of the standard deviation is a small effect by convention (Cohen 1988)",
    relative_to="the standard deviation at baseline",
)

DROPOUT = Estimand(
    key="visits.dropout",
    plain="share still attending",
    definition="largest distance between the shares of living patients who attend a visit or a later one, over visits",
    formula="max<sub>j</sub> |A<sub>s</sub>(j) − A<sub>r</sub>(j)|, A(j) the share of patients alive at visit j with a "
    "value at j or later",
    source="Little (1995) J Am Stat Assoc 90:1112",
    answer=answers.dropout,
    asked_of=EVERYONE_AND_ARMS,
    scales=ONE,
    settings=_OF,
    needs=("visits",),
    margin={"absolute": 0.05},
    reason="five percentage points of missing values change how an analysis must handle them",
    limit=0.5,
)

MISSING_PATTERN = Estimand(
    key="visits.missing_pattern",
    plain="pattern of missing visits",
    definition="share of patients whose values are missing only after the last visit that they attended (monotone), "
    "and share with a gap before it (intermittent)",
    formula="#{i : pattern of i}/n",
    source="Rubin (1976) Biometrika 63:581",
    answer=answers.pattern,
    asked_of=EVERYONE_AND_ARMS,
    scales=ONE,
    settings=_OF,
    needs=("visits",),
    margin={"absolute": 0.05},
    reason="as for dropout",
    limit=0.5,
)

AREA = Estimand(
    key="visits.area",
    plain="QALYs and costs from their visits",
    definition="mean of a column that is derived from visits, such as QALYs under utilities or the total of costs, "
    "from the known values of all patients; 0 after death",
    formula="∑<sub>j</sub> w̄<sub>j</sub>x̄<sub>j</sub>, w<sub>ij</sub> the weight of visit j in the area or total of "
    "patient i, x̄<sub>j</sub> the weighted mean of known values",
    source="Manca, Hawkins &amp; Sculpher (2005) Health Econ 14:487",
    answer=answers.area,
    asked_of=EVERYONE_AND_ARMS,
    scales=("relative",),
    settings=_OF,
    needs=("derived",),
    margin={"relative": 0.1},
    reason="as for mean cost and mean quality of life",
)

CONTRADICTIONS = Estimand(
    key="visits.contradictions",
    plain="rows that contradict their visits",
    definition="share of rows with a value after death, or with a derived column that is not what its visits give",
    formula="#{i : row i has either}/n",
    answer=answers.contradictions,
    asked_of=EVERYONE,
    scales=ONE,
    settings=_OF,
    needs=("visits",),
    margin={"absolute": 0.01},
    reason="as for rules: no patient does, so a row that does is seen to be impossible",
    limit=0.1,
)
