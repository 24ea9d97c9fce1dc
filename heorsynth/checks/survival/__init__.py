"""Checks of survival and follow-up."""
