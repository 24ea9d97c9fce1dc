"""Published generators and two controls, behind the same interface. None imports another."""

__all__ = ("arf", "bootstrap", "marginals", "sdv")
