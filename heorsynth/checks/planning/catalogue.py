"""The estimands a purpose can ask for: one entry each, and how a margin for one is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from heorsynth.checks.core.estimand import Estimand
from heorsynth.checks.core.margin import Margin, as_margin
from heorsynth.checks.costs.estimands import ECONOMICS
from heorsynth.checks.planning.settings import setting_problems
from heorsynth.checks.structure.estimands import ROWS
from heorsynth.checks.survival.estimands import SURVIVAL
from heorsynth.core.errors import MarginError, Problem, nearest
from heorsynth.data.columns.schema import Schema

OF_EVERYBODY = ("survival.extrapolation", "survival.extrapolation_ranking", "costs.two_part")
"""Estimands of survival and costs that are asked in no subgroup."""


def _repeated(key: str, estimand: Estimand) -> Estimand:
    """The estimand, with the setting that asks it of two levels together if it is asked in subgroups."""
    if key in OF_EVERYBODY or not key.startswith(("survival.", "costs.", "utilities.")):
        return estimand
    return replace(estimand, settings={**estimand.settings, "intersections": None})


ESTIMANDS: Mapping[str, Estimand] = {
    key: _repeated(key, estimand) for key, estimand in {**SURVIVAL, **ECONOMICS, **ROWS}.items()
}
"""Key to estimand. The part before the dot names the check that answers it."""

FROM_TALLIES = frozenset(
    {
        *(key for key in SURVIVAL if not key.startswith(("survival.extrapolation", "survival.subdistribution"))),
        *("costs.mean", "costs.difference", "costs.zero_share", "costs.quantile"),
        *(key for key in ECONOMICS if key.startswith(("utilities.", "economics."))),
        *(key for key in ROWS if key.startswith("subgroups.")),
        "structure.missingness",
    }
)
"""Estimands that counts and moments of all rows can answer, so that they are asked of folders so."""

FROM_BOTH = frozenset({"inference.precision"})
"""Estimands that counts answer, but whose chance error is seen in resamples of rows."""

NOT_OF_FOLDERS: Mapping[str, str] = {
    key: "it looks for the copy of a patient among all rows side by side, and a sample cannot show the copy of one who "
    "is not in it: draw a cohort that fits memory, and judge it against patients who do"
    for key in ROWS
    if key.startswith("disclosure.")
}
"""Estimands that are not asked of a folder, and why. All others that counts cannot answer are asked of a sample."""


def lacking(key: str, schema: Schema) -> tuple[str, ...]:
    """The roles an estimand needs and a cohort does not declare."""
    return tuple(role for role in ESTIMANDS[key].needs if not getattr(schema, role))


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
    if problems := setting_problems(key, margin.settings):
        raise MarginError("margins", problems)
    if margin.scale not in estimand.scales:
        raise MarginError(
            "margins",
            Problem(f"{key}: {margin.scale}", "not a scale of this estimand", f"use {' or '.join(estimand.scales)}"),
        )
    if margin.scale != "relative" and margin.width >= estimand.limit:
        raise MarginError(
            "margins",
            Problem(
                f"{key}: {margin.scale}", "so wide that the check is vacuous", f"give less than {estimand.limit:g}"
            ),
        )
    return margin
