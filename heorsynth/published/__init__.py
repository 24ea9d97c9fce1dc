"""Published trials: what a paper states, read with its sources, the cohorts that agree with it, and comparisons."""

from heorsynth.published.comparison.compare import indirect_comparison
from heorsynth.published.covariates.cohorts import cohorts
from heorsynth.published.covariates.prior import Prior
from heorsynth.published.covariates.published_cohorts import PublishedCohorts
from heorsynth.published.paper.read import read
from heorsynth.published.reconstruction.cohorts import ReconstructedCohorts
from heorsynth.published.reconstruction.joined import joined
from heorsynth.published.reconstruction.reconstruct import reconstruct
from heorsynth.published.trial.trial import PublishedTrial

__all__ = (
    "Prior",
    "PublishedCohorts",
    "PublishedTrial",
    "ReconstructedCohorts",
    "cohorts",
    "indirect_comparison",
    "joined",
    "read",
    "reconstruct",
)
