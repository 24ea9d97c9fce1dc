"""The fitted law of `heor`: cells, then the outcome, then every other column from latent normal scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.clusters import cluster_names
from heorsynth.data.columns.schema import Schema
from heorsynth.data.rules.mending import Mending
from heorsynth.generators.clusters.calibration import Rows, calibrated, draws_of
from heorsynth.generators.clusters.law import ClusterFacts, ClusterLaw
from heorsynth.generators.clusters.placing import Placed
from heorsynth.generators.heor.borrowing import ExternalCohort
from heorsynth.generators.heor.cells import OTHERS, Cells
from heorsynth.generators.heor.clustered import cluster_facts, in_an_arm, residual_of
from heorsynth.generators.heor.columns import ColumnLaw, bent_by, side_by_side
from heorsynth.generators.heor.entry import EntryLaw
from heorsynth.generators.heor.groups import CAUSE, STRATUM, Grouping, Groups
from heorsynth.generators.heor.keep_columns import spared
from heorsynth.generators.heor.kept import Drawn, KeptMoments
from heorsynth.generators.heor.outcome import Outcome, scores_of
from heorsynth.generators.heor.quantities import horizon_of, more_quantities, quantities
from heorsynth.generators.heor.shape import Shape, arms_of, column_law
from heorsynth.generators.latent.associations import Target, associations, correlated_patients, require_dense
from heorsynth.generators.latent.dependence import Dependence, Thresholds, solve, with_same_noise
from heorsynth.generators.latent.products import Products
from heorsynth.generators.latent.quantiles import MIN_PATIENTS
from heorsynth.generators.latent.wide import WideDependence, WideTarget, solve_wide
from heorsynth.generators.protection.guard import Guard, Mover, Noise
from heorsynth.generators.rules.plan import RulePlan
from heorsynth.generators.sampling.formats import formats_from_dict
from heorsynth.generators.visits.attendance import Attendance

_SIMULATED_ROWS = 4000
"""Least number of rows of the draw that corrects the latent correlations."""

_FEWER_ROWS = 2000
"""Rows of that draw for more latents than one dense covariance is made for: their blocks need no more."""


@dataclass(frozen=True, repr=False)
class HeorLaw:
    """The fitted law of `heor`. Only the counts of declared subgroups rest on fewer than five patients.

    Attributes
    ----------
    shape : Shape                  which columns are modelled, and how rows are assembled
    cells : Cells                  of arm and subgroups; their numbers of rows are exact
    outcome : Outcome or None      the law of the primary endpoint; None without endpoints
    columns : tuple of ColumnLaw   in drawing order
    dependence : Dependence or WideDependence    of the columns on the outcome, the cells and one another
    kept : KeptMoments or None     of declared covariates, which every whole cohort is to have
    noise : Noise or None          in a law that may be shared; every cohort is drawn with as much noise again
    clusters : ClusterLaw or None  what patients of one site have in common; None without clusters
    """

    shape: Shape
    cells: Cells
    outcome: Outcome | None
    columns: tuple[ColumnLaw, ...]
    dependence: Dependence | WideDependence
    kept: KeptMoments | None = None
    noise: Noise | None = None
    clusters: ClusterLaw | None = None

    @property
    def conditional(self) -> bool:
        return True

    @property
    def mending(self) -> Mending:
        """The rules that every row keeps, with the columns that they change."""
        return self.shape.plan.mending

    @property
    def column_of_clusters(self) -> str | None:
        """The column of the clusters, which rows of one cohort share; None without clusters."""
        return None if self.clusters is None else self.clusters.column

    @property
    def whole(self) -> tuple[str, ...]:
        """The columns that are the same within every cluster."""
        return () if self.clusters is None else self.clusters.whole

    @property
    def least(self) -> int:
        """Smallest number of patients to a piece of the law, and to a level of a covariate."""
        return self.shape.least

    @classmethod
    def of(
        cls,
        cohort: Cohort,
        thresholds: Thresholds,
        rng: np.random.Generator,
        *,
        least: int = MIN_PATIENTS,
        external: ExternalCohort | None = None,
        counts: Mapping[tuple[str, ...], int] | None = None,
        keep: Sequence[str] = (),
        whole: bool = False,
        guard: Guard | None = None,
        mending: Mending | None = None,
    ) -> HeorLaw:
        """The law of a cohort.

        Parameters
        ----------
        thresholds : Thresholds      for the associations to be kept
        rng : Generator              of the draws that correct the latent correlations
        least : int                  patients to a piece
        external : ExternalCohort    informs the correlations of covariates
        counts : Mapping             cell to its patients in the whole folder of which this cohort is a sample
        keep : sequence of str       covariates whose moments by arm are kept, as `keep_columns.resolved` gives them
        whole : bool                 `keep` is every covariate: then nothing is shrunk, and bent relations are kept too
        guard : Guard, optional      bounds how far one patient moves the law
        mending : Mending, optional  the rules that every row is to keep
        """
        cells, cell = Cells.of(cohort, least)
        taken = cells.counts
        if counts is not None:
            cells = replace(cells, counts=np.array([counts[member] for member in cells.members]))
        if guard is not None:
            cells = replace(cells, counts=guard.rounded(cells.counts))
        shape = Shape.of(cohort, cells, least, guard, mending, keep)
        primary = shape.primary
        time, cause = np.ones(cohort.n), np.zeros(cohort.n, dtype=int)
        outcome = None
        values = shape.encoded(cohort.arrays)
        noise = None if guard is None else shape.noise(values, guard, cohort.n)
        if primary is not None:
            time, cause, _ = cohort.outcome(primary.name)
            chance = None
            if guard is not None and noise is not None:
                time, chance = guard.capped(time), guard.weights("outcome", cohort.n, noise.outcome)
            outcome = Outcome.of(
                *(time, cause, cells, cell, least if guard is None else least // 2, chance, cohort.schema.arm)
            )
        if guard is not None:
            values = shape.bounded(values, guard, cohort.name)
        shape = shape.with_states(cells, cell, cause, values)
        grouped = shape.grouping(cells, cell, cause).every(values)
        columns = tuple(column_law(name, values[name], shape, grouped[name], guard, noise) for name in shape.modelled)
        owner = np.repeat(np.arange(len(columns)), [column.width for column in columns])
        require_dense(len(owner), keep=whole, borrow=external is not None, cluster=cohort.schema.cluster is not None)
        kept = None
        if any(name in keep for name in shape.modelled):
            own = [column for column in columns if column.name in (set(shape.schema.utilities) - set(keep))]
            own += [column for column in columns if column.name in keep]
            told = quantities(values, shape.schema, outcome, time, cause)
            horizon = horizon_of(time) if whole else None
            if horizon is not None:
                told |= more_quantities(values, shape.schema, horizon, time, cause, cells, cell)
            weights = (cells.counts / taken)[cell]
            weights = weights if guard is None or noise is None else guard.weights("kept", cohort.n, noise.ties)
            kept = KeptMoments.of(own, values, told, arms_of(shape, cells, cell), weights, least, halves=whole)
            kept = replace(kept, horizon=horizon)
        seen = correlated_patients(cohort.n, rng)
        seen = seen if guard is None or noise is None else np.repeat(seen, guard.repeats("ties", len(seen), noise.ties))
        blocks, numbers = (
            [column.scores(values[column.name][seen], grouped[column.name].take(seen)) for column in columns],
            {name: held[seen] for name, held in values.items() if cohort.schema.cluster is not None},
        )
        del values, grouped
        scores = scores_of(cells, outcome, cell[seen], time[seen], cause[seen])
        center, scale = scores.mean(axis=0), scores.std(axis=0)
        scale = np.where(scale > 0, scale, 1.0)
        standard = (scores - center) / scale
        held, known = side_by_side(blocks, len(seen))
        target, products = associations(
            *(standard, held, known, owner, bent_by(columns, () if kept is None else kept.columns)),
            cells.indicators(cell).shape[1],
            0 if outcome is None else outcome.hazards.shape[1],
            thresholds,
            least,
            rng,
            None if external is None else external.correlations(shape, cells, columns),
            spared(keep, shape.schema, cells, columns, scores.shape[1]) if keep or cohort.visits else None,
        )
        facts = cluster_facts(cohort, cells, cell, seen, scores, (held, known, numbers), columns, thresholds.cluster)
        made = cls(shape, cells, outcome, columns, Dependence.blank(center, scale), kept, noise)
        return made.with_dependence(target, rng, products).with_clusters(facts, rng)

    def with_dependence(self, target: Target, rng: np.random.Generator, products: Products | None = None) -> HeorLaw:
        """This law, with the dependence that gives drawn columns the target correlations, and with tables."""
        size = _FEWER_ROWS if isinstance(target, WideTarget) else max(_SIMULATED_ROWS, 20 * len(target))
        cell = np.repeat(np.arange(len(self.cells.members)), self.cells.allocated(size))
        time, cause = self._outcomes(cell, rng)
        scores = scores_of(self.cells, self.outcome, cell, time, cause)
        standard = (scores - self.dependence.center) / self.dependence.scale
        seeds, grouping = rng.integers(2**63, size=2), self.shape.grouping(self.cells, cell, cause)

        def drawn(latents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            values, groups = self._values(latents, grouping, np.random.default_rng(seeds[1]), exactly=True)
            return side_by_side([one.scores(values[one.name], groups[one.name]) for one in self.columns], size)

        center, scale = self.dependence.center, self.dependence.scale
        law: Dependence | WideDependence
        if isinstance(target, WideTarget):
            law = solve_wide(target, standard, center, scale, drawn, int(seeds[0]), products or Products.none())
            latents = law.latents(scores, np.random.default_rng(seeds[0]))
        else:
            count, products = len(target) - scores.shape[1], products or Products.none()
            latents_under = with_same_noise(standard, count, products, np.random.default_rng(seeds[0]))
            law = solve(target, standard, center, scale, lambda law: drawn(latents_under(law)), products)
            latents = latents_under(law)
        _, groups = self._values(latents, grouping, np.random.default_rng(seeds[1]), exactly=True)
        columns = [column.tabulated(mine, groups[column.name]) for column, mine in self._split(latents)]
        return replace(self, columns=tuple(columns), dependence=law)

    def with_clusters(self, facts: ClusterFacts | None, rng: np.random.Generator) -> HeorLaw:
        """This law, with clusters in which drawn columns and outcomes have as much in common as is wanted."""
        if facts is None or isinstance(self.dependence, WideDependence):
            return self
        (cohorts, size), arm = draws_of(int(self.cells.counts.sum())), self.shape.schema.arm
        counts = self.cells.allocated(size)
        cell, seeds = np.repeat(np.arange(len(counts)), counts), rng.integers(2**63, size=cohorts)
        rows, arms = in_an_arm(self.cells, cell, arm)

        def simulated(clusters: ClusterLaw, seed: int) -> Rows:
            law, own = replace(self, clusters=clusters), np.random.default_rng(seed)
            placed = clusters.placed(self.cells.members, counts, own)
            time, cause = law._outcomes(cell, own, placed)
            scores = scores_of(self.cells, self.outcome, cell, time, cause)
            grouping = self.shape.grouping(self.cells, cell, cause)
            values, groups = law._values(law._latents(scores, own, placed), grouping, own, exactly=True)
            blocks = [one.measured(values[one.name], groups[one.name]) for one in self.columns]
            held, known = side_by_side(blocks, size)
            residual = residual_of(self.cells, scores)
            return Rows(placed.cluster[rows], arms[rows], residual[rows], held[rows], known[rows])

        start = facts.law(self.dependence.factor)
        found = calibrated(facts, start, lambda clusters: [simulated(clusters, seed) for seed in seeds])
        return replace(self, clusters=found)

    def draw_together(self, cells: Sequence[tuple[Mapping[str, str], int]], rng: np.random.Generator) -> pd.DataFrame:
        """Rows in these numbers with these levels, in one set of clusters."""
        counts = np.sum([self.cells.allocated(count, where) for where, count in cells if count], axis=0)
        return self._drawn(counts, rng, exactly=False)

    def draw(self, n: int, rng: np.random.Generator, where: Mapping[str, str] | None = None) -> pd.DataFrame:
        """n rows; with `where`, all of them of these levels of arm and subgroups."""
        law = self if self.noise is None or where else self._moved(self.noise, rng)
        return law._drawn(self.cells.allocated(n, where), rng, exactly=not where)

    def allocated(self, n: int, where: Mapping[str, str] | None = None) -> np.ndarray:
        """Rows of each cell (c,), n in all; with `where`, only cells of these levels have rows."""
        return self.cells.allocated(n, where)

    def draw_cells(self, counts: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
        """Rows in these numbers of each cell (c,)."""
        return self._drawn(counts, rng, exactly=True)

    def _drawn(self, counts: np.ndarray, rng: np.random.Generator, *, exactly: bool) -> pd.DataFrame:
        cell = np.repeat(np.arange(len(self.cells.members)), counts)
        placed = None if self.clusters is None else self.clusters.placed(self.cells.members, counts, rng)
        time, cause = self._outcomes(cell, rng, placed)
        latents = self._latents(scores_of(self.cells, self.outcome, cell, time, cause), rng, placed)
        grouping = self.shape.grouping(self.cells, cell, cause)
        values, groups = self._values(latents, grouping, rng, exactly=exactly)
        if self.kept is not None and exactly:
            values |= self._with_moments(self.kept, values, groups, latents, cell, time, cause)
        if placed is not None and self.whole:
            one = placed.one_row(rng)
            values |= {name: values[name][one] for name in self.whole}
        del latents, groups  # of many rows: free them before the rows are put together, and these before they are mixed
        frame = self.shape.frame(self.cells, cell, time, cause, values)
        del values
        frame = frame if self.shape.visits is None else self.shape.visits.attended(frame, self.shape.schema, rng)
        if placed is not None and self.clusters is not None:
            names = rng.permutation(cluster_names(len(placed.home)))[placed.cluster]
            frame[self.clusters.column] = pd.Series(names, dtype="str")
        frame = frame.iloc[rng.permutation(len(cell))]
        frame.index = pd.RangeIndex(len(cell))
        return frame

    def to_dict(self) -> dict[str, Any]:
        """The law as data for JSON; docs/generator-file.md says what it discloses."""
        return {
            **self.shape.to_dict(),
            "cells": self.cells.to_dict(),
            "outcome": None if self.outcome is None else self.outcome.to_dict(),
            "columns": [column.to_dict() for column in self.columns],
            "dependence": self.dependence.to_dict(),
            **({} if self.kept is None else {"kept": self.kept.to_dict()}),
            **({} if self.noise is None else {"noise": self.noise.to_dict()}),
            **({} if self.clusters is None else {"clusters": self.clusters.to_dict()}),
        }

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any], schema: Schema) -> HeorLaw:
        """The law that `to_dict` wrote, for these roles."""
        formats = formats_from_dict(facts["formats"])
        entry = None if schema.entry is None else EntryLaw.from_dict(facts["entry"])
        plan = RulePlan.from_dict(facts["plan"]) if "plan" in facts else RulePlan()
        visits = Attendance.from_dict(facts["visits"]) if "visits" in facts else None
        shape = Shape(plan.schema(schema), formats, dict(facts["modelled"]), facts["pooled"], entry=entry, plan=plan)
        shape = replace(shape, visits=visits)
        outcome = None if facts["outcome"] is None else Outcome.from_dict(facts["outcome"])
        columns = tuple(map(ColumnLaw.from_dict, facts["columns"]))
        told = facts["dependence"]
        dependence = WideDependence.from_dict(told) if "blocks" in told else Dependence.from_dict(told)
        kept = KeptMoments.from_dict(facts["kept"]) if "kept" in facts else None
        noise = Noise(**facts["noise"]) if "noise" in facts else None
        clusters = ClusterLaw.from_dict(facts["clusters"]) if "clusters" in facts else None
        return cls(shape, Cells.from_dict(facts["cells"]), outcome, columns, dependence, kept, noise, clusters)

    def _moved(self, noise: Noise, rng: np.random.Generator) -> HeorLaw:
        """This law with as much noise again as it has, so that the spread of cohorts tells what the noise may do."""
        mover, counts = Mover(rng), self.cells.counts
        patients = int(counts.sum())
        cell = np.repeat(np.arange(len(counts)), counts)
        strata = dict(zip(*np.unique(self.cells.strata(cell), return_counts=True), strict=True))
        columns = tuple(
            column.moved(
                mover,
                strata if column.group == STRATUM else dict.fromkeys(column.missing, float(patients)),
                noise.outcome if column.group in (STRATUM, CAUSE) else noise.covariates,
                values=noise.values and column.group not in (STRATUM, CAUSE),
            )
            for column in self.columns
        )
        outcome = None if self.outcome is None else self.outcome.moved(mover, counts, noise.outcome)
        dependence = self.dependence.moved(patients, noise.ties, rng)
        return replace(self, outcome=outcome, columns=columns, dependence=dependence)

    def _with_moments(
        self,
        kept: KeptMoments,
        values: Mapping[str, np.ndarray],
        groups: Mapping[str, Groups],
        latents: np.ndarray,
        cell: np.ndarray,
        time: np.ndarray,
        cause: np.ndarray,
    ) -> dict[str, np.ndarray]:
        """The kept columns (n,), in the order over the rows that gives them their moments."""
        drawn = {}
        for column, mine in self._split(latents):
            if column.name in kept.columns:
                drawn[column.name] = Drawn(column, values[column.name], mine, groups[column.name])
        told = quantities(values, self.shape.schema, self.outcome, time, cause)
        if kept.horizon is not None:
            told |= more_quantities(values, self.shape.schema, kept.horizon, time, cause, self.cells, cell)
        return kept.met(drawn, told, arms_of(self.shape, self.cells, cell))

    def _outcomes(
        self, cell: np.ndarray, rng: np.random.Generator, placed: Placed | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        if self.outcome is None:
            return np.ones(len(cell)), np.zeros(len(cell), dtype=int)
        time, cause = self.outcome.draw(cell, rng)
        if placed is None or self.clusters is None:
            return time, cause
        law, own = self.clusters, self.clusters.effects
        score, effect = self.outcome.scores(time, cause)[:, 0], 0.0 if own is None else own.outcome
        order = placed.arranged(cell, score, law.outcome, rng, effect)
        return time[order], cause[order]

    def _latents(self, scores: np.ndarray, rng: np.random.Generator, placed: Placed | None) -> np.ndarray:
        clusters, law = self.clusters, self.dependence
        if placed is None or clusters is None or isinstance(law, WideDependence):
            return law.latents(scores, rng)
        own = None if clusters.effects is None else clusters.effects.columns
        return law.latents(scores, rng, lambda noise: placed.mixed(noise, clusters.shares, clusters.factor, rng, own))

    def _values(
        self, latents: np.ndarray, grouping: Grouping, rng: np.random.Generator, *, exactly: bool
    ) -> tuple[dict[str, np.ndarray], dict[str, Groups]]:
        """The values (n,) of each column, and the groups of rows in its law."""
        values, found = dict[str, np.ndarray](), dict[str, Groups]()
        for column, mine in self._split(latents):
            groups = found[column.name] = grouping.of(column.name, values)
            strata = groups.parts if column.group == STRATUM else ()
            whole = frozenset(name for name in strata if not name.endswith(OTHERS))
            values[column.name] = column.values(mine, groups, rng, exactly=exactly, whole=whole)
        return values, found

    def _split(self, latents: np.ndarray) -> list[tuple[ColumnLaw, np.ndarray]]:
        """Each column with its latents (n, width)."""
        stops = np.cumsum([column.width for column in self.columns])
        return list(zip(self.columns, np.split(latents, stops[:-1], axis=1), strict=True)) if len(stops) else []
