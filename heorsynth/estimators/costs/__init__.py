"""Cost and utility estimators: means, quantiles, two-part models, censored costs."""
