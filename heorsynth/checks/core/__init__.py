"""The parts of a finding: estimand, margin, group, and the comparison of real with synthetic."""

__all__ = (
    "distance",
    "estimand",
    "finding",
    "groups",
    "kept",
    "margin",
    "observed",
    "question",
    "refusals",
    "scalar",
    "standing",
    "strata",
)
