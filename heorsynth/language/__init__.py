"""Texts from synthetic rows, checks of such texts, and language models on record: no patient's row meets a model."""

__all__: tuple[str, ...] = ()
