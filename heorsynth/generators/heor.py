"""The default generator, made for small and under-represented cohorts; it needs neither SDV nor torch."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from heorsynth.core.errors import GeneratorError, Problem, nearest
from heorsynth.core.random import stream
from heorsynth.data.cohort import Cohort
from heorsynth.generators.latent.dependence import Thresholds
from heorsynth.generators.latent.law import HeorLaw
from heorsynth.generators.sampler import Sampler
from heorsynth.generators.source import require_source

PRIVACY = {
    "standard": Thresholds(residual=2.5, score=3.0, hazard=0.5),
    "strong": Thresholds(residual=9.0, score=16.0, hazard=6.0),
}
"""How much of what a sample shows by chance is forgotten; `benchmarks/generators.py` measures what it costs."""

BY_CONSTRUCTION = {
    "subgroups": ("subgroups.representation", "subgroups.intersections"),
    "costs": ("costs.mean", "costs.difference", "costs.zero_share", "economics.incremental_cost"),
    "utilities": ("utilities.mean", "economics.incremental_qaly", "economics.inmb"),
}
"""Role to the estimands that are the source's own whatever the cohort: no evidence that the copy is faithful."""


@dataclass(frozen=True)
class Heor:
    """Exact subgroups, survival by construction, costs with their zeros and tails, and little memory of patients.

    Parameters
    ----------
    privacy : str     "standard", or "strong": weaker associations are forgotten, so that rows lie no nearer to
                      the patients it was fitted to than to others; what it costs is in docs/methods.md

    Notes
    -----
    1. Every cell of arm and subgroups gets its share of rows, to rounding.
    2. Within each cell, follow-up and how it ended are drawn evenly along a smoothed quantile function.
    3. Every other column follows a latent normal score, tied to the arm, the subgroups, the martingale residual
       and the time of the outcome, and to the other columns; associations a sample of this size shows by
       chance are shrunk away (positive-part James-Stein).
    4. Values come from the column's own smoothed quantile function or shares: spikes, zeros, heaping and means
       are kept, no piece rests on fewer than five patients.

    Examples
    --------
    ``Heor().fit(cohort, seed=1).sample(m=20, seed=1)``
    """

    privacy: str = "standard"

    def __post_init__(self) -> None:
        if self.privacy not in PRIVACY:
            raise GeneratorError(
                "generator 'heor'",
                Problem("privacy", f"{self.privacy!r} is not a setting", nearest(str(self.privacy), PRIVACY)),
            )

    @property
    def name(self) -> str:
        return "heor"

    def fit(self, cohort: Cohort, seed: int) -> Sampler:
        """The sampler of this cohort's law.

        Raises
        ------
        CohortError        the cohort cannot be a source; see `heorsynth.generators.source.require_source`
        """
        require_source(cohort)
        law = HeorLaw.of(cohort, PRIVACY[self.privacy], stream(seed, "heor"))
        pooled = {"pooled_rare_levels": dict(law.shape.pooled)} if law.shape.pooled else {}
        kept = tuple(key for role, keys in BY_CONSTRUCTION.items() if getattr(cohort.schema, role) for key in keys)
        return Sampler.fitted(self.name, {**asdict(self), **pooled}, cohort, law, seed, kept)
