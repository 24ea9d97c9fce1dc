"""The tally of a folder whose partitions are counted one by one."""

from __future__ import annotations

from heorsynth.data.folders.tally import Tally


class Total:
    """The tally of parts that come one by one, added in their order."""

    def __init__(self) -> None:
        self._sum: Tally | None = None

    def add(self, part: Tally) -> None:
        """Add the next part."""
        self._sum = part if self._sum is None else self._sum + part

    @property
    def tally(self) -> Tally:
        """The tally of all parts so far. There is one at least."""
        assert self._sum is not None, "a folder has a partition"
        return self._sum
