"""What applies to every finding of a check: which decide, what is constructed, how the cohorts are used."""

from __future__ import annotations

from dataclasses import dataclass

from heorsynth.checks.core.finding import LEVEL, POOLED


@dataclass(frozen=True)
class Standing:
    """What applies to every finding of a check, given the purpose and the lineage of the rows.

    Attributes
    ----------
    decisive : frozenset or None    keys that decide the verdict; None (no purpose): all keys
    by_subgroup : frozenset         keys that also decide within subgroup levels
    constructed : frozenset         keys that equal the source by construction, or `key:column` for one column
    use : str                       pooled, or single: the verdict rests on the single cohorts (`decide_single`)
    level : float                   two-sided level of the intervals
    unsampled : float               share of the patients outside the random sample that is checked; 0: all are checked
    trained : float                 share of the patients that the generator was trained on
    alarms : frozenset              keys that decide only where they fail
    before, after : tuple of str    text before and after the reason of every finding, e.g. "from a sample"
    """

    decisive: frozenset[str] | None = None
    by_subgroup: frozenset[str] = frozenset()
    constructed: frozenset[str] = frozenset()
    use: str = POOLED
    level: float = LEVEL
    unsampled: float = 0.0
    trained: float = 1.0
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    alarms: frozenset[str] = frozenset()

    @property
    def for_gaps(self) -> tuple[float, float]:
        """The last two arguments of `Gaps.of`: unsampled share and level."""
        return self.unsampled, self.level

    def decides(self, key: str, *, counts: bool, fails: bool = False) -> bool:
        """Return whether a finding is decisive; `counts` says whether its group can decide (`Group.decisive`)."""
        asked = self.decisive is None or key in self.decisive or (fails and key in self.alarms)
        return (counts or key in self.by_subgroup) and asked
