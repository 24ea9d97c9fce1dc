"""Published trials: what a paper states, read with its sources, and compared with own patients."""

from heorsynth.published.comparison.compare import indirect_comparison
from heorsynth.published.paper.read import read

__all__ = ("indirect_comparison", "read")
