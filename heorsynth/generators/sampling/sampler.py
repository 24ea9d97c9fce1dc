"""A fitted generator: draws m labelled cohorts, keeps to what was asked, and counts what its rows break."""

from __future__ import annotations

import json
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd

from heorsynth.core.display import Card, facts_card
from heorsynth.core.errors import GeneratorError, OutputError, Problem
from heorsynth.core.random import check_seed, stream
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.cohort.domain import Domain
from heorsynth.data.columns.levels import as_text, banded
from heorsynth.data.folders.cohort_folder import CohortFolder
from heorsynth.data.folders.tally import cells_of
from heorsynth.data.labels.claims import Claim, claim_of
from heorsynth.data.labels.label import ID_COLUMN, Label, synthetic_ids
from heorsynth.data.labels.watermark import NO_MARK, release_key
from heorsynth.engine.engine import EngineSpec, open_engine
from heorsynth.generators.sampling.calibration import Aim, calibrated
from heorsynth.generators.sampling.cohorts import MoreRowsThanPatients, SyntheticCohorts
from heorsynth.generators.sampling.law import Law, SavedLaw
from heorsynth.generators.sampling.request import Asked, count_of
from heorsynth.generators.sampling.watermarking import marked
from heorsynth.generators.sampling.write_folder import ROWS_PER_PARTITION, Order, release_of, write

OVERDRAW = 200
"""At most this many rows are drawn for each row asked for before a rare `where` is given up."""

TOO_MUCH = (
    "{rows:,} rows rest on {patients:,} patients: pool with .analyse(), which counts those; a plain analysis of one "
    "cohort would claim {rows:,}"
)

CENTS = 6
"""Decimals a recomputed total is rounded to: sums of decimals carry errors far below."""

LARGEST_ROUNDED = 1e10
"""A larger number has not so many decimals."""

FORMAT = "heorsynth generator 1"
"""What a saved generator says it is."""


