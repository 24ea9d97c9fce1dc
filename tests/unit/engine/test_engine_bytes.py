"""Same seed, same bytes: cohorts, findings and whole run folders, on every engine and any number of workers."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.engine.engine import Engine, open_engine


def digest(frames: list[pd.DataFrame]) -> str:
    found = hashlib.sha256()
    for frame in frames:
        found.update(frame.to_csv().encode())
    return found.hexdigest()


@pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.long)])
def test_cohorts_and_findings_are_the_same_on_every_engine(every: bool, engines: Callable[[str], Engine]) -> None:
    cohort = hs.datasets.load("veterans")
    sampler = hs.generators.create("heor").fit(cohort, seed=1)
    asked = {"margins": {"survival.km_gap": {"absolute": 0.1}}, "seed": 1}
    found = {}
    with open_engine("processes", 1) as one:
        more = (one, engines("dask")) if every else ()
        for place in (engines("local"), engines("processes"), *more):
            drawn = sampler.sample(m=4, seed=3, engine=place)
            evidence = hs.validate(cohort, drawn, purpose="teaching", **asked, engine=place)
            key = f"{place.spec} {place.workers}"
            found[key] = digest([*(part.frame for part in drawn), evidence.to_frame()]), drawn[3].label
    assert len(found) == (4 if every else 2)
    assert all(result == found["local 1"] for result in found.values())


@pytest.mark.parametrize("name", ["processes", pytest.param("dask", marks=pytest.mark.long)])
def test_a_run_has_the_same_bytes_on_every_engine(
    name: str, small_protocol: Path, small_run: "hs.Run", engines: Callable[[str], Engine], tmp_path: Path
) -> None:
    again = hs.run(small_protocol, out=tmp_path, engine=engines(name))
    assert (again.path / "SHA256SUMS").read_bytes() == (small_run.path / "SHA256SUMS").read_bytes()
