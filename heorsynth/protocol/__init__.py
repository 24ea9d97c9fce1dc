"""The protocol and its run: the main path is `run`."""

__all__ = ("lock", "notebook", "replicate", "run", "verify")
