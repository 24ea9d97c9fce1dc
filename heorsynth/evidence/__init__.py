"""Evidence: findings, the lineage of the rows, and the verdict."""

__all__ = ("evidence", "finding_text", "folders", "preconditions", "validate")
