"""Published generators and two controls, behind the same interface. None imports another."""

__all__ = ("arf", "bootstrap", "forest_diffusion", "marginals", "sdv", "trees")
