"""What a purpose asks, fixed before any result is seen."""
