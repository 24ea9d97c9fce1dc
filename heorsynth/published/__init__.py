"""Published trials: what a paper states, read with its sources."""

from heorsynth.published.paper.read import read

__all__ = ("read",)
