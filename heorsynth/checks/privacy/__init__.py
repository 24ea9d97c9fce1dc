"""Attacks on the synthetic rows."""
