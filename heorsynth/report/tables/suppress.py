"""Levels in a reader's order, and counts of real patients as they may be shown: none below five, none to be "
"worked out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from heorsynth.data.cohort.cohort import Cohort, small
from heorsynth.data.columns.levels import SMALL_COUNT

_HIDDEN = f"≥{SMALL_COUNT}"


def shown_counts(counts: Sequence[int], keep: int | None = None) -> list[str]:
    """Counts that add up to a known total, as text.

    One small count among the others would be the total less the rest; so where exactly one is hidden, the
    smallest of the others that is at least 5 is shown as "≥5" (or, if there is none, a 0 as "<5").

    Parameters
    ----------
    counts : sequence of int     of patients, one a level, all levels of the column
    keep : int, optional         index of a count that is not to be hidden for another's sake

    Examples
    --------
    >>> shown_counts([200, 12, 3])
    ['200', '≥5', '<5']
    >>> shown_counts([200, 2, 3])
    ['200', '<5', '<5']
    >>> shown_counts([42, 0, 2], keep=0)
    ['42', '<5', '<5']
    """
    shown = [small(count) for count in counts]
    hidden = [index for index, count in enumerate(counts) if 0 < count < SMALL_COUNT]
    if len(hidden) == 1:
        others = [(count == 0, count, index) for index, count in enumerate(counts) if index not in (*hidden, keep)]
        if others:
            empty, _, index = min(others)
            shown[index] = f"<{SMALL_COUNT}" if empty else _HIDDEN
    return shown


def is_exact(text: str) -> bool:
    """Whether a shown count is the count itself."""
    return text != _HIDDEN and not text.startswith("<")


def ordered_levels(cohort: Cohort, name: str, levels: Iterable[str]) -> list[str]:
    """The levels of a column: the reference arm or the lowest band first, then by name; missing ('') last."""
    declared = list(cohort.arm_levels) if name == cohort.schema.arm else []
    if name in cohort.schema.bands:
        declared = list(cohort.schema.bands[name].labels)
    place = {level: index for index, level in enumerate(declared)}
    return sorted(levels, key=lambda level: (level == "", place.get(level, len(place)), level))
