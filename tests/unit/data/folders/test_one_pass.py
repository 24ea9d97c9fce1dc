"""One pass over a folder gives what passes of their own give: the tally, the sample, and rows that break a rule."""

from pathlib import Path

import numpy as np

import heorsynth as hs
from heorsynth.core.random import stream
from heorsynth.data.folders.one_pass import seen
from heorsynth.data.folders.sampling import rows_of, sampled
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
