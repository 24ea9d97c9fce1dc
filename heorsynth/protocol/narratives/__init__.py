"""The texts of a run: told of synthetic patients, checked, and written with the records of a model's calls."""

__all__ = ("files", "tell")
