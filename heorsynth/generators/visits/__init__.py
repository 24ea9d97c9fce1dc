"""Rule: who attends which visit, and what patients would have had at visits that they missed; knows no law."""

__all__ = ("attendance", "completion")
