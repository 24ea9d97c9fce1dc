"""What an estimand is: its settings, unit, margin scales and needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Estimand:
    """What is estimated in the real and in the synthetic cohorts, and how a margin for it may be written.

    Attributes
    ----------
    what : str            one line for a reader
    unit : str            "time", "money", "QALY", or "" for a share, a correlation or a log ratio
    scales : tuple        margin scales that make sense for it
    settings : Mapping    its settings with their defaults; None means what `what` says
    needs : tuple         roles the cohort must declare: arm, costs, utilities, subgroups
    relative_to : str     what a relative margin is a share of, where that is not the real estimate
    limit : float         an absolute margin as wide as this is vacuous
    """

    what: str
    unit: str = ""
    scales: tuple[str, ...] = ("absolute", "relative")
    settings: Mapping[str, object] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    relative_to: str = ""
    limit: float = float("inf")


ONE = ("absolute",)
"""The only scale of a share, a distance or a probability."""

HORIZON = {"horizon": None, "endpoint": None}
"""The settings of what is looked at up to a time."""

LARGEST_LOG_RATIO = 1.0986
"""A ratio margin as wide as 1/3 to 3, on the log scale, is vacuous."""
