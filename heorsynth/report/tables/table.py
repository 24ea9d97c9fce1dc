"""The result of every table function: a card to show, and its numbers as a frame."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from heorsynth.core.display import Card

FOOTNOTE = "SYNTHETIC DATA: synthetic rows are not patients."
"""The footnote of every table with synthetic rows or findings about them."""


@dataclass(frozen=True)
class Table:
    """A table with its numbers: `card` is what is shown, `frame` the same as data.

    See Also
    --------
    heorsynth.report.figures.Picture : The same for a figure.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"arm": ["usual"], "mean": [200.0]})
    >>> table = Table(Card("Costs", ("arm", "mean"), (("usual", "200"),)), frame)
    >>> print(table)
    Costs
      arm    mean
      usual  200
    >>> table.to_frame()["mean"].tolist()
    [200.0]
    """

    card: Card
    frame: pd.DataFrame

    def to_frame(self) -> pd.DataFrame:
        """A copy of the numbers."""
        return self.frame.copy()

    def __repr__(self) -> str:
        return self.card.text()

    def _repr_html_(self) -> str:
        return self.card.html()
