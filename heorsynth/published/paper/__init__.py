"""A paper file: its schema, its facts with their sources, and where they contradict each other."""

__all__ = ("files", "names", "paper", "read")
