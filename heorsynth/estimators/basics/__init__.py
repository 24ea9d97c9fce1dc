"""What several families of estimators share: near ties, separation, and proportions."""

__all__ = ("maximum", "proportions", "separation", "ties")
