"""Facts of one paper that cannot all be true, found and measured."""

__all__ = ("contradictions", "counts", "curves")
