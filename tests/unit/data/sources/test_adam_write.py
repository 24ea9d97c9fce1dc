"""A cohort written as ADaM data sets reads again to the same cohort, in each format, and keeps its label."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyreadstat
import pytest

import heorsynth as hs
from heorsynth.core import errors
from heorsynth.data.sources.adam_tables import ROLES_FILE


def same(first: hs.Cohort, second: hs.Cohort) -> None:
    one, other = (cohort.frame.reset_index(drop=not cohort.synthetic) for cohort in (first, second))
    one, other = (frame.where(frame.notna(), np.nan) for frame in (one, other))  # None and NaN are both missing
    pd.testing.assert_frame_equal(one, other)
    assert first.schema == second.schema and first.label == second.label


@pytest.mark.parametrize("format", ["xpt", "json", "parquet"])
@pytest.mark.parametrize("name", hs.datasets.names()[:4])
def test_a_dataset_reads_again_to_the_same_cohort(tmp_path: Path, name: str, format: str) -> None:
    try:
        cohort = hs.datasets.load(name)
    except ImportError:
        pytest.skip("the package of this dataset is not installed")
    same(cohort, hs.from_adam(hs.to_adam(cohort, tmp_path / "adam", format=format)))


@pytest.mark.parametrize("format", ["xpt", "json", "parquet"])
def test_visits_flags_odd_names_and_several_endpoints_come_back(tmp_path: Path, format: str) -> None:
    rng = np.random.default_rng(1)
    n = 40
    frame = pd.DataFrame({
        "pid": [f"P{i}" for i in range(n)], "os.time": rng.uniform(300, 900, n), "dead": rng.integers(0, 2, n),
        "pfs_time": rng.uniform(1, 300, n), "pfs": rng.integers(0, 3, n), "arm": [1, 2] * (n // 2),
        "smoker": rng.random(n) < 0.5, "a_long_name_of_10": rng.normal(size=n), "a_long_name_of_5": rng.normal(size=n),
        "e0": rng.random(n).round(3), "e6": rng.random(n), "cost": rng.gamma(2, 500, n),
        "grade": ["I", "II", None, "I"] * (n // 4),
    })  # fmt: skip
    frame.loc[3, "e6"] = np.nan
    cohort = hs.Cohort(
        frame, endpoints={"os": ("os.time", "dead"), "pfs": ("pfs_time", "pfs", {1: "progression", 2: "death"})},
        arm="arm", id="pid", costs=["cost"], currency="EUR", price_year=2024, unit="day", order=[("pfs", "os")],
    )  # fmt: skip
    visits = {"eq5d": {0: "e0", 180: "e6"}}
    folder = hs.to_adam(cohort, tmp_path / "adam", visits=visits, format=format)
    same(cohort, hs.from_adam(folder))
    again = hs.from_adam(folder, {"os": "OS"}, visits={"eq5d": "EQ5D"}, covariates=["COST"])  # not the roles beside it
    assert list(again.frame) == ["USUBJID", "TRT01P", "COST", "os_time", "os_event", "eq5d_0", "eq5d_180"]


def test_the_tables_are_those_that_the_standard_asks_for(tmp_path: Path) -> None:
    folder = hs.to_adam(hs.datasets.load("pbc"), tmp_path / "adam")
    adsl, meta = pyreadstat.read_xport(folder / "adsl.xpt")
    assert all(len(name) <= 8 and name.isupper() for name in adsl.columns) and meta.table_name == "ADSL"
    adtte, _ = pyreadstat.read_xport(folder / "adtte.xpt")
    time, event, _ = hs.datasets.load("pbc").outcome("os")
    assert (adtte["AVAL"] == time).all() and set(adtte["AVALU"]) == {"DAYS"}
    assert ((adtte["CNSR"] == 0) == (event == 1)).all() and ((adtte["CNSR"] == 1) == (event == 0)).all()


def test_equal_cohorts_give_equal_bytes(tmp_path: Path) -> None:
    for kind in ("xpt", "json", "parquet"):
        first, second = (hs.to_adam(hs.datasets.load("pbc"), tmp_path / part / kind, format=kind) for part in "ab")
        assert all(path.read_bytes() == (second / path.name).read_bytes() for path in first.iterdir())


@pytest.mark.parametrize("format", ["xpt", "json", "parquet"])
def test_synthetic_rows_keep_their_label_and_a_changed_table_is_refused(tmp_path: Path, format: str) -> None:
    drawn = hs.generators.create("marginals").fit(hs.datasets.load("pbc"), seed=1).sample(m=1, seed=1)[0]
    folder = hs.to_adam(drawn, tmp_path / "adam", format=format)
    again = hs.from_adam(folder)
    same(drawn, again)
    assert again.synthetic and again.label is not None
    if format != "json":
        assert hs.inspect(folder / f"adsl.{format}").synthetic is True
    with pytest.raises(errors.FileError, match="the rows are synthetic, and their label states their roles"):
        hs.from_adam(folder, {"os": "OS"})
    (folder / f"adtte.{format}").write_bytes((folder / f"adtte.{format}").read_bytes() + b" " * 80)
    with pytest.raises(errors.LabelError, match="was changed since its label was written"):
        hs.from_adam(folder)


def test_what_a_format_cannot_keep_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    frame = pd.DataFrame({"time": range(1, 21), "event": [0, 1] * 10, "site": ["a ", "b"] * 10})
    cohort = hs.Cohort(frame, endpoints={"os": ("time", "event")})
    with pytest.raises(errors.FileError, match="xpt does not keep site"):
        hs.to_adam(cohort, tmp_path / "adam")
    assert not (tmp_path / "adam").exists()
    same(cohort, hs.from_adam(hs.to_adam(cohort, tmp_path / "adam", format="parquet")))
    with pytest.raises(errors.FileError, match="use one of: xpt, json, parquet"):
        hs.to_adam(cohort, tmp_path / "adam", format="csv")
    with pytest.raises(errors.FileError, match="no such column"):
        hs.to_adam(cohort, tmp_path / "other", visits={"q": {0: "e0"}})
    (tmp_path / "adam" / ROLES_FILE).write_text(json.dumps({"schema": 3}), encoding="utf-8")
    with pytest.raises(errors.FileError, match="not written by to_adam"):
        hs.from_adam(tmp_path / "adam")
