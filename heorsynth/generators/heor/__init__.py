"""The small-cohort generator of this project; imports no other generator."""
