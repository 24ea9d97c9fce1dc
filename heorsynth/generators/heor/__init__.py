"""`heor`, the default generator, made for small cohorts. It imports no other generator."""

__all__ = ("law", "recipe", "subsample")
