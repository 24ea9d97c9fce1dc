"""What a text may say of a synthetic patient: closed slots, their values, and the vocabulary of a language."""

__all__ = ("sheet", "vocabulary")
