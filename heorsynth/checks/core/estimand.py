"""The `Estimand`: one entry holds everything the library knows about one quantity."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from heorsynth.checks.core.margin import Margin
    from heorsynth.checks.core.strata import Observed

EVERYONE, EVERYONE_AND_ARMS, EVERY_GROUP, CONTRASTS = "everyone", "everyone and arms", "every group", "contrasts"
REPEATED = "everyone, repeated in support"
"""The groups in which an estimand is estimated: everyone; everyone and each arm; these and each subgroup level; arm
against arm; or everyone, with each arm and subgroup level as supporting findings."""

COUNTS, SAMPLE, NEVER = "counts", "sample", "never"
"""How an estimand is estimated for folders: from counts and moments of all rows, from a random sample of rows, or
not at all."""

FAITHFUL, SUFFICIENT, PRIVATE = "faithful", "sufficient", "private"
"""The three questions. A finding answers the first or the last; all findings together answer the second."""

ONE = ("absolute",)
"""The only scale of a share, a distance or a probability."""

WITHIN = {"intersections": None}
"""The setting of estimands that also apply to two subgroup levels together: the minimum number of patients there."""

HORIZON = {"horizon": None, "endpoint": None}
"""The settings of estimands that are restricted to a horizon."""

LARGEST_LOG_RATIO = 1.0986
"""A ratio margin as wide as 1/3 to 3, on the log scale, is vacuous."""

BOTH_SIDES = (-math.inf, math.inf)


@dataclass(frozen=True)
class Reference:
    """The size that an absolute margin is compared with: a margin of half this size or more is vacuous.

    Attributes
    ----------
    name : str           such as "the horizon"
    sizes : callable     (margin, real cohort) -> the sizes; the smallest is used
    """

    name: str
    sizes: Callable[[Margin, Observed], Iterable[float]]


@dataclass(frozen=True, eq=False)
class DefaultMargin:
    """An estimand of a purpose, with its default margin and the reason for the width of that margin."""

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
    key : str             its name in a protocol, such as "survival.rmst"; the part before the dot names its check
    plain : str           its name in the words of a committee
    definition : str      one line for a statistician
    formula, source : str the formula in HTML (only sub- and superscripts), and its first publication
    answer : callable     `Ask` -> list of findings
    asked_of : str        EVERYONE, EVERYONE_AND_ARMS, EVERY_GROUP, CONTRASTS or REPEATED
    unit : str            "time", "money", "QALY", or "" for a share, a correlation or a log ratio
    scales : tuple        the scales its margin can have
    settings : Mapping    its settings with their defaults; for None see `definition`
    several : tuple       settings that may be a list; each value then gives a finding
    needs : tuple         roles that the cohort must declare: arm, costs, utilities, subgroups
    margin, reason        its default margin and the reason for it; empty if no purpose includes the estimand by default
    relative_to : str     the quantity that a relative margin is a share of, if it is not the real estimate
    limit : float         a margin of this width or more is vacuous
    reference             for times and amounts: the `Reference` of an absolute margin, instead of `limit`
    folders : str         COUNTS, SAMPLE or NEVER
    question : str        FAITHFUL or PRIVATE
    span : tuple          the range of differences that can fail: one side of 0 for one-sided tests
    one_value : bool      True if the estimate is the value of one patient: a run publishes a mean of five instead
    among_all : callable  like `answer`, for three arms or more at once; or None
    fixed_by : tuple      facts (`data.labels.facts`); a generator that keeps one of them sets the estimand equal

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
    one_value: bool = False
    among_all: Callable[..., list] | None = field(default=None, repr=False)
    fixed_by: tuple[str, ...] = ()

    @property
    def check(self) -> str:
        """The name of the check that estimates it."""
        return self.key.split(".", maxsplit=1)[0]

    @property
    def default(self) -> DefaultMargin:
        """The estimand with its default margin."""
        return DefaultMargin(self, self.margin, self.reason)

    def with_margin(self, margin: Mapping[str, object], reason: str) -> DefaultMargin:
        """Return the estimand with the margin of a purpose."""
        return DefaultMargin(self, margin, reason)
