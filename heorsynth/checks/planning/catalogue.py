"""Every estimand by its key: ours, and those of installed plug-ins; and how a margin for one is written."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cache

from heorsynth.checks.core.estimand import BOTH_SIDES, Estimand
from heorsynth.checks.core.finding import FAIL, INCONCLUSIVE, NOT_ESTIMABLE, PASS, Finding, decide
from heorsynth.checks.core.margin import HALF, Margin, as_margin
from heorsynth.checks.core.observed import Observed
from heorsynth.checks.costs import estimands as costs
from heorsynth.checks.economics import estimands as economics
from heorsynth.checks.planning.settings import setting_problems
from heorsynth.checks.privacy import estimands as privacy
from heorsynth.checks.structure import estimands as structure
from heorsynth.checks.survival import estimands as survival
from heorsynth.core import plugins
from heorsynth.core.errors import MarginError, Problem, nearest
from heorsynth.core.estimate import significant
from heorsynth.core.plugins import Plugin, PluginError
from heorsynth.data.columns.schema import Schema

WRITTEN = 1e-8
"""Relative difference that a number may have from what was written of it."""


def _entries() -> dict[str, Estimand]:
    """The estimands of every concern, in the order in which they stand there."""
    rooms = (survival, costs, economics, structure, privacy)
    return {value.key: value for room in rooms for value in vars(room).values() if isinstance(value, Estimand)}


class _Catalogue(Mapping[str, Estimand]):
    """Ours, then those of plug-ins: an entry point's name is the estimand's key.

    A plug-in that cannot be used is left out of the list; asked for by its key, it raises PluginError with the reason.
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
    """The keys of installed plug-ins, read once for a search path: the list is asked for very often."""
    return tuple(sorted({plugin.name for plugin in plugins.installed(plugins.ESTIMANDS)}))


def _estimand_of(plugin: Plugin, checks: set[str]) -> Estimand:
    """The estimand of a plug-in; PluginError if it is none, has another key, or no check can answer it."""
    found = plugins.load(plugin)
    if not isinstance(found, Estimand):
        raise plugins.refused(plugin, "is not an Estimand", "see docs/extending.md")
    if found.key != plugin.name:
        raise plugins.refused(plugin, f"its key is {found.key!r}", "give the entry point the name of the key")
    if found.check not in checks:
        fix = f"begin the key with one of {', '.join(sorted(checks))}"
        raise plugins.refused(plugin, f"no check is called {found.check!r}", fix)
    return found


ESTIMANDS: Mapping[str, Estimand] = _Catalogue()
"""Key to estimand. The part before the dot names the check that answers it."""


def lacking(key: str, schema: Schema) -> tuple[str, ...]:
    """The roles an estimand needs and a cohort does not declare."""
    return tuple(role for role in ESTIMANDS[key].needs if not getattr(schema, role))


def plain_names(keys: Iterable[str]) -> str:
    """The plain names of these estimands in the catalogue's order, in one line.

    Examples
    --------
    >>> plain_names(["costs.mean", "survival.rmst"])
    'mean time without the event, mean cost'
    """
    asked = set(keys)
    known = [estimand.plain for key, estimand in ESTIMANDS.items() if key in asked]
    return ", ".join(known + sorted(asked - set(ESTIMANDS)))


def margin_for(key: str, declared: Margin | Mapping[str, object], chosen: Mapping[str, object] | None = None) -> Margin:
    """The margin declared for an estimand, complete with its settings.

    Parameters
    ----------
    key : str             such as "survival.rmst"
    declared : Mapping    such as ``{"horizon": 3650, "relative": 0.05}``
    chosen : Mapping      settings fixed elsewhere, such as the thresholds of an economic evaluation

    Raises
    ------
    MarginError           an unknown key, a scale the estimand does not have, a setting that is none, a vacuous width

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
    """What is wrong with an absolute margin that is half as wide as the size it is compared with, or wider.

    Notes
    -----
    The size is the estimand's `reference`: the horizon for times, the lifetime for lifetimes, the real mean for costs
    and utilities, the threshold for a net benefit. Of several, the smallest counts. Shares and ratios have fixed
    limits (`Estimand.limit`), and a relative margin has the same: half.
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
    """Whether a finding's verdict may follow from its interval and margin: a check may soften it to "inconclusive".

    The digits that are written are fewer than those it was reached with: on the edge of a margin either side is right.
    """
    if finding.verdict not in (PASS, FAIL):
        return finding.verdict in (INCONCLUSIVE, NOT_ESTIMABLE)
    low, high = ESTIMANDS[finding.key].span if finding.key in ESTIMANDS else BOTH_SIDES
    lower, upper = (min(max(end, low), high) for end in (finding.lower, finding.upper))
    widths = (finding.margin * (1 + edge) for edge in (0.0, -WRITTEN, WRITTEN))
    return finding.verdict in {decide(lower, upper, width) for width in widths}
