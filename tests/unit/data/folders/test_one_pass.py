"""One pass over a folder gives what passes of their own give: the tally, the sample, and rows that break a rule."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.core.random import stream
from heorsynth.data.folders.cohort_folder import CohortFolder
from heorsynth.data.folders.one_pass import seen
from heorsynth.data.folders.partitions import PARTIAL
from heorsynth.data.folders.sampling import rows_of, sampled
from heorsynth.data.folders.tally import cells_of
from heorsynth.engine.engine import open_engine


def test_one_pass_gives_the_tally_the_sample_and_the_broken_rows_of_separate_passes(tmp_path: Path) -> None:
    trial, _ = hs.datasets.simulated_trial(3000, seed=1)
    for part in range(3):
        hs.write(trial.take(np.arange(1000 * part, 1000 * (part + 1))), tmp_path / f"{part}.parquet")
    roles = {"endpoints": {"os": ("time", "event")}, "arm": "arm", "costs": ["cost"], "subgroups": ["sex"]}
    folder = hs.CohortFolder(tmp_path, **roles, unit="year", currency="EUR", price_year=2024)
    wanted = folder.tally()
    folder = hs.CohortFolder(tmp_path, **roles, unit="year", currency="EUR", price_year=2024)
    with open_engine() as engine:
        plain = sampled(folder, 1200, stream(1, "sample"), engine)
        found = seen(folder, engine, rows_of(folder, 1200, stream(1, "sample")), folder.domain)
        assert folder.is_counted and folder.tallied(engine).same_as(wanted)
        bare = seen(folder, engine)
    assert found.tally.same_as(wanted) and found.sample is not None and found.sample.frame.equals(plain.frame)
    assert not found.broken and bare.sample is None
    narrow = folder.domain.__class__(
        folder.schema, {**folder.domain.columns, "gone": folder.domain.columns["age"]}, 3000
    )
    with open_engine() as engine:
        assert seen(folder, engine, domain=narrow).broken == {"gone: column is absent": 3000}


def test_what_the_writer_counted_is_what_its_files_hold_and_a_resumed_folder_is_counted_from_them(
    tmp_path: Path,
) -> None:
    trial, _ = hs.datasets.simulated_trial(900, seed=1)
    sampler = hs.generators.create("heor").fit(trial, seed=1)
    written = sampler.write(tmp_path / "written", n=1000, seed=1, rows_per_partition=300)
    opened = CohortFolder.derive(sampler.domain.schema, written.path)
    assert written.is_counted and not opened.is_counted
    strict = replace(sampler.domain, columns={**sampler.domain.columns, "gone": sampler.domain.columns["age"]})
    with open_engine() as engine:
        assert written.broken(sampler.domain) == seen(opened, engine, domain=sampler.domain).broken
        assert written.broken(strict) is None and seen(written, engine, domain=strict).broken["gone: column is absent"]
    assert written.tally().same_as(opened.tally())
    (written.path / "00001.parquet").unlink()
    (written.path / PARTIAL).touch()
    assert not sampler.write(written.path, n=1000, seed=1, rows_per_partition=300).is_counted


@pytest.mark.parametrize("index", ["range", "named", "unnamed"])
def test_rows_and_strata_that_are_read_alone_are_those_of_the_whole_partition(index: str, tmp_path: Path) -> None:
    frame = hs.datasets.simulated_trial(400, seed=1)[0].frame
    frame.loc[::7, "qaly"], frame.loc[::5, "sex"] = np.nan, None
    frame.index = pd.RangeIndex(400, name="visit" if index == "named" else None)
    frame = frame if index != "unnamed" else frame.sample(frac=1.0, random_state=1)
    frame.to_parquet(tmp_path / "0.parquet", index=True)
    roles = {"endpoints": {"os": ("time", "event")}, "arm": "arm", "subgroups": ["sex", "stage"], "unit": "year"}
    folder = CohortFolder(tmp_path, **roles, missing=["IV"])
    rows = np.array([3, 4, 250, 399])
    some, whole = folder.part_rows(0, rows).frame, folder.part(0).take(rows).frame
    pd.testing.assert_frame_equal(some.reset_index(drop=True), whole.reset_index(drop=True))
    cells, members = cells_of(folder.part_strata(0))
    all_cells, all_members = cells_of(folder.part(0))
    assert members == all_members and np.array_equal(cells, all_cells) and len(members) == 24
    assert set(folder.part_strata(0).rows) == {"arm", "sex", "stage"}
