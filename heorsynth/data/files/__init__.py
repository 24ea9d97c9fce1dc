"""One file: read and written with its label."""

__all__ = ("adtte", "augmented", "csv_dialect", "io", "limits", "parquet_write", "statistical")
