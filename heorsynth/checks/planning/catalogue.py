"""All estimands by key, built-in and from plug-ins, and the checks of a declared margin."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cache

from heorsynth.checks.analyses import estimands as analyses
from heorsynth.checks.core.estimand import BOTH_SIDES, Estimand
from heorsynth.checks.core.finding import (
    FAIL,
    INCONCLUSIVE,
    NOT_ESTIMABLE,
    PASS,
    SINGLE,
    Finding,
    decide,
    decide_single,
)
from heorsynth.checks.core.margin import HALF, Margin, as_margin
from heorsynth.checks.core.strata import Observed
from heorsynth.checks.costs import estimands as costs
from heorsynth.checks.economics import estimands as economics
from heorsynth.checks.planning.settings import setting_problems
from heorsynth.checks.privacy import estimands as privacy
from heorsynth.checks.structure import estimands as structure
from heorsynth.checks.survival import estimands as survival
from heorsynth.checks.visits import estimands as visits
from heorsynth.core import plugins
from heorsynth.core.errors import MarginError, Problem, nearest
from heorsynth.core.estimate import significant
from heorsynth.core.plugins import Plugin, PluginError
from heorsynth.data.columns.schema import Schema

_WRITTEN = 1e-8
"""Relative rounding error of a written number."""


def _entries() -> dict[str, Estimand]:
    """Return the built-in estimands, in the order of their modules."""
    rooms = (survival, costs, economics, structure, visits, analyses, privacy)
    return {value.key: value for room in rooms for value in vars(room).values() if isinstance(value, Estimand)}


class _Catalogue(Mapping[str, Estimand]):
    """The built-in estimands, then those of plug-ins; the name of an entry point is the key of its estimand.

    Iteration skips a plug-in that cannot be used. Access by its key raises PluginError with the reason.
    """

    def __init__(self) -> None:
        self._ours = _entries()

    def __getitem__(self, key: str) -> Estimand:
        if key in self._ours and key not in _added():
            return self._ours[key]
        plugin = plugins.named(plugins.ESTIMANDS, key, "checks" if key in self._ours else "")
        if plugin is None:
            raise KeyError(key)
        return _estimand_of(plugin, {estimand.check for estimand in self._ours.values()})

    def __contains__(self, key: object) -> bool:
        return key in self._ours or key in _added()

    def __iter__(self) -> Iterator[str]:
        yield from self._ours
        for key in _added():
            with suppress(PluginError):
                if key not in self._ours and self[key]:
                    yield key

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _added() -> tuple[str, ...]:
    return _plugin_names(tuple(sys.path))


@cache
def _plugin_names(path: tuple[str, ...]) -> tuple[str, ...]:
    """Return the keys of installed plug-ins; cached for each search path, because it is called very often."""
    return tuple(sorted({plugin.name for plugin in plugins.installed(plugins.ESTIMANDS)}))


def _estimand_of(plugin: Plugin, checks: set[str]) -> Estimand:
    """Return the estimand of a plug-in; PluginError if it is no Estimand, has another key, or has an unknown check."""
    estimand = plugins.load(plugin)
    if not isinstance(estimand, Estimand):
        raise plugins.refused(plugin, "is not an Estimand", "see docs/extending.md")
    if estimand.key != plugin.name:
        raise plugins.refused(plugin, f"its key is {estimand.key!r}", "give the entry point the name of the key")
    if estimand.check not in checks:
        fix = f"begin the key with one of {', '.join(sorted(checks))}"
        raise plugins.refused(plugin, f"no check is called {estimand.check!r}", fix)
    return estimand


ESTIMANDS: Mapping[str, Estimand] = _Catalogue()
"""Key to estimand. The part of a key before the dot names its check."""


def lacking(key: str, schema: Schema) -> tuple[str, ...]:
    """Return the roles that an estimand needs and a cohort does not declare."""
    return tuple(role for role in ESTIMANDS[key].needs if not getattr(schema, role))


def plain_names(keys: Iterable[str]) -> str:
    """Return the plain names of these estimands, in the order of the catalogue, in one line.

    Examples
    --------
    >>> plain_names(["costs.mean", "survival.rmst"])
    'mean time without the event, mean cost'
    """
    asked = set(keys)
    known = [estimand.plain for key, estimand in ESTIMANDS.items() if key in asked]
    return ", ".join(known + sorted(asked - set(ESTIMANDS)))


def margin_for(key: str, declared: Margin | Mapping[str, object], chosen: Mapping[str, object] | None = None) -> Margin:
    """Return the margin declared for an estimand, with all its settings.

    Parameters
    ----------
    key : str             such as "survival.rmst"
    declared : Mapping    such as ``{"horizon": 3650, "relative": 0.05}``
    chosen : Mapping      settings fixed elsewhere, such as the thresholds of an economic evaluation

    Raises
    ------
    MarginError           an unknown key, a scale that does not suit the estimand, an invalid setting, a vacuous width

    Examples
    --------
    >>> str(margin_for("survival.rmst", {"relative": 0.05}))
    '±0.05 of the real value'
    """
    if key not in ESTIMANDS:
        raise MarginError("margins", Problem(key, "not an estimand", nearest(key, ESTIMANDS)))
    estimand = ESTIMANDS[key]
    settings = {**estimand.settings, **{k: v for k, v in (chosen or {}).items() if k in estimand.settings}}
    margin = as_margin(key, declared, settings)
    if estimand.relative_to:
        margin = replace(margin, of=estimand.relative_to)
    if problems := setting_problems(estimand, margin.settings):
        raise MarginError("margins", problems)
    if margin.scale not in estimand.scales:
        raise MarginError(
            "margins",
            Problem(f"{key}: {margin.scale}", "not a scale of this estimand", f"use {' or '.join(estimand.scales)}"),
        )
    if margin.scale != "relative" and margin.width >= estimand.limit:
        raise MarginError("margins", _vacuous(f"{key}: {margin.scale}", f"{estimand.limit:g}"))
    return margin


def vacuous(key: str, margin: Margin, real: Observed) -> list[Problem]:
    """Return the problem of an absolute margin of half its reference size or more; an empty list for other margins.

    Notes
    -----
    The size is the `reference` of the estimand: the horizon for times, the lifetime for lifetimes, the real mean for
    costs and utilities, the threshold for a net benefit. If there are several, the smallest is used. Shares and ratios
    have fixed limits (`Estimand.limit`). For relative margins the limit is one half.
    """
    reference = ESTIMANDS[key].reference
    if margin.scale != "absolute" or reference is None:
        return []
    sizes = [size for size in reference.sizes(margin, real) if math.isfinite(size) and size > 0]
    if not sizes or margin.width < HALF * min(sizes):
        return []
    return [_vacuous(f"{key}: absolute", significant(HALF * min(sizes), 2), f": half of {reference.name}")]


def _vacuous(where: str, limit: str, why: str = "") -> Problem:
    return Problem(where, f"so wide that the check is vacuous{why}", f"give less than {limit}")


def borne_out(finding: Finding) -> bool:
    """Return whether the verdict of a finding agrees with its interval and margin.

    "inconclusive" always agrees, because a check may withhold a verdict. Numbers are written with fewer digits than the
    verdict used, so on the edge of a margin both verdicts agree.
    """
    if finding.verdict not in (PASS, FAIL):
        return finding.verdict in (INCONCLUSIVE, NOT_ESTIMABLE)
    if finding.use == SINGLE and not math.isnan(finding.single):
        return finding.verdict == decide_single(finding.single_lower, finding.single_upper)
    low, high = ESTIMANDS[finding.key].span if finding.key in ESTIMANDS else BOTH_SIDES
    lower, upper = (min(max(end, low), high) for end in (finding.lower, finding.upper))
    widths = (finding.margin * (1 + edge) for edge in (0.0, -_WRITTEN, _WRITTEN))
    return finding.verdict in {decide(lower, upper, width) for width in widths}
