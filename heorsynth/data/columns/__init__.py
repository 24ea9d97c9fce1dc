"""What each column holds, and the roles that a user may declare."""

__all__ = (
    "arrays",
    "clusters",
    "column_types",
    "detection",
    "event_words",
    "holdable",
    "identifiers",
    "kinds",
    "levels",
    "number_text",
    "reading_notes",
    "role_checks",
    "rule_choice",
    "schema",
)
