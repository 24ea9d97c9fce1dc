"""Vignettes, case summaries and questionnaire answers for synthetic patients, from templates or from a model."""

__all__ = ("narrate", "narratives", "writer")
