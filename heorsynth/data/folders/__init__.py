"""Many partitions: counted without holding all rows."""

__all__ = (
    "cohort_folder",
    "keyed_patients",
    "moments",
    "one_pass",
    "partitions",
    "sampling",
    "tally",
    "total",
    "value_counts",
)
