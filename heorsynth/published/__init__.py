"""Curves and tables of a paper, and the cohorts that agree with them."""
