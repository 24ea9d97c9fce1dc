"""Tables, figures and the dossier."""

__all__ = ("dossier", "governance", "label")
