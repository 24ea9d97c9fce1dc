"""The protocol file: its keys, its source, and the line of each error."""

__all__ = (
    "analyses",
    "error_lines",
    "kept_columns",
    "narratives",
    "published",
    "release",
    "source",
    "spec",
    "template",
    "yaml",
)
