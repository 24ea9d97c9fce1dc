"""What hides one patient in a law: caps and chance, and differential privacy with its account."""

__all__ = ("account", "counts", "guard", "public")
