"""Runs tasks in process, on several cores or on Dask; knows nothing of health."""

__all__ = ("engine", "progress", "task")
