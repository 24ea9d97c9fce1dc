"""Rule: what repeated measurements are, and what is derived from them, in names and arrays; knows no cohort."""

__all__ = ("area", "long_table", "schedule", "units")
