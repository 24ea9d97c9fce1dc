"""The m synthetic cohorts of one draw, and the pooled analysis of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import overload

from heorsynth.core.display import Card, facts_card
from heorsynth.core.errors import LabelError, Problem
from heorsynth.core.estimate import Estimate
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.labels.label import Label
from heorsynth.generators.sampling.pooled_analysis import Analysis, pooled


class MoreRowsThanPatients(UserWarning):
    """There are more rows than training patients: an analysis that counts rows as patients overstates its precision."""


class SyntheticCohorts(Sequence[Cohort]):
    """A sequence of m labelled cohorts drawn from one fitted generator.

    Parameters
    ----------
    cohorts : sequence of Cohort    each with its label
    broken : sequence of dict       for each cohort, post-condition to the number of rows that break it
    """

    def __init__(self, cohorts: Sequence[Cohort], broken: Sequence[Mapping[str, int]]) -> None:
        unlabelled = [index for index, cohort in enumerate(cohorts) if cohort.label is None]
        if unlabelled or not cohorts:
            raise LabelError(
                "synthetic cohorts",
                Problem(
                    "",
                    f"{len(unlabelled)} of {len(cohorts)} carry no label",
                    "draw them with a generator, or read them with hs.read",
                ),
            )
        self._cohorts = tuple(cohorts)
        self._broken = tuple(dict(counts) for counts in broken)

    @overload
    def __getitem__(self, index: int) -> Cohort: ...
    @overload
    def __getitem__(self, index: slice) -> SyntheticCohorts: ...
    def __getitem__(self, index: int | slice) -> Cohort | SyntheticCohorts:
        if isinstance(index, slice):
            return SyntheticCohorts(self._cohorts[index], self._broken[index])
        return self._cohorts[index]

    def __len__(self) -> int:
        return len(self._cohorts)

    def __iter__(self) -> Iterator[Cohort]:
        return iter(self._cohorts)

    @property
    def label(self) -> Label:
        """The label of the first cohort; the others differ in their part and their mark."""
        label = self._cohorts[0].label
        assert label is not None
        return label

    @property
    def broken(self) -> dict[str, int]:
        """Number of rows that break each post-condition, over all m cohorts; empty if none does. No row is repaired."""
        total: Counter[str] = Counter()
        for counts in self._broken:
            total.update(counts)
        return dict(total)

    def analyse(self, estimate: Analysis, *, level: float = 0.95) -> Estimate | dict[str, Estimate]:
        """An analysis of the m cohorts, pooled: its interval is as wide as the training patients require.

        Parameters
        ----------
        estimate : callable    takes a Cohort, returns (estimate, variance), or a fitted lifelines or statsmodels model
        level : float          confidence level of the interval

        Returns
        -------
        Estimate               for the population of the real patients, see `estimators.economics.pooling.pool`;
                               for a fitted model a dict, coefficient to Estimate

        Raises
        ------
        NotEstimableError      the analysis returns neither, or the terms of the models differ between cohorts

        Examples
        --------
        ``syn.analyse(lambda c: (c.frame["cost"].mean(), c.frame["cost"].var() / c.n))``
        ``syn.analyse(lambda c: CoxPHFitter().fit(c.frame, "time", "event"))``
        """
        n_rows = self._cohorts[0].n
        noise = bool(self.label.noise_key)
        return pooled(self._cohorts, estimate, n_source=self.label.rests_on, n_rows=n_rows, level=level, noise=noise)

    def _card(self) -> Card:
        label = self.label
        rows = [
            ("generator", label.generator),
            ("cohorts", f"{len(self)} of {self._cohorts[0].n:,} rows"),
            ("made from", f"{label.n_source:,} patients"),
            ("rest on", f"{label.rests_on:,} of them: they hold that much information and no more"),
            ("release", f"{label.release}, seed {label.seed}"),
        ]
        rows += [(f"broken: {what}", f"{count:,} rows") for what, count in sorted(self.broken.items())]
        return facts_card("Synthetic cohorts", rows, label.statement)

    def __repr__(self) -> str:
        return self._card().text()

    def _repr_html_(self) -> str:
        return self._card().html()
