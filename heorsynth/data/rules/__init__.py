"""Rules that every row obeys: discovered, read from text, tested and mended; knows no cohort or generator."""

__all__ = ("discover", "level_rules", "mending", "numeric_rules", "rule", "rules")
