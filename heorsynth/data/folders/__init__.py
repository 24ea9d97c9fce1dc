"""Many partitions: counted without holding all rows."""

__all__ = ("cohort_folder", "keyed_patients", "moments", "partitions", "sampling", "tally", "value_counts")
