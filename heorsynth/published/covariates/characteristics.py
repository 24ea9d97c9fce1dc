"""The characteristics that a paper states, and how they are given to reconstructed patients."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from heorsynth.core.errors import PaperError
from heorsynth.core.random import stream
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.schema import Schema
from heorsynth.published.covariates.assign import assigned
from heorsynth.published.covariates.columns import Column, columns_of
from heorsynth.published.covariates.copula import Stated, draw, stated_correlations
from heorsynth.published.covariates.ladder import quantities_met
from heorsynth.published.covariates.prior import Prior
from heorsynth.published.covariates.subgroup_facts import SubgroupFact, subgroup_facts
from heorsynth.published.paper.paper import Paper


@dataclass(frozen=True)
class Characteristics:
    """The columns that a paper describes, the facts on them, and the prior of what it does not state.

    Attributes
    ----------
    paper : Paper
    endpoint : str       whose hazard ratios of subgroups hold in the cohorts
    prior : Prior
    columns : tuple of Column
    facts : tuple of SubgroupFact
    stated : tuple of Stated      correlations
    unused : tuple                facts that give no column, each with the reason
    """

    paper: Paper
    endpoint: str
    prior: Prior
    columns: tuple[Column, ...]
    facts: tuple[SubgroupFact, ...]
    stated: tuple[Stated, ...]
    unused: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, paper: Paper, endpoint: str, prior: Prior | None = None) -> Characteristics:
        """Return what a paper states; PaperError for a level, a column or a correlation that does not fit Table 1."""
        columns, unused = columns_of(paper.document)
        facts, problems = subgroup_facts(paper.document, endpoint, columns)
        if problems:
            raise PaperError(f"paper {paper.path.name!r}", problems)
        return cls(
            paper, endpoint, prior or Prior(), columns, facts, stated_correlations(paper.document, columns), unused
        )

    def schema(self, known: Schema) -> Schema:
        """Return the roles of reconstructed cohorts with those of the columns."""
        kinds = {kind: tuple(one.name for one in self.columns if one.kind == kind) for kind in ("cost", "utility")}
        money = [self.paper.document.costs[name] for name in kinds["cost"]]
        return replace(
            known,
            costs=kinds["cost"],
            utilities=kinds["utility"],
            subgroups=tuple(one.name for one in self.columns if one.levels),
            currency=next((one.currency for one in money if one.currency), None),
            price_year=next((one.price_year for one in money if one.price_year), None),
            levels={one.name: one.levels for one in self.columns if one.levels},
        )

    def settings(self) -> dict[str, object]:
        """Return the prior and the facts that are not used, for a label."""
        prior = self.prior
        return {
            "prior": {"correlation": prior.correlation, "effect": prior.effect, "interaction": prior.interaction},
            "not_used": [f"{fact}: {reason}" for fact, reason in self.unused],
        }

    def given_to(self, cohort: Cohort, which: int) -> pd.DataFrame:
        """Return the rows of a labelled cohort with characteristics of the draw `which`, in place of any it has.

        The draw follows from the seed and the part in the cohort's label. So it can be repeated from the rows.
        """
        assert cohort.label is not None, "a reconstructed cohort has a label"
        rng = stream(cohort.label.seed, "covariates", which, cohort.label.part)
        names, rows = [one.name for one in self.columns], cohort.rows
        end = cohort.schema.endpoints[self.endpoint]
        time, event = (rows[name].to_numpy() for name in (end.time, end.event))
        given = self._drawn(time.astype(float), event, rows["arm"].to_numpy(), rng)
        kept = {name: rows[name].to_numpy() for name in rows.columns if name not in names}
        return pd.DataFrame(kept | given)

    def single(self, cohort: Cohort) -> pd.DataFrame:
        """Return the rows of a cohort with the columns time and event of the endpoint."""
        end = cohort.schema.endpoints[self.endpoint]
        return cohort.rows.rename(columns={end.time: "time", end.event: "event"})

    def _drawn(
        self, time: np.ndarray, event: np.ndarray, arm: np.ndarray, rng: np.random.Generator
    ) -> dict[str, np.ndarray]:
        arms = list(dict.fromkeys(sorted(arm)))
        place = {name: _by_time(time, event, arm == name) for name in arms}
        sizes = {name: len(one) for name, one in place.items()}
        effects = self.prior.effects([len(one.levels) for one in self.columns], arms, rng)
        stated = [one for one in self.stated if one.arm in ("", *arms)]
        drawn = draw(self.columns, sizes, stated, self.prior, rng)
        follow = {name: (time[one], event[one]) for name, one in place.items()}
        facts = [one for one in self.facts if {one.arm, one.reference} <= set(arms)]
        values = np.empty((len(time), len(self.columns)))
        for name, own in assigned(follow, drawn, self.columns, effects, facts, rng).items():
            values[place[name]] = own
        return {column.name: _as_column(column, values[:, at]) for at, column in enumerate(self.columns)}

    def met(self, arms: Sequence[str]) -> frozenset[str]:
        """Return the names of the facts that cohorts with these arms are made to agree with."""
        found = {f"correlation.{one.fact.rpartition('.')[2]}" for one in self.stated if one.arm in ("", *arms)}
        facts = [one for one in self.facts if {one.arm, one.reference} <= set(arms)]
        names = [one.fact for one in self.paper.facts]
        for fact in facts:
            found |= {
                name
                for name in names
                if name == fact.fact or name.startswith((f"{fact.fact}.n.", f"{fact.fact}.events."))
            }
        for column in self.columns:
            base = f"table1.{column.name}" if column.kind == "characteristic" else f"{column.kind}.{column.name}"
            for arm in arms:
                found |= set(_met_in(base, column, arm))
        return frozenset(found & set(names))

    def not_determined(self) -> Iterator[tuple[str, str, str]]:
        """Yield each joint fact that the paper leaves open: quantity, of, prior."""
        names, prior = [one.name for one in self.columns], self.prior
        known = {frozenset(one.places) for one in self.stated}
        for place, name in enumerate(names):
            for other in range(place):
                if frozenset((place, other)) not in known:
                    yield "correlation", f"{names[other]} and {name}", f"latent normal scores: SD {prior.correlation:g}"
        arms = list(dict.fromkeys(self.paper.curves(self.endpoint)["arm"]))
        for place, column in enumerate(self.columns):
            yield "effect", f"{column.name} on {self.endpoint}", f"log hazard ratio normal(0, {prior.effect:g})"
            stated = {level for one in self.facts for at, level in one.group if at == place and len(one.group) == 1}
            if len(arms) > 1 and not (column.levels and set(column.levels) <= stated):
                told = f"log hazard ratio normal(0, {prior.interaction:g})"
                yield "interaction", f"arm and {column.name} on {self.endpoint}", told
            if not column.levels:
                yield "shape", column.name, "laws that have the stated numbers, equally likely"


def _by_time(time: np.ndarray, event: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Places of an arm's rows, by time with events before censoring."""
    own = np.flatnonzero(inside)
    return np.asarray(own[np.lexsort((-event[own], time[own]))])


def _as_column(column: Column, values: np.ndarray) -> np.ndarray:
    """The values as they stand in a frame: levels by name, None where missing."""
    if not column.levels:
        return values
    names = np.array([*column.levels, None], dtype=object)
    return np.asarray(names[np.where(np.isfinite(values), values, len(column.levels)).astype(int)])


def _met_in(base: str, column: Column, arm: str) -> Iterator[str]:
    """Names that the facts of a column in an arm would have, where the column meets them."""
    for level in column.levels if arm in column.counts else ():
        yield f"{base}.{level}.n.{arm}"
        yield f"{base}.{level}.percent.{arm}"
    if arm in column.cells:
        for quantity in quantities_met(column.cells[arm]):
            yield f"{base}.{quantity}.{arm}"
