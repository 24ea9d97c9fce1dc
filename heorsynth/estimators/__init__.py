"""Arrays in, an `Estimate` out; knows nothing of cohorts, margins or generators."""
