"""What every table function returns: the card that is shown, and its numbers."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from heorsynth.core.display import Card

FOOTNOTE = "SYNTHETIC DATA: rows called synthetic are no patients."
"""At the foot of every table that shows synthetic rows or what was found of them."""


@dataclass(frozen=True)
class Table:
    """A table with its numbers: `card` is what is shown, `frame` the same as data."""

    card: Card
    frame: pd.DataFrame

    def to_frame(self) -> pd.DataFrame:
        """A copy of the numbers."""
        return self.frame.copy()

    def __repr__(self) -> str:
        return self.card.text()

    def _repr_html_(self) -> str:
        return self.card.html()
