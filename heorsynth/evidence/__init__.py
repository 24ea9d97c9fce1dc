"""Findings joined to the lineage of the rows: the verdict."""
