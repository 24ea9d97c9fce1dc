"""Survival estimators: curves, hazard ratios, competing risks, parametric models."""
