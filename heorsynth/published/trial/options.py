"""The settings of the cohorts of a paper: which endpoints they have, and which printed numbers are constraints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace

from heorsynth.core.errors import PaperError, Problem, nearest
from heorsynth.published.consistency.counts import ordered_pairs
from heorsynth.published.covariates.columns import columns_of
from heorsynth.published.covariates.prior import Prior
from heorsynth.published.paper.paper import Paper
from heorsynth.published.schema.document import Document, EndpointSection, RatioSection

EVENTS, MEDIANS, HAZARD_RATIOS = "events", "medians", "hazard_ratios"
_CONSTRAINTS = (EVENTS, MEDIANS, HAZARD_RATIOS)
"""The printed numbers that may be constraints. Curves, numbers at risk and numbers of patients always are."""


@dataclass(frozen=True)
class TrialOptions:
    """Which facts of a paper its cohorts are made from; all others are left to test them.

    Attributes
    ----------
    endpoints : tuple       the endpoints of the cohorts; by default those with a curve, at most two
    constraints : tuple     of `_CONSTRAINTS`; by default the totals of events
    accuracy : float        standard deviation of a click in pixels; None: estimated
    characteristics : bool  whether the cohorts have the characteristics, costs and utilities that the paper states
    prior : Prior           the law of what the paper does not state of them
    """

    endpoints: tuple[str, ...]
    constraints: tuple[str, ...] = (EVENTS,)
    accuracy: float | None = None
    characteristics: bool = True
    prior: Prior = field(default_factory=Prior)

    @classmethod
    def of(cls, paper: Paper, given: Mapping[str, object] | None = None) -> TrialOptions:
        """Return the options of a protocol; PaperError, with all problems, for a wrong one.

        Each problem is at the key of its option, such as "endpoints" or "prior.effect".
        """
        chosen = dict(given or {})
        names = [item.name for item in fields(cls)]
        problems = [Problem(key, "not an option of a published trial", nearest(key, names))
                    for key in chosen if key not in names]  # fmt: skip
        drawn = tuple(name for name, one in paper.document.endpoints.items() if one.curves is not None)
        endpoints = _listed(chosen.get("endpoints"), drawn)
        constraints = _listed(chosen.get("constraints"), (EVENTS,))
        accuracy = chosen.get("accuracy")
        if accuracy is not None and not (isinstance(accuracy, (int, float)) and accuracy > 0):
            problems.append(Problem("accuracy", "not a number of pixels above 0", "write accuracy: 0.5"))
        problems += _unknown("constraints", constraints, _CONSTRAINTS)
        problems += list(_of_endpoints(paper.document, endpoints, drawn))
        wanted = chosen.get("characteristics", True)
        problems += list(_of_characteristics(paper.document, chosen, wanted))
        prior, wrong = _prior(chosen.get("prior"))
        if problems + wrong:
            raise PaperError(f"paper {paper.path.name!r}", problems + wrong)
        pixels = float(accuracy) if isinstance(accuracy, (int, float)) else None
        return cls(_in_order(paper.document, endpoints), constraints, pixels, bool(wanted), prior)


def _of_characteristics(document: Document, chosen: Mapping[str, object], wanted: object) -> Iterator[Problem]:
    """What is wrong with the options on characteristics."""
    if not isinstance(wanted, bool):
        yield Problem("characteristics", "neither true nor false", "write characteristics: false, or leave it out")
    elif wanted and "characteristics" in chosen and not columns_of(document)[0]:
        yield Problem("characteristics", "the paper file states none", "add table1 to it, or leave the option out")
    if chosen.get("prior") is not None and (wanted is False or not columns_of(document)[0]):
        yield Problem("prior", "the cohorts have no characteristics that it would apply to", "leave it out")


def _prior(given: object) -> tuple[Prior, list[Problem]]:
    """The prior with these settings, and what is wrong with them."""
    if given is None:
        return Prior(), []
    example = "write prior: {correlation: 0.2, effect: 0.3, interaction: 0.15}"
    if not isinstance(given, Mapping):
        return Prior(), [Problem("prior", "not the settings of a prior", example)]
    names = [item.name for item in fields(Prior)]
    problems = [Problem(f"prior.{key}", "not a setting of the prior", nearest(str(key), names))
                for key in given if key not in names]  # fmt: skip
    problems += [Problem(f"prior.{key}", "not a number", example) for key, value in given.items()
                 if key in names and (isinstance(value, bool) or not isinstance(value, (int, float)))]  # fmt: skip
    if problems:
        return Prior(), problems
    try:
        return Prior(**{str(key): float(value) for key, value in given.items()}), []
    except PaperError as error:
        return Prior(), [replace(one, where=f"prior.{one.where}") for one in error.problems]


def _listed(given: object, default: tuple[str, ...]) -> tuple[str, ...]:
    if given is None:
        return default
    listed = given if isinstance(given, Sequence) and not isinstance(given, str) else [given]
    return tuple(dict.fromkeys(map(str, listed)))


def _unknown(key: str, names: Sequence[str], known: Sequence[str]) -> list[Problem]:
    return [Problem(key, f"no {name!r}", nearest(name, known)) for name in names if name not in known]


def _of_endpoints(document: Document, endpoints: tuple[str, ...], drawn: tuple[str, ...]) -> Iterator[Problem]:
    """What is wrong with the endpoints of the cohorts."""
    if not drawn:
        fix = "click a Kaplan-Meier curve, and add it as curves: {source: Figure 2, file: os.csv}"
        yield Problem("endpoints", "the paper file has no curve, and cohorts are made from one", fix)
        return
    unknown = _unknown("endpoints", endpoints, tuple(document.endpoints))
    yield from unknown
    known = [name for name in endpoints if name in document.endpoints]
    for name in known:
        if name not in drawn:
            yield Problem("endpoints", f"{name!r} has no curve", nearest(name, drawn))
    if unknown or not known:
        return
    if len(endpoints) > 2:
        fix = f"write generator: {{name: published, seed: 1, options: {{endpoints: [{', '.join(endpoints[:2])}]}}}}"
        yield Problem("endpoints", f"{len(endpoints)} have curves, and at most two can be joined", fix)
    elif len(endpoints) == 2 and not {endpoints, endpoints[::-1]} & set(ordered_pairs(document)):
        found = f"the paper file does not say which of {' and '.join(endpoints)} comes first in a patient"
        yield Problem("endpoints", found, f"write order: [[{', '.join(endpoints)}]] into it, or name one endpoint")


def _in_order(document: Document, endpoints: tuple[str, ...]) -> tuple[str, ...]:
    """Return two endpoints such that the first never comes after the second; others as they are."""
    return endpoints[::-1] if endpoints[::-1] in ordered_pairs(document) else endpoints


def plain_ratio(endpoint: EndpointSection) -> RatioSection | None:
    """Return the overall hazard ratio that no covariate adjusts; None if the paper states none."""
    return next((one for one in endpoint.hazard_ratios if not one.subgroup and not one.adjusted), None)
