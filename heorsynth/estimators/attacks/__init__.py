"""Attacks on synthetic rows: their success on training patients and on people the generator never saw."""

__all__ = ("attack", "differencing", "guesses", "members", "records")
