"""Other people's generators behind the same interface."""
