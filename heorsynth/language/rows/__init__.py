"""Rows of patients that a language model writes from a paper: a peer that exists only to be judged."""

__all__: tuple[str, ...] = ()
