"""What a text says of a patient: numbers, dates, levels, events and what no fact supports, read without a model."""

__all__ = ("compare", "plain")
