"""What an estimand is: everything that the library says and does about one quantity, in one entry."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from heorsynth.checks.core.margin import Margin
    from heorsynth.checks.core.observed import Observed

EVERYONE, EVERYONE_AND_ARMS, EVERY_GROUP, CONTRASTS = "everyone", "everyone and arms", "every group", "contrasts"
REPEATED = "everyone, repeated in support"
"""Of whom an estimand is asked: everyone; everyone and each arm; these and each subgroup level; arm against arm; or
everyone, and then in support each arm and each subgroup level."""

COUNTS, SAMPLE, BOTH, NEVER = "counts", "sample", "both", "never"
"""How an estimand is answered for folders: from counts and moments of all rows, from a random sample of rows, from
counts with a sample for the chance error, or not at all."""

FAITHFUL, PRIVATE = "faithful", "private"
"""The questions a finding can answer."""

ONE = ("absolute",)
"""The only scale of a share, a distance or a probability."""

WITHIN = {"intersections": None}
"""The setting of estimands that can be asked of two subgroup levels together: the fewest patients there."""

HORIZON = {"horizon": None, "endpoint": None}
"""The settings of estimands that look up to a time."""

LARGEST_LOG_RATIO = 1.0986
"""A ratio margin as wide as 1/3 to 3, on the log scale, is vacuous."""

BOTH_SIDES = (-math.inf, math.inf)


@dataclass(frozen=True)
class Reference:
    """The size that an absolute margin is compared with: half of it, or more, is vacuous.

    Attributes
    ----------
    name : str           such as "the horizon"
    sizes : callable     the margin and the real cohort -> the sizes; the smallest counts
    """

    name: str
    sizes: Callable[[Margin, Observed], Iterable[float]]


@dataclass(frozen=True, eq=False)
class DefaultMargin:
    """An estimand that a purpose asks for, with its margin and the reason for that width."""

    estimand: Estimand
    margin: Mapping[str, object]
    reason: str

    @property
    def key(self) -> str:
        """The estimand's key."""
        return self.estimand.key


@dataclass(frozen=True, eq=False)
class Estimand:
    """A quantity that is estimated in the real and in the synthetic cohorts.

    Attributes
    ----------
    key : str             as a protocol names it, such as "survival.rmst"; the part before the dot names its check
    plain : str           its name in words that a committee uses
    definition : str      one line for a statistician
    formula, source : str the formula in HTML with nothing but sub- and superscripts, and who published it first
    answer : callable     an `Ask` -> its findings
    asked_of : str        EVERYONE, EVERYONE_AND_ARMS, EVERY_GROUP, CONTRASTS or REPEATED
    unit : str            "time", "money", "QALY", or "" for a share, a correlation or a log ratio
    scales : tuple        margin scales that make sense for it
    settings : Mapping    its settings with their defaults; None means what `definition` says
    several : tuple       settings that may be a list: the estimand is then asked at each
    needs : tuple         roles that the cohort must declare: arm, costs, utilities, subgroups
    margin, reason        its default margin and why it is that wide; empty if a purpose never asks for it by itself
    relative_to : str     what a relative margin is a share of, if not the real estimate
    limit : float         an absolute margin as wide as this is vacuous
    reference             what an absolute margin is compared with instead, for times and amounts
    folders : str         COUNTS, SAMPLE, BOTH or NEVER
    question : str        FAITHFUL or PRIVATE
    span : tuple          the part of the interval that can fail: one side of 0 for one-sided questions
    among_all : callable  the same question about three arms or more at once, or None

    Examples
    --------
    >>> from heorsynth.checks.planning.catalogue import ESTIMANDS
    >>> rmst = ESTIMANDS["survival.rmst"]
    >>> rmst.check, rmst.plain, dict(rmst.margin)
    ('survival', 'mean time without the event', {'relative': 0.05})
    """

    key: str
    plain: str
    definition: str
    formula: str
    answer: Callable[..., list] = field(repr=False)
    asked_of: str = EVERYONE
    source: str = ""
    unit: str = ""
    scales: tuple[str, ...] = ("absolute", "relative")
    settings: Mapping[str, object] = field(default_factory=dict)
    several: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    margin: Mapping[str, object] = field(default_factory=dict)
    reason: str = ""
    relative_to: str = ""
    limit: float = math.inf
    reference: Reference | None = None
    folders: str = SAMPLE
    question: str = FAITHFUL
    span: tuple[float, float] = BOTH_SIDES
    among_all: Callable[..., list] | None = field(default=None, repr=False)

    @property
    def check(self) -> str:
        """The name of the check that answers it."""
        return self.key.split(".", maxsplit=1)[0]

    @property
    def default(self) -> DefaultMargin:
        """The estimand with its default margin."""
        return DefaultMargin(self, self.margin, self.reason)

    def with_margin(self, margin: Mapping[str, object], reason: str) -> DefaultMargin:
        """The estimand with a margin of a purpose's own."""
        return DefaultMargin(self, margin, reason)
