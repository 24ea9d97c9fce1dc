"""Other people's generators behind the same interface."""

__all__ = ("arf", "bootstrap", "marginals", "sdv")
