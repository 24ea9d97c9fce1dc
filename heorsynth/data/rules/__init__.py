"""Rules that every row obeys: discovered, read from text, tested and mended; knows no cohort or generator."""

__all__ = ()