@dataclass(frozen=True, repr=False)
class Sampler:
    """A generator fitted to one cohort. It never changes; `sample` with one seed gives the same rows.

    Attributes
    ----------
    name : str             of the generator
    settings : Mapping     its options
    domain : Domain        what every column may hold
    law : Law              what was learnt
    seed : int             the seed it was fitted with
    depth : int            lineage depth of what it draws: 1 if its source was real
    cells : Mapping        combinations of arm and subgroup levels to the patients in each
    calibrated : tuple     estimands set equal to the source's
    aims : tuple of Aim    what every cohort is made to meet
    copies : bool          True where the rows are patients' own: a mark would only hide that they are copies
    learnt : Mapping       the same cells to the patients learnt from, where these were a sample; empty where all were
    """

    name: str
    settings: Mapping[str, object]
    domain: Domain
    law: Law
    seed: int
    depth: int = 1
    cells: Mapping[tuple[str, ...], int] = field(default_factory=dict)
    calibrated: tuple[str, ...] = ()
    aims: tuple[Aim, ...] = ()
    copies: bool = False
    learnt: Mapping[tuple[str, ...], int] = field(default_factory=dict)

    @classmethod
    def fitted(
        cls,
        name: str,
        settings: Mapping[str, object],
        cohort: Cohort,
        law: Law,
        seed: int,
        calibrated: tuple[str, ...] = (),
        aims: tuple[Aim, ...] = (),
        copies: bool = False,
        whole: CohortFolder | None = None,
    ) -> Sampler:
        """The sampler of a law that was just fitted to a cohort, or to one that is a sample of a whole folder."""
        cell, members = cells_of(cohort) if cohort.schema.strata else (np.zeros(0, dtype=np.int64), ())
        cells = dict(zip(members, np.bincount(cell, minlength=len(members)).tolist(), strict=True))
        learnt = {}
        if whole is not None and whole.n > cohort.n:
            learnt, cells = cells or {(): cohort.n}, dict(whole.cells)
        depth = 1 + (0 if not cohort.synthetic else 1 if cohort.label is None else cohort.label.depth)
        domain = Domain.of(cohort) if whole is None else whole.domain
        return cls(name, dict(settings), domain, law, check_seed(seed), depth, cells, calibrated, aims, copies, learnt)

    @property
    def n_source(self) -> int:
        """Real patients the generator was fitted to."""
        return self.domain.n_source

    def sample(
        self,
        n: int | None = None,
        m: int = 20,
        seed: int = 1,
        where: Mapping[str, object] | None = None,
        targets: Mapping[str, Mapping[str, float]] | None = None,
        watermark_key: bytes | None = None,
        *,
        engine: EngineSpec = "local",
    ) -> SyntheticCohorts:
        """Draws m cohorts of n rows, labelled and marked.

        Parameters
        ----------
        n : int, optional          rows in each cohort; as many as the source has by default
        m : int                    number of cohorts, >= 1
        seed : int                 >= 0; the same seed gives the same rows
        where : dict, optional     {"sex": "f"}: only rows of these subgroup levels, exactly n of them
        targets : dict, optional   {"sex": {"f": 0.5, "m": 0.5}}: shares each subgroup is re-balanced to
        watermark_key : bytes      an owner's key, which half of the mark follows beside the public one
        engine : str or Engine     where the cohorts are drawn, see `open_engine`; the rows are the same on each

        Raises
        ------
        GeneratorError             an impossible n, m, where or targets, or a level this generator cannot reach
        EngineError                a cohort failed twice

        Warns
        -----
        MoreRowsThanPatients       each cohort has more rows than patients it rests on: a plain analysis claims more
        """
        drawn = list(self.draws(n, m, seed, where, targets, watermark_key, engine=engine))
        return SyntheticCohorts([cohort for cohort, _ in drawn], [broken for _, broken in drawn])

    def draws(
        self,
        n: int | None = None,
        m: int = 20,
        seed: int = 1,
        where: Mapping[str, object] | None = None,
        targets: Mapping[str, Mapping[str, float]] | None = None,
        watermark_key: bytes | None = None,
        *,
        engine: EngineSpec = "local",
    ) -> Iterator[tuple[Cohort, dict[str, int]]]:
        """The cohorts of `sample` one by one, each with the rows of it that break a post-condition."""
        m = count_of("sample", "m", m, 1)
        asked = Asked.of(self, "sample", n, seed, where, targets, watermark_key)
        rows = asked.rows
        if rows > asked.rests_on:
            warnings.warn(TOO_MUCH.format(rows=rows, patients=asked.rests_on), MoreRowsThanPatients, stacklevel=3)
        first_label = Label(
            "",
            self.name,
            self.n_source,
            asked.rests_on,
            rows,
            0,
            m,
            asked.seed,
            version("heorsynth"),
            self.settings_drawn(asked.where, targets),
            self.depth,
            self.calibrated,
        )
        with open_engine(engine) as opened:
            (first,) = opened.map(_unmarked, [0], (self, asked), what="drawing", named=_named)
            release = release_of(self.name, first, watermark_key)
            drawn = opened.map(_drawn, range(m), (self, asked, release, first), what="drawing", named=_named)
            for part, (frame, mark, broken) in enumerate(drawn):
                frame.index = pd.Index(synthetic_ids(release, part * rows, rows), name=ID_COLUMN)
                label = replace(first_label, release=release, part=part, **vars(mark))
                yield Cohort.derive(self.domain.schema, frame, label=label, name=f"{self.name} {part}"), broken

    def write(
        self,
        folder: str | Path,
        n: int | None = None,
        seed: int = 1,
        where: Mapping[str, object] | None = None,
        targets: Mapping[str, Mapping[str, float]] | None = None,
        *,
        rows_per_partition: int = ROWS_PER_PARTITION,
        watermark_key: bytes | None = None,
        engine: EngineSpec = "local",
        workers: int | None = None,
    ) -> CohortFolder:
        """Draws one cohort into a folder of Parquet files, partition by partition, each labelled and marked.

        `where` and `targets` are those of `sample`. `heorsynth.generators.sampling.write_folder.write`
        says how it is resumed and what is refused.
        """
        asked = Asked.of(self, "write", n, seed, where, targets, watermark_key)
        (order,) = Order.of(self, asked, 1, rows_per_partition)
        with open_engine(engine, workers) as opened:
            return write(order, Path(folder).absolute(), opened)

    def write_cohorts(
        self,
        folder: str | Path,
        n: int | None = None,
        m: int = 20,
        seed: int = 1,
        where: Mapping[str, object] | None = None,
        targets: Mapping[str, Mapping[str, float]] | None = None,
        *,
        rows_per_partition: int = ROWS_PER_PARTITION,
        watermark_key: bytes | None = None,
        engine: EngineSpec = "local",
        workers: int | None = None,
    ) -> list[CohortFolder]:
        """Draws m cohorts of one release into the folders 000, 001, … of a folder; the first is that of `write`."""
        asked, m = Asked.of(self, "write", n, seed, where, targets, watermark_key), count_of("write", "m", m, 1)
        with open_engine(engine, workers) as opened:
            return [
                write(order, Path(folder).absolute() / f"{order.number:03d}", opened)
                for order in Order.of(self, asked, m, rows_per_partition)
            ]

    def marked(
        self, frame: pd.DataFrame, rng: np.random.Generator, release: str, owner: bytes | None
    ) -> tuple[pd.DataFrame, Claim]:
        """The rows with the mark in them, totals recomputed, and what the label says of it: what is found in them."""
        if self.copies:
            return frame, Claim(NO_MARK + "the rows are copies of patients")
        rows, columns = marked(frame, self.domain, rng, None if owner is None else release_key(owner, release))
        rows = self._totalled(rows)
        return rows, claim_of(rows, columns, owner, release)

    def settings_drawn(self, where: Mapping[str, str], targets: object) -> dict[str, object]:
        drawn = {"fit_seed": self.seed, **self.settings}
        return drawn | ({"where": dict(where)} if where else {}) | ({"targets": targets} if targets else {})

    @property
    def shares(self) -> dict[tuple[str, ...], float]:
        """Combinations of subgroup levels with their share of the source, whatever the arm."""
        places = [self.domain.schema.strata.index(name) for name in self.domain.schema.subgroups]
        found: Counter[tuple[str, ...]] = Counter()
        for cell, count in self.cells.items():
            found[tuple(cell[place] for place in places)] += count
        return {cell: count / self.n_source for cell, count in sorted(found.items())}

    @property
    def n_learnt(self) -> int:
        """Patients the law was learnt from: fewer than the source's where it was learnt from a sample."""
        return sum(self.learnt.values()) or self.n_source

    def _rows(
        self,
        n: int,
        rng: np.random.Generator,
        where: Mapping[str, str],
        cells: list[tuple[dict[str, str], int]] | None,
    ) -> pd.DataFrame:
        if cells is None:
            drawn = self._where(n, rng, where)
            schema = self.domain.schema
            return self.finished(calibrated(drawn, self.aims, schema)) if self.aims else drawn
        parts = [self._where(count, rng, cell) for cell, count in cells if count]
        frame = pd.concat(parts, ignore_index=True)
        return frame.iloc[rng.permutation(len(frame))].reset_index(drop=True)

    def _where(self, n: int, rng: np.random.Generator, where: Mapping[str, str]) -> pd.DataFrame:
        if not where:
            return self.finished(self.law.draw(n, rng))
        if self.law.conditional:
            return self.finished(self.law.draw(n, rng, where))
        kept: list[pd.DataFrame] = []
        found = drawn = 0
        while found < n and drawn < OVERDRAW * n + 1000:
            batch = self.finished(self.law.draw(max(2 * n, 200), rng))
            fits = np.logical_and.reduce(
                [as_text(batch[name]).fillna("").to_numpy() == level for name, level in where.items()]
            )
            kept.append(batch[fits])
            found, drawn = found + int(fits.sum()), drawn + len(batch)
        if found < n:
            raise GeneratorError(
                f"generator {self.name!r}",
                Problem(
                    "where",
                    f"{found} rows of the level asked for among {drawn:,} drawn, {n} wanted",
                    "this generator has all but lost that level: use 'heor', or ask for fewer rows",
                ),
            )
        return pd.concat(kept, ignore_index=True).iloc[:n].reset_index(drop=True)

    def finished(self, drawn: pd.DataFrame) -> pd.DataFrame:
        """The rows in the source's column order, with bands and totals recomputed from what they are made of.

        Raises
        ------
        GeneratorError      a value is missing in a column that the source always knows
        """
        frame = drawn.reset_index(drop=True)
        for name, band in self.domain.schema.bands.items():
            frame[name] = banded(frame[band.source], band.edges, band.labels)
        frame = self._totalled(frame)
        self._require_known(frame)
        return frame[[name for name in self.domain.columns if name in frame.columns]]

    def _require_known(self, frame: pd.DataFrame) -> None:
        """GeneratorError where rows lack a value that every patient has: no analysis of them would be the patients'."""
        always = [name for name, held in self.domain.columns.items() if name in frame.columns and not held.may_miss]
        lost = {name: int(frame[name].isna().sum()) for name in always}
        fix = "drop the column, or use another generator"
        found = [
            Problem(f"column {name!r}", f"{count} of {len(frame)} rows have no value, and every patient has one", fix)
            for name, count in lost.items()
            if count
        ]
        if found:
            raise GeneratorError(f"generator {self.name!r}", found)

    def _totalled(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The same frame, whose totals are recomputed in it from their parts."""
        for name, parts in self.domain.schema.totals.items():
            total = frame[list(parts)].sum(axis=1, skipna=False)
            total = total.where(total.abs() > LARGEST_ROUNDED, total.round(CENTS))
            frame[name] = total.astype(self.domain.columns[name].dtype)  # type: ignore[call-overload]
        return frame

    def save(self, path: str | Path) -> Path:
        """Writes the fitted generator to a JSON file, and returns the path; `hs.generators.load` reads it.

        It holds names, counts, shares, knots that rest on five patients or more, and latent correlations: no
        row of the source and no extreme of it. docs/generator-file.md documents it.

        Raises
        ------
        GeneratorError     the generator keeps patients' rows or a network, as all but `heor` do
        OutputError        the file cannot be written
        """
        if not isinstance(self.law, SavedLaw):
            found = Problem("", "cannot be saved", "only 'heor' holds no patient's row")
            raise GeneratorError(f"generator {self.name!r}", found)
        facts = {
            "format": FORMAT,
            "name": self.name,
            "settings": dict(self.settings),
            "seed": self.seed,
            "depth": self.depth,
            "calibrated": list(self.calibrated),
            "aims": [aim.to_dict() for aim in self.aims],
            "cells": [[list(cell), count] for cell, count in self.cells.items()],
            **({"learnt": [[list(cell), count] for cell, count in self.learnt.items()]} if self.learnt else {}),
            "schema": self.domain.schema.to_dict(),
            "domain": self.domain.to_dict(self.law.least),
            "law": self.law.to_dict(),
        }
        file = Path(path)
        try:
            file.write_text(json.dumps(facts, sort_keys=True, allow_nan=False) + "\n", encoding="utf-8")
        except OSError as error:
            found = Problem("", f"cannot be written ({error.strerror})", "check the folder's rights and space")
            raise OutputError(f"file {file.name!r}", found) from error
        return file

    def card(self) -> Card:
        """What was fitted to how many patients; nothing of what was learnt."""
        settings = ", ".join(f"{name}={value!r}" for name, value in self.settings.items()) or "none"
        rows = [("fitted to", f"{self.n_source:,} patients"), ("settings", settings), ("seed", str(self.seed))]
        return facts_card(f"Sampler of {self.name!r}", rows, "Draw with sample(n, m, seed).")

    def __repr__(self) -> str:
        return self.card().text()

    def _repr_html_(self) -> str:
        return self.card().html()


def _named(part: int) -> str:
    return f"cohort {part}"


def _unmarked(shared: tuple[Sampler, Asked], part: int) -> pd.DataFrame:
    """A cohort's rows as the law draws them: the task that comes first, since they name the release."""
    sampler, asked = shared
    return sampler._rows(asked.rows, stream(asked.seed, "sample", part), asked.where, asked.cells)


def _drawn(shared: tuple[Sampler, Asked, str, pd.DataFrame], part: int) -> tuple[pd.DataFrame, Claim, dict[str, int]]:
    """A cohort's rows with the mark in them, what the label says of it, and how many break a post-condition."""
    sampler, asked, release, first = shared
    rows = first if part == 0 else _unmarked((sampler, asked), part)
    frame, mark = sampler.marked(rows, stream(asked.seed, "mark", part), release, asked.owner)
    return frame, mark, sampler.domain.breaks(frame)
