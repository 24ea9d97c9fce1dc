"""Checks of texts against the rows they tell and against other texts, each with its own error rates."""

__all__ = ("check_text", "counterfactual", "drift", "findings", "shares", "text_scaling")
