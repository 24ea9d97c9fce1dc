"""`cohorts`: from a paper to cohorts with time, event, arm and the characteristics that the paper describes."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

from heorsynth.core.errors import CurveError, PaperError, Problem
from heorsynth.core.random import check_seed
from heorsynth.published.covariates.characteristics import Characteristics
from heorsynth.published.covariates.prior import Prior
from heorsynth.published.covariates.published_cohorts import PublishedCohorts, with_characteristics
from heorsynth.published.paper.paper import Paper
from heorsynth.published.reconstruction.cohorts import ReconstructedCohorts
from heorsynth.published.reconstruction.reconstruct import reconstruct

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
    name = _endpoint(paper, endpoint)
    found = Characteristics.of(paper, name, prior)
    curves, more = _reconstructed(paper, name, m, seed, accuracy)
    found = replace(found, unused=(*found.unused, *more))
    if found.unused:
        listed = "; ".join(f"{fact}: {reason}" for fact, reason in found.unused)
        warnings.warn(f"not used: {listed}", UnusedFacts, stacklevel=2)
    more_settings = {"paper": paper.title, "citations": list(paper.citations.values())}
    return with_characteristics(curves, found, more_settings)


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
