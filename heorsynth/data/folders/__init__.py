"""Many partitions: counted without holding all rows."""
