"""Facts of one paper that cannot all be true, found and measured."""

__all__ = ("contradiction", "contradictions", "counts", "curves")
