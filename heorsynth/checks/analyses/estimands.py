"""The estimands of the user's own analyses."""

from __future__ import annotations

from heorsynth.checks.analyses import answers
from heorsynth.checks.core.estimand import ONE, Estimand

ESTIMATE = Estimand(
    key="analyses.estimate",
    plain="estimates of your own analysis",
    definition="estimate of a declared analysis, synthetic minus real; the margin counts standard errors",
    formula="β̂<sub>synthetic</sub> − β̂<sub>real</sub>, in units of SE(β̂<sub>real</sub>)",
    source="Raab, Nowok &amp; Dibben (2016) J Priv Confid 7(3):67",
    answer=answers.estimate,
    scales=ONE,
    settings={answers.ANALYSES: ()},
    margin={"absolute": 1.0},
    reason="with a bias of one standard error a 95% interval still covers 83%; a declared margin replaces it",
    limit=3.0,
)

DECISION = Estimand(
    key="analyses.decision",
    plain="decision of your own analysis",
    definition="probability that the pooled cohorts give the sign and significance of the real estimate",
    formula="Φ(√m·μ/σ), of β̂ beyond the edge of significance",
    source="Raab, Nowok &amp; Dibben (2016) J Priv Confid 7(3):67",
    answer=answers.decisions,
    scales=ONE,
    settings={answers.ANALYSES: ()},
    margin={"absolute": 0.05},
    reason="as for the decision of an economic evaluation: the pooled cohorts must give it in 95 of 100 cases",
    limit=0.5,
)

OVERLAP = Estimand(
    key="analyses.overlap",
    plain="overlap of intervals of your own analysis",
    definition="overlap of the real 95% interval with the pooled one: the mean share of each that lies in the other",
    formula="½(|I<sub>real</sub> ∩ I<sub>pooled</sub>|/|I<sub>real</sub>| + |I<sub>real</sub> ∩ I<sub>pooled</sub>|/"
    "|I<sub>pooled</sub>|)",
    source="Karr, Kohnen, Oganian, Reiter &amp; Sanil (2006) Am Stat 60:224",
    answer=answers.overlaps,
    scales=ONE,
    settings={answers.ANALYSES: ()},
    margin={"absolute": 0.3},
    reason="two intervals of equal width that are one standard error apart overlap by 0.74",
    limit=0.5,
)

OF_ANALYSES = (ESTIMATE, DECISION, OVERLAP)
"""The estimands that every declared analysis is asked for."""
