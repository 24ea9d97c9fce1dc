"""What a paper prints of its patients, and the cohorts that agree with it."""

from heorsynth.published.reconstruction.cohorts import ReconstructedCohorts
from heorsynth.published.reconstruction.joined import joined
from heorsynth.published.reconstruction.reconstruct import reconstruct

__all__ = ("ReconstructedCohorts", "joined", "reconstruct")
