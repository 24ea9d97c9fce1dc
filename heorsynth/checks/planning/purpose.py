"""What a purpose is: a question, and the estimands that decide it or support it."""

from __future__ import annotations

from dataclasses import dataclass

from heorsynth.checks.core.estimand import FAITHFUL, PRIVATE, SUFFICIENT, DefaultMargin, Estimand
from heorsynth.checks.core.finding import POOLED
from heorsynth.data.columns.schema import Schema


@dataclass(frozen=True)
class Purpose:
    """A use of synthetic cohorts.

    Attributes
    ----------
    question : str           the question that the verdict answers
    decides : tuple          estimands the verdict depends on, overall and by arm
    supports : tuple         supporting estimands, shown but without effect on the verdict
    by_subgroup : tuple      keys that also decide within every subgroup level
    with_covariates : tuple  keys that decide only if the cohort has covariates
    notes : tuple            notes for the reader, whatever the findings
    roles : tuple            roles without which the question cannot be answered; of alternatives one is enough
    about_others : bool      whether it claims something about patients beyond these; then they must be sufficient
    use : str                POOLED, or SINGLE if one cohort goes out alone
    """

    name: str
    question: str
    decides: tuple[Estimand | DefaultMargin, ...]
    supports: tuple[Estimand | DefaultMargin, ...] = ()
    by_subgroup: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    roles: tuple[tuple[str, ...], ...] = ()
    about_others: bool = False
    use: str = POOLED
    with_covariates: tuple[str, ...] = ()

    @property
    def decides_on(self) -> tuple[str, ...]:
        """The questions that the verdict depends on: faithful, sufficient, private."""
        private = any(entry.estimand.question == PRIVATE for entry in self.decisive)
        return (FAITHFUL, *((SUFFICIENT,) if self.about_others else ()), *((PRIVATE,) if private else ()))

    def missing_roles(self, schema: Schema) -> tuple[str, ...]:
        """Return the roles that the purpose needs and the cohort does not declare, such as "utilities or endpoints"."""
        return tuple(" or ".join(any_of) for any_of in self.roles if not any(getattr(schema, role) for role in any_of))

    @property
    def decisive(self) -> tuple[DefaultMargin, ...]:
        """The decisive estimands, each with its margin and the reason for it."""
        return tuple(map(_with_default, self.decides))

    @property
    def supporting(self) -> tuple[DefaultMargin, ...]:
        """The supporting estimands, each with its margin and the reason for it."""
        return tuple(map(_with_default, self.supports))


def _with_default(asked: Estimand | DefaultMargin) -> DefaultMargin:
    return asked.default if isinstance(asked, Estimand) else asked
