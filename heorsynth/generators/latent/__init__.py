"""The latent law of `heor`: how normal scores depend on one another. Arrays in, arrays out; it knows no column."""

__all__ = ("associations", "dependence", "products", "quantiles", "wide")
