"""Blinded sheets for people who rate texts, and their agreement and rates."""

__all__ = ("rating_kit",)
