"""`heorsynth init`: a first protocol, guessed from a file."""

__all__ = ("init",)
