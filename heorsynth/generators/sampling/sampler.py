"""The fitted generator: draws m labelled cohorts into memory or into folders, and saves itself to a file."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Unpack

import numpy as np
import pandas as pd

from heorsynth.core.display import Card, facts_card
from heorsynth.core.errors import GeneratorError, OutputError, Problem
from heorsynth.core.random import check_seed, stream
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.cohort.domain import Domain
from heorsynth.data.cohort.packed import Unpacked, packed
from heorsynth.data.folders.cohort_folder import CohortFolder
from heorsynth.data.folders.tally import cells_of
from heorsynth.data.labels.claims import Claim
from heorsynth.data.labels.facts import COVARIANCES
from heorsynth.data.labels.label import ID_COLUMN, Label, synthetic_ids
from heorsynth.data.labels.levels import INTERNAL
from heorsynth.engine.engine import EngineSpec, open_engine
from heorsynth.generators.sampling.calibration import Aim
from heorsynth.generators.sampling.cohorts import MoreRowsThanPatients, SyntheticCohorts
from heorsynth.generators.sampling.law import Law, SavedLaw
from heorsynth.generators.sampling.request import DrawRequest, Targets, Where, whole_number
from heorsynth.generators.sampling.row_maker import RowMaker
from heorsynth.generators.sampling.training_counts import TrainingCounts
from heorsynth.generators.sampling.write_folder import (
    ROWS_PER_PARTITION,
    WriteOptions,
    WriteOrder,
    release_of,
    write,
)

_TOO_MUCH = (
    "{rows:,} rows rest on {patients:,} patients: pool with .analyse(), which counts those; a plain analysis of one "
    "cohort would claim {rows:,}"
)

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
    calibrated : tuple     facts set equal to the source's (`data.labels.facts`)
    aims : tuple of Aim    what every cohort is made to meet
    copies : bool          True where the rows are patients' own: a mark would only hide that they are copies
    learnt : Mapping       the same cells to the patients learnt from, where these were a sample; empty where all were
    kept : tuple           covariates whose moments by arm every whole cohort has; see `Label`
    release : str          release level (`data.labels.levels`): who may receive what it draws
    noise_key : str        the key that its noise follows; see `Label`
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
    kept: tuple[str, ...] = ()
    release: str = INTERNAL
    noise_key: str = ""

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
        kept: tuple[str, ...] = (),
        release: str = INTERNAL,
        noise_key: str = "",
    ) -> Sampler:
        """The sampler of a law that was just fitted to a cohort, or to one that is a sample of a whole folder."""
        cell, members = cells_of(cohort) if cohort.schema.strata else (np.zeros(0, dtype=np.int64), ())
        cells = dict(zip(members, np.bincount(cell, minlength=len(members)).tolist(), strict=True))
        learnt = {}
        if whole is not None and whole.n > cohort.n:
            learnt, cells = cells or {(): cohort.n}, dict(whole.cells)
        depth = depth_of(cohort)
        domain = Domain.of(cohort) if whole is None else whole.domain
        seed = check_seed(seed)
        learning = (learnt, kept, release, noise_key)
        return cls(name, dict(settings), domain, law, seed, depth, cells, calibrated, aims, copies, *learning)

    @property
    def n_source(self) -> int:
        """Real patients the generator was fitted to."""
        return self.domain.n_source

    @property
    def n_learnt(self) -> int:
        """Training patients: fewer than the source has where a sample of it was used."""
        return self._counts.n_learnt

    @property
    def shares(self) -> dict[tuple[str, ...], float]:
        """Combinations of subgroup levels with their share of the source, over all arms."""
        return self._counts.shares

    @property
    def maker(self) -> RowMaker:
        """What of this generator makes rows: all that a worker needs of it."""
        return RowMaker(self.name, self.domain, self.law, self.aims, self.copies)

    @property
    def _counts(self) -> TrainingCounts:
        return TrainingCounts(self.domain, self.cells, self.learnt)

    def sample(
        self,
        n: int | None = None,
        m: int = 20,
        seed: int = 1,
        where: Where | None = None,
        targets: Targets | None = None,
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
        where : dict, optional     {"sex": "f"}: only rows of these levels, exactly n of them
        targets : dict, optional   {"sex": {"f": 0.5, "m": 0.5}}: the share of rows that each level is to have
        watermark_key : bytes      an owner's key, which half of the mark follows beside the public one
        engine : str or Engine     where the cohorts are drawn, see `open_engine`; the rows are the same on each

        Raises
        ------
        GeneratorError             an impossible n, m, where or targets, or a level this generator cannot reach
        EngineError                a cohort failed twice

        Warns
        -----
        MoreRowsThanPatients       a cohort has more rows than training patients: a plain analysis of it overstates
                                   its precision
        """
        drawn = list(self.draws(n, m, seed, where, targets, watermark_key, engine=engine))
        return SyntheticCohorts([cohort for cohort, _ in drawn], [broken for _, broken in drawn])

    def draws(
        self,
        n: int | None = None,
        m: int = 20,
        seed: int = 1,
        where: Where | None = None,
        targets: Targets | None = None,
        watermark_key: bytes | None = None,
        *,
        engine: EngineSpec = "local",
    ) -> Iterator[tuple[Cohort, dict[str, int]]]:
        """The cohorts of `sample` one by one, each with the number of its rows that break each post-condition."""
        m = whole_number("sample", "m", m, 1)
        request = self._request("sample", n, seed, where, targets, watermark_key)
        rows = request.rows
        if rows > request.rests_on:
            warnings.warn(_TOO_MUCH.format(rows=rows, patients=request.rests_on), MoreRowsThanPatients, stacklevel=3)
        template, shared = self._label(request, m), (self.maker, request)
        with open_engine(engine) as opened:
            (first,) = opened.map(_unmarked, [0], shared, what="drawing", named=_named)
            release = release_of(self.name, first, watermark_key)
            drawn = opened.map(_drawn, range(m), (*shared, release, first), what="drawing", named=_named)
            unpacked = Unpacked(rows, len(first.columns))
            for part, (frame, mark, broken) in enumerate(drawn):
                held = packed(frame, partial(_index, release, part * rows, rows), unpacked)
                label = replace(template, release=release, part=part, **vars(mark))
                yield Cohort.derive(self.domain.schema, held, label=label, name=f"{self.name} {part}"), broken

    def write(
        self,
        folder: str | Path,
        n: int | None = None,
        seed: int = 1,
        *,
        engine: EngineSpec = "local",
        workers: int | None = None,
        **options: Unpack[WriteOptions],
    ) -> CohortFolder:
        """Draws one cohort into a folder of Parquet files, partition by partition, each labelled and marked.

        Parameters
        ----------
        folder : path            made if absent; an interrupted one is completed by the same call
        n, seed : int            as in `sample`
        engine, workers          where the partitions are drawn, see `open_engine`; the bytes are the same on each
        where, targets           as in `sample`
        rows_per_partition : int rows of one file, 250,000 by default
        watermark_key : bytes    as in `sample`

        Raises
        ------
        GeneratorError           as in `sample`; a calibrated generator, which draws whole cohorts
        OutputError              the folder cannot be written, or holds another draw
        """
        (order,) = self._orders(n, 1, seed, **options)
        with open_engine(engine, workers) as opened:
            return write(order, Path(folder).absolute(), opened)

    def write_cohorts(
        self,
        folder: str | Path,
        n: int | None = None,
        m: int = 20,
        seed: int = 1,
        *,
        engine: EngineSpec = "local",
        workers: int | None = None,
        **options: Unpack[WriteOptions],
    ) -> list[CohortFolder]:
        """Draws m cohorts of one release into the folders 000, 001, … of a folder; the first is that of `write`.

        The other parameters and the errors are those of `write`.
        """
        orders, place = self._orders(n, whole_number("write", "m", m, 1), seed, **options), Path(folder).absolute()
        with open_engine(engine, workers) as opened:
            return [write(order, place / f"{order.number:03d}", opened) for order in orders]

    def _orders(
        self,
        n: int | None,
        m: int,
        seed: int,
        where: Where | None = None,
        targets: Targets | None = None,
        rows_per_partition: int = ROWS_PER_PARTITION,
        watermark_key: bytes | None = None,
    ) -> list[WriteOrder]:
        request = self._request("write", n, seed, where, targets, watermark_key)
        if self.domain.schema.cluster is not None:
            problem = Problem("cluster", "parts of a folder would share clusters by name only", "draw with sample")
            raise GeneratorError("write", problem)
        if self.aims:
            problem = Problem("calibrate", "a calibrated sampler draws whole cohorts", "fit without calibrate")
            raise GeneratorError("write", problem)
        return WriteOrder.for_cohorts(self.maker, self._label(request, m), request, m, rows_per_partition)

    def _request(
        self,
        caller: str,
        n: int | None,
        seed: int,
        where: Where | None,
        targets: Targets | None,
        owner: bytes | None,
    ) -> DrawRequest:
        request = DrawRequest.checked(caller, self._counts, n, seed, where, targets, owner)
        if self.aims and (request.where or request.targets):
            fix = "draw without where and targets, or fit without calibrate"
            raise GeneratorError(caller, Problem("where, targets", "a calibrated sampler draws whole cohorts", fix))
        return request

    def _label(self, request: DrawRequest, m: int) -> Label:
        """The label of the m cohorts, before the release, the part and the mark of each are known."""
        settings: dict[str, object] = {"fit_seed": self.seed, **self.settings}
        settings |= {"where": dict(request.where)} if request.where else {}
        settings |= {"targets": request.targets} if request.targets else {}
        whole = not (request.where or request.targets)
        return Label(
            release="",
            generator=self.name,
            n_source=self.n_source,
            rests_on=request.rests_on,
            n_rows=request.rows,
            part=0,
            m=m,
            seed=request.seed,
            version=version("heorsynth"),
            settings=settings,
            depth=self.depth,
            calibrated=tuple(fact for fact in self.calibrated if whole or fact != COVARIANCES),
            kept=self.kept if whole else (),
            level=self.release,
            noise_key=self.noise_key,
        )

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
            **({"kept": list(self.kept)} if self.kept else {}),
            "release": self.release,
            **({"noise_key": self.noise_key} if self.noise_key else {}),
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
        rows.append(("release level", self.release))
        return facts_card(f"Sampler of {self.name!r}", rows, "Draw with sample(n, m, seed).")

    def __repr__(self) -> str:
        return self.card().text()

    def _repr_html_(self) -> str:
        return self.card().html()


