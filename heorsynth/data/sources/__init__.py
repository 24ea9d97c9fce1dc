"""Other systems' tables, joined into one row a patient: CDISC ADaM data sets, and databases in the OMOP data model."""

__all__ = ("adam", "adam_write", "adtte", "omop", "omop_database")
