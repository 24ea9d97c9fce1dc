"""`heor`, the default generator, made for small cohorts. It imports no other generator."""

__all__ = ("keep_columns", "law", "recipe", "subsample")
