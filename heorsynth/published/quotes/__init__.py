"""Numbers of a paper file and the sentences they are quoted from."""

__all__ = ("accepted", "sentence", "statements")
