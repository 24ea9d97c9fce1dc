"""Errors, named random streams, estimates, display; knows nothing of health and imports no other room."""

__all__ = (
    "blocks",
    "decimals",
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
    "resampling",
    "secret",
    "section",
    "yaml_lines",
)
