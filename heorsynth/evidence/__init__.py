"""Evidence: findings, the lineage of the rows, and the verdict."""

__all__ = (
    "answers",
    "economics",
    "evidence",
    "finding_text",
    "folders",
    "paper",
    "preconditions",
    "publish",
    "validate",
)
