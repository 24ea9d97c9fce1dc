"""Adds synthetic rows to a small cohort, and pools analyses so that only the patients count."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import overload

import pandas as pd

from heorsynth.core.display import Card, facts_card
from heorsynth.core.errors import GeneratorError, Problem
from heorsynth.core.estimate import Estimate
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.files.augmented import PATIENT, SETTING, STATEMENT
from heorsynth.data.labels.claims import claim_of
from heorsynth.data.labels.label import ID_COLUMN, Label
from heorsynth.data.labels.levels import INTERNAL
from heorsynth.generators.heor.recipe import Heor
from heorsynth.generators.recipe import Recipe
from heorsynth.generators.sampling.cohorts import MoreRowsThanPatients
from heorsynth.generators.sampling.pooled_analysis import Analysis, pooled
from heorsynth.generators.sampling.sampler import Sampler
from heorsynth.generators.sampling.source import require_real


class AugmentedCohorts(Sequence[Cohort]):
    """m cohorts of the same patients, each with its own synthetic rows.

    Attributes
    ----------
    n_source : int                  patients: the effective sample size of every analysis
    n_added : int                   synthetic rows in each cohort
    """

    def __init__(self, cohorts: Sequence[Cohort], n_source: int, n_added: int) -> None:
        self._cohorts, self.n_source, self.n_added = tuple(cohorts), n_source, n_added

    @overload
    def __getitem__(self, index: int) -> Cohort: ...
    @overload
    def __getitem__(self, index: slice) -> AugmentedCohorts: ...
    def __getitem__(self, index: int | slice) -> Cohort | AugmentedCohorts:
        if isinstance(index, slice):
            return AugmentedCohorts(self._cohorts[index], self.n_source, self.n_added)
        return self._cohorts[index]

    def __len__(self) -> int:
        return len(self._cohorts)

    def __iter__(self) -> Iterator[Cohort]:
        return iter(self._cohorts)

    @property
    def effective_sample_size(self) -> int:
        """The number of patients, whatever the number of rows."""
        return self.n_source

    def synthetic_rows(self, index: int = 0) -> pd.Series:
        """True for each synthetic row of one of the cohorts, False for each patient."""
        return self._cohorts[index].synthetic_rows.rename("synthetic")

    def analyse(self, estimate: Analysis, *, level: float = 0.95) -> Estimate | dict[str, Estimate]:
        """An analysis of patients and rows together, pooled: its interval is as wide as the patients require.

        Parameters
        ----------
        estimate : callable    takes a Cohort, returns (estimate, variance) as if all rows were patients, or a
                               fitted lifelines or statsmodels model
        level : float          confidence level of the interval

        Notes
        -----
        Let n be the patients, k the added rows, v the mean variance within a cohort and b the variance between the
        m cohorts. If the rows are like the patients, v = T · n / (n + k), where T is the variance of the patients'
        own analysis. So the pooled variance is v · (n + k) / n + b / m, as `estimators.economics.pooling.pool` has
        it for n + k rows.
        """
        rows = self.n_source + self.n_added
        return pooled(self._cohorts, estimate, n_source=self.n_source, n_rows=rows, level=level)

    def _card(self) -> Card:
        rows = [
            ("cohorts", f"{len(self)} of {self.n_source + self.n_added:,} rows"),
            ("patients", f"{self.n_source:,}, the same in each"),
            ("synthetic rows", f"{self.n_added:,} in each"),
            ("effective sample size", f"{self.n_source:,}: the added rows hold no information of their own"),
        ]
        statement = STATEMENT.format(patients=self.n_source, added=self.n_added)
        return facts_card("Augmented cohorts", rows, statement)

    def __repr__(self) -> str:
        return self._card().text()

    def _repr_html_(self) -> str:
        return self._card().html()


def augment(
    cohort: Cohort, n: int, *, generator: Recipe | Sampler | None = None, m: int = 20, seed: int = 1
) -> AugmentedCohorts:
    """The patients of a cohort with n synthetic rows added, m times.

    Parameters
    ----------
    cohort : Cohort                  real patients
    n : int                          synthetic rows to add to each of the m cohorts, >= 2
    generator : Recipe or Sampler    `heor` by default; one that was fitted to these patients is not fitted again
    m, seed : int                    number of cohorts, and the seed of fit and draw

    Returns
    -------
    AugmentedCohorts                 with `analyse`, and `effective_sample_size`

    Warns
    -----
    MoreRowsThanPatients             always: a plain analysis of one cohort counts rows as patients

    Raises
    ------
    LabelError                       the cohort is itself synthetic
    GeneratorError                   a sampler that was fitted to another number of patients

    See Also
    --------
    heorsynth.validate : With purpose "augmentation": whether the rows may be added.
    heorsynth.generators.create : Makes the generator.

    References
    ----------
    El Emam et al. (2025): in small cohorts augmentation helped prediction; it did not help inference.

    Examples
    --------
    >>> import warnings
    >>> import heorsynth as hs
    >>> cohort, _ = hs.datasets.simulated_trial(60, seed=1)
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore", MoreRowsThanPatients)
    ...     augmented = augment(cohort, 40, generator=hs.generators.create("marginals"), m=2, seed=1)
    >>> augmented[0].n, augmented.effective_sample_size, int(augmented.synthetic_rows().sum())
    (100, 60, 40)
    """
    require_real(cohort, "augment")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MoreRowsThanPatients)
        drawn = _fitted(cohort, generator or Heor(), seed).sample(n=n, m=m, seed=seed)
    patients = cohort.frame[[name for name in drawn[0].frame.columns]]
    patients.index = pd.Index([f"{PATIENT}-{number:06d}" for number in range(cohort.n)], name=ID_COLUMN)
    schema = replace(cohort.schema, id=None)
    label = drawn.label
    cohorts = [
        Cohort.derive(schema, frame, label=_label(label, frame, cohort.n, n, part), name=cohort.name)
        for part, frame in enumerate(pd.concat([patients, one.frame]) for one in drawn)
    ]
    told = f"{cohort.n:,} patients stay {cohort.n:,}: pool with .analyse(), which counts them and not the {n:,} rows"
    warnings.warn(told, MoreRowsThanPatients, stacklevel=2)
    return AugmentedCohorts(cohorts, cohort.n, n)


def _fitted(cohort: Cohort, generator: Recipe | Sampler, seed: int) -> Sampler:
    if not isinstance(generator, Sampler):
        return generator.fit(cohort, seed)
    if generator.n_source != cohort.n:
        found = f"was fitted to {generator.n_source:,} patients, and the cohort has {cohort.n:,}"
        raise GeneratorError("augment", Problem("generator", found, "give the sampler of these patients, or a recipe"))
    return generator


def _label(label: Label, frame: pd.DataFrame, patients: int, added: int, part: int) -> Label:
    """The label of patients and rows together. It claims the mark only where it is found among both."""
    settings = {**label.settings, SETTING: {"patients": patients, "rows_added": added}}
    statement = STATEMENT.format(patients=patients, added=added)
    mark = vars(claim_of(frame, label.marked))
    return replace(
        label,
        n_rows=patients + added,
        rests_on=patients,
        part=part,
        settings=settings,
        statement=statement,
        level=INTERNAL,
        noise_key="",
        **mark,
    )
