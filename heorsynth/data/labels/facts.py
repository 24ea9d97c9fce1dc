"""What a generator can set equal to its source by construction, in words that a label, a check and a reader share."""

from __future__ import annotations

SURVIVAL_CURVES = "survival curves by arm"
RESTRICTED_MEANS = "restricted mean survival times"
COUNTS = "counts of arms and subgroups"
MEAN_COSTS = "mean costs"
NO_COST = "shares of patients without cost"
MEAN_EFFECTS = "mean utilities and QALYs"
COVARIANCES = "covariances of all columns by arm"
RULES = "rules that every row obeys"
CLUSTER_ARMS = "arms of whole clusters"

FACTS = (SURVIVAL_CURVES, RESTRICTED_MEANS, COUNTS, MEAN_COSTS, NO_COST, MEAN_EFFECTS, COVARIANCES, RULES, CLUSTER_ARMS)
"""The facts. An estimand names those that fix it (`Estimand.fixed_by`)."""
