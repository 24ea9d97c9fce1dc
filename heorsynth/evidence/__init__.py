"""Findings joined to the lineage of the rows: the verdict."""

__all__ = ("evidence", "finding_text", "folders", "validate")
