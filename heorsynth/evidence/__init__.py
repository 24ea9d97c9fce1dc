"""Evidence: findings, the lineage of the rows, and the verdict."""

__all__ = ("economics", "evidence", "finding_text", "folders", "preconditions", "validate")
