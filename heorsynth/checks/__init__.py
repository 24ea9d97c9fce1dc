"""Compares synthetic with real cohorts; never knows which generator drew them."""
