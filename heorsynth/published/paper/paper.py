"""`Paper`: what a paper states, as typed facts and as frames for the reconstruction."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import pandas as pd

from heorsynth.core.display import Card, counted, facts_card
from heorsynth.core.errors import PaperError, Problem, unknown_name
from heorsynth.published.consistency.contradictions import contradictions_of
from heorsynth.published.schema.document import Document, EndpointSection
from heorsynth.published.schema.endpoint_data import EndpointData
from heorsynth.published.schema.facts import COLUMNS, Fact, facts_of


@dataclass(frozen=True)
class Paper:
    """What a paper states, read from its file by `heorsynth.published.read`.

    Attributes
    ----------
    document : Document      the content of the file
    path : Path              the file
    data : dict              curves and numbers at risk of each endpoint
    """

    document: Document
    path: Path
    data: Mapping[str, EndpointData] = field(repr=False)

    @property
    def title(self) -> str:
        """Title of the paper."""
        return self.document.title

    @property
    def citations(self) -> dict[str, str]:
        """Citations by their name."""
        return dict(self.document.citations)

    @property
    def arms(self) -> tuple[str, ...]:
        """Names of the arms."""
        return tuple(self.document.arms)

    @property
    def endpoints(self) -> tuple[str, ...]:
        """Names of the endpoints."""
        return tuple(self.document.endpoints)

    @cached_property
    def facts(self) -> tuple[Fact, ...]:
        """Every fact with its source."""
        return facts_of(self.document)

    def to_frame(self) -> pd.DataFrame:
        """Return one row a fact, with its citation and place."""
        return pd.DataFrame([one.row() for one in self.facts], columns=list(COLUMNS))

    def curves(self, endpoint: str) -> pd.DataFrame:
        """Return the curves of an endpoint: arm, time, survival.

        Raises
        ------
        UnknownNameError      the paper has no such endpoint
        PaperError            the paper shows no curve of it
        """
        self._endpoint(endpoint)
        return self._stated(self.data[endpoint].curves, endpoint, "curves").copy()

    def at_risk(self, endpoint: str) -> pd.DataFrame:
        """Return the numbers at risk of an endpoint: arm, time, at_risk. Raise as `curves`."""
        self._endpoint(endpoint)
        return self._stated(self.data[endpoint].at_risk, endpoint, "numbers at risk").copy()

    def totals(self, endpoint: str) -> pd.DataFrame:
        """Return patients and events of an endpoint by arm: arm, n, events; events are NaN where they are not stated.

        Raises
        ------
        UnknownNameError      the paper has no such endpoint
        """
        events = self._endpoint(endpoint).events
        counts = events.counts if events is not None else {}
        rows = [(arm, one.n, counts.get(arm, math.nan)) for arm, one in self.document.arms.items()]
        return pd.DataFrame(rows, columns=["arm", "n", "events"])

    def contradictions(self) -> pd.DataFrame:
        """Return facts that cannot all be true, one row each, the largest first within a severity.

        Returns
        -------
        DataFrame     facts (their names), rule, expected, stated (text), size (how far apart, beyond the rounding of
                      the printed numbers), unit of the size, severity: "impossible" if no patients have these facts,
                      "unlikely" if only a stated allowance is exceeded

        Notes
        -----
        The rules and their allowances stand in docs/published-paper.md.
        """
        return contradictions_of(self.document, self.data)

    def _endpoint(self, name: str) -> EndpointSection:
        if name not in self.document.endpoints:
            raise unknown_name("endpoint", name, self.document.endpoints)
        return self.document.endpoints[name]

    def _stated(self, frame: pd.DataFrame, endpoint: str, what: str) -> pd.DataFrame:
        if frame.empty:
            problem = Problem(f"endpoints.{endpoint}", f"the paper file states no {what}", "add them with their source")
            raise PaperError(f"paper {self.path.name!r}", problem)
        return frame

    def card(self) -> Card:
        """Return the summary that is shown."""
        by_kind = pd.Series([one.kind for one in self.facts]).value_counts(sort=False)
        rows = [("arms", ", ".join(f"{arm} ({one.n:,})" for arm, one in self.document.arms.items()))]
        rows += [("endpoints", ", ".join(self.endpoints) or "none")]
        rows += [("facts", ", ".join(f"{kind} {n}" for kind, n in by_kind.items()))]
        rows += [(f"citation {name}", text) for name, text in self.citations.items()]
        n = len(self.contradictions())
        return facts_card(f"Paper: {self.title}", rows, f"{counted(n, 'contradiction')}." if n else "")

    def __repr__(self) -> str:
        return self.card().text()

    def _repr_html_(self) -> str:
        return self.card().html()
