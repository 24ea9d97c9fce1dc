"""`cohorts`: from a paper to cohorts with time, event, arm and the characteristics that the paper describes."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from heorsynth.core.errors import CurveError, PaperError, Problem
from heorsynth.core.random import check_seed, stream
from heorsynth.data.columns.schema import Schema, schema_of
from heorsynth.published.covariates.assign import assigned
from heorsynth.published.covariates.columns import Column, columns_of
from heorsynth.published.covariates.copula import Stated, draw, stated_correlations
from heorsynth.published.covariates.prior import Prior
from heorsynth.published.covariates.published_cohorts import Content, PublishedCohorts
from heorsynth.published.covariates.subgroup_facts import SubgroupFact, subgroup_facts
from heorsynth.published.paper.paper import Paper
from heorsynth.published.reconstruction.cohorts import ReconstructedCohorts
from heorsynth.published.reconstruction.reconstruct import labelled, reconstruct

_FEWEST_DRAWN = 20
"""Reconstructions that are drawn at least: of few, none may agree with a printed hazard ratio."""


class UnusedFacts(UserWarning):
    """Facts of a paper that the cohorts were not made to meet, each with the reason."""


def cohorts(
    paper: Paper,
    endpoint: str | None = None,
    m: int = 20,
    seed: int = 1,
    *,
    prior: Prior | None = None,
    accuracy: float | None = None,
) -> PublishedCohorts:
    """Return m cohorts that agree with a paper: curves, Table 1, subgroup hazard ratios and correlations.

    Parameters
    ----------
    paper : Paper               as `heorsynth.published.read` gives it
    endpoint : str, optional    the endpoint with a curve; the paper's first if None
    m, seed : int               number of cohorts, at least 2; and the seed of the draw
    prior : Prior, optional     the law of what the paper does not state
    accuracy : float, optional  of the clicks, as in `reconstruct`

    Returns
    -------
    PublishedCohorts            columns time, event, arm; then characteristics, costs and utilities

    Raises
    ------
    PaperError                  no curve; a level, a column or a correlation that does not fit Table 1
    CurveError                  as `reconstruct`

    Warns
    -----
    UnusedFacts                 facts that the cohorts were not made to meet

    Notes
    -----
    Time, event and arm are those of `reconstruct`, with the numbers at risk, totals, medians and unadjusted hazard
    ratio of the paper. For each of these reconstructions, correlations and effects are drawn from the prior, covariates
    from a Gaussian copula whose margins are Table 1 (`Column.ladder`), and given to the patients by the permutation
    algorithm, with the published subgroup effects (`assigned`). This is done twice, with independent draws from the
    prior. The m cohorts are those of the first; the variance between the first and the second is what the paper does
    not determine, and `PublishedCohorts.estimands` states its share.

    See Also
    --------
    reconstruct : Time, event and arm alone.

    References
    ----------
    Guyot et al. (2012) BMC Med Res Methodol 12:9. Sylvestre & Abrahamowicz (2008) Stat Med 27:2618.
    """
    check_seed(seed)
    law = prior or Prior()
    name = _endpoint(paper, endpoint)
    columns, unused = columns_of(paper.document)
    facts, problems = subgroup_facts(paper.document, name, columns)
    if problems:
        raise PaperError(f"paper {paper.path.name!r}", problems)
    stated = stated_correlations(paper.document, columns)
    curves, more = _reconstructed(paper, name, m, seed, accuracy)
    told = [*unused, *more]
    if told:
        listed = "; ".join(f"{fact}: {reason}" for fact, reason in told)
        warnings.warn(f"not used: {listed}", UnusedFacts, stacklevel=2)
    maker = _Maker(columns, facts, stated, law)
    frames, again = (
        [maker.frame(cohort.rows, stream(seed, "covariates", which, part)) for part, cohort in enumerate(curves)]
        for which in range(2)
    )
    schema = _schema(paper, curves, columns)
    settings = dict(curves.label.settings) | {
        "paper": paper.title,
        "citations": list(paper.citations.values()),
        "prior": {"correlation": law.correlation, "effect": law.effect, "interaction": law.interaction},
        "not_used": [f"{fact}: {reason}" for fact, reason in told],
    }
    content = Content(paper, name, columns, facts, stated, law)
    first, second = (labelled(one, schema, settings, seed) for one in (frames, again))
    return PublishedCohorts(list(first), list(second), content)


def _endpoint(paper: Paper, endpoint: str | None) -> str:
    if endpoint is not None:
        paper.curves(endpoint)
        return endpoint
    for name in paper.endpoints:
        if not paper.data[name].curves.empty:
            return name
    problem = Problem("endpoints", "the paper file states no curve", "add one with its source")
    raise PaperError(f"paper {paper.path.name!r}", problem)


def _reconstructed(
    paper: Paper, endpoint: str, m: int, seed: int, accuracy: float | None
) -> tuple[ReconstructedCohorts, list[tuple[str, str]]]:
    """The reconstructions, and printed numbers that lie outside what the curves allow, with the range they allow."""
    section = paper.document.endpoints[endpoint]
    curves, risk = paper.curves(endpoint), paper.data[endpoint].at_risk
    shown = list(dict.fromkeys(curves["arm"]))
    totals = paper.totals(endpoint)
    medians = section.medians.arms if section.medians is not None else {}
    printed = {arm: one.value.text for arm, one in medians.items() if one.value.reached and arm in shown}
    ratios = [one for one in section.hazard_ratios if not one.subgroup and not one.adjusted and len(shown) == 2]
    attempts: list[dict[str, Any]] = [{}]
    if printed:
        attempts.insert(0, {"medians": printed})
    if ratios:
        with_ratio = {"hazard_ratio": ratios[0].value.text, "reference": ratios[0].reference}
        attempts = [one | with_ratio for one in attempts] + attempts
    n_drawn = max(m, _FEWEST_DRAWN)
    refused: list[CurveError] = []
    for given in attempts:
        try:
            found = reconstruct(
                curves, None if risk.empty else risk, totals[totals["arm"].isin(shown)], n_drawn, seed, section.unit,
                endpoint=endpoint, accuracy=accuracy, **given,
            )  # fmt: skip
        except CurveError as error:
            refused.append(error)
            continue
        reasons = {problem.where: problem.found for error in refused for problem in error.problems}
        return found[:m], [(place, why) for place, why in reasons.items() if place.partition(",")[0] not in given]
    raise refused[0]


@dataclass(frozen=True)
class _Maker:
    """Adds covariates to reconstructions."""

    columns: Sequence[Column]
    facts: Sequence[SubgroupFact]
    stated: Sequence[Stated]
    prior: Prior

    def frame(self, rows: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
        arms = list(dict.fromkeys(sorted(rows["arm"])))
        place = {arm: self._by_time(rows, arm) for arm in arms}
        sizes = {arm: len(one) for arm, one in place.items()}
        effects = self.prior.effects([len(one.levels) for one in self.columns], arms, rng)
        drawn = draw(self.columns, sizes, self.stated, self.prior, rng)
        follow = {arm: (rows["time"].to_numpy(float)[one], rows["event"].to_numpy()[one]) for arm, one in place.items()}
        facts = [one for one in self.facts if {one.arm, one.reference} <= set(arms)]
        values = np.empty((len(rows), len(self.columns)))
        for arm, own in assigned(follow, drawn, self.columns, effects, facts, rng).items():
            values[place[arm]] = own
        made = {column.name: _as_column(column, values[:, at]) for at, column in enumerate(self.columns)}
        return pd.DataFrame({name: rows[name].to_numpy() for name in ("time", "event", "arm")} | made)

    @staticmethod
    def _by_time(rows: pd.DataFrame, arm: str) -> np.ndarray:
        """Places of an arm's rows, by time with events before censoring."""
        own = np.flatnonzero((rows["arm"] == arm).to_numpy())
        time, event = (rows[name].to_numpy()[own] for name in ("time", "event"))
        return np.asarray(own[np.lexsort((-event, time))])


def _as_column(column: Column, values: np.ndarray) -> np.ndarray:
    """The values as they stand in a frame: levels by name, None where missing."""
    if not column.levels:
        return values
    names = np.array([*column.levels, None], dtype=object)
    return np.asarray(names[np.where(np.isfinite(values), values, len(column.levels)).astype(int)])


def _schema(paper: Paper, curves: ReconstructedCohorts, columns: Sequence[Column]) -> Schema:
    known, document = curves[0].schema, paper.document
    kinds = {kind: [one.name for one in columns if one.kind == kind] for kind in ("cost", "utility")}
    money = [document.costs[name] for name in kinds["cost"]]
    return schema_of(
        endpoints=known.endpoints,
        arm=known.arm,
        arm_reference=known.arm_reference,
        unit=known.unit,
        costs=kinds["cost"],
        utilities=kinds["utility"],
        subgroups=[one.name for one in columns if one.levels],
        currency=next((one.currency for one in money if one.currency), None),
        price_year=next((one.price_year for one in money if one.price_year), None),
        levels={one.name: list(one.levels) for one in columns if one.levels},
    )