def depth_of(cohort: Cohort) -> int:
    """The lineage depth of what is drawn from a law of this cohort."""
    return 1 + (0 if not cohort.synthetic else 1 if cohort.label is None else cohort.label.depth)


def _index(release: str, start: int, rows: int) -> pd.Index:
    """The ids of a cohort's rows."""
    return pd.Index(synthetic_ids(release, start, rows), name=ID_COLUMN)


def _named(part: int) -> str:
    return f"cohort {part}"


def _unmarked(shared: tuple[RowMaker, DrawRequest], part: int) -> pd.DataFrame:
    """A cohort's rows before they are marked. Those of part 0 are drawn first: they name the release."""
    maker, request = shared
    return maker.draw(request.rows, stream(request.seed, "sample", part), request.where, request.cells)


def _drawn(
    shared: tuple[RowMaker, DrawRequest, str, pd.DataFrame], part: int
) -> tuple[pd.DataFrame, Claim, dict[str, int]]:
    """A cohort's marked rows, what the label says of the mark, and how many rows break each post-condition."""
    maker, request, release, first = shared
    rows = first if part == 0 else _unmarked((maker, request), part)
    frame, mark = maker.marked(rows, stream(request.seed, "mark", part), release, request.owner)
    return frame, mark, maker.domain.breaks(frame)
