"""Errors, named random streams, estimates, display; knows nothing of health and imports no other room."""

__all__ = (
    "blocks",
    "disclosure",
    "display",
    "errors",
    "estimate",
    "json_schema",
    "numbers",
    "ordering",
    "plugins",
    "random",
    "ranks",
    "reading",
    "secret",
    "section",
    "yaml_lines",
)
