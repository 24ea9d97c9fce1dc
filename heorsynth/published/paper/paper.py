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
from heorsynth.core.estimate import Estimate, normal_quantile
from heorsynth.published.consistency.contradictions import contradictions_of
from heorsynth.published.paper.files import file_names
from heorsynth.published.schema.document import CharacteristicSection, Document, EndpointSection
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

    @property
    def files(self) -> dict[str, Path]:
        """The paper file and the files that it names: path from its folder to the path here."""
        named = (self.path.name, *file_names(self.document))
        return {name: self.path.parent / name for name in named}

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

    def hazard_ratio(self, endpoint: str, arm: str, reference: str) -> Estimate:
        """Return the log hazard ratio of an arm to another as the paper states it, with the error of its interval.

        Notes
        -----
        The standard error is log(high / low) / (2 z), z the normal quantile of the stated level. The ratio of the other
        direction is inverted.

        Raises
        ------
        UnknownNameError      the paper has no such endpoint
        PaperError            it states no overall hazard ratio of these arms with an interval
        """
        for one in self._endpoint(endpoint).hazard_ratios:
            if one.subgroup or {one.arm, one.reference} != {arm, reference} or one.low is None or one.high is None:
                continue
            sign = 1 if one.arm == arm else -1
            error = math.log(one.high.value / one.low.value) / (2 * normal_quantile(one.level))
            return Estimate.normal(sign * math.log(one.value.value), error, unit="log hazard ratio")
        found, fix = f"no hazard ratio of {arm} to {reference} with an interval", "add value, low and high"
        raise PaperError(f"paper {self.path.name!r}", Problem(f"endpoints.{endpoint}.hazard_ratios", found, fix))

    def characteristics(self, arm: str) -> dict[str, float | dict[str, float]]:
        """Return Table 1 of an arm as `indirect_comparison` matches it: means with their SD, and shares of levels.

        A characteristic with only a median is left out: its mean is not stated.

        Raises
        ------
        UnknownNameError      the paper has no such arm
        """
        if arm not in self.document.arms:
            raise unknown_name("arm", arm, self.document.arms)
        rows = self.document.table1.characteristics if self.document.table1 is not None else {}
        found: dict[str, float | dict[str, float]] = {}
        for name, row in rows.items():
            moments = row.arms.get(arm)
            if moments is not None and moments.mean is not None:
                found[name] = {"mean": moments.mean.value} | ({"sd": moments.sd.value} if moments.sd else {})
            elif shares := _shares(row, arm, self.document.arms[arm].n):
                found[name] = shares
        return found

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
        if (proposal := self.document.proposal) is not None:
            people = dict.fromkeys(f"{one.accepted_by} on {one.accepted_on}" for one in proposal.facts)
            rows += [("proposed by", f"{proposal.made_by}; accepted by {', '.join(people)}")]
        n = len(self.contradictions())
        return facts_card(f"Paper: {self.title}", rows, f"{counted(n, 'contradiction')}." if n else "")

    def __repr__(self) -> str:
        return self.card().text()

    def _repr_html_(self) -> str:
        return self.card().html()


def _shares(row: CharacteristicSection, arm: str, n: int) -> dict[str, float]:
    """Share of each level among the patients whose level is known; from percentages where a count is missing."""
    cells = {level: by_arm[arm] for level, by_arm in row.levels.items() if arm in by_arm}
    counts = {level: cell.n for level, cell in cells.items() if cell.n is not None}
    if cells and len(counts) == len(cells):
        known = max(sum(counts.values()), 1) if len(cells) > 1 else n
        return {level: count / known for level, count in counts.items()}
    return {level: cell.percent.value / 100 for level, cell in cells.items() if cell.percent is not None}
