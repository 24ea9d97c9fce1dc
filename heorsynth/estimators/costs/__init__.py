"""Cost and utility estimators: means, quantiles, two-part models, censored costs."""

__all__ = ("censored", "costs", "quantiles", "two_part", "utilities")
