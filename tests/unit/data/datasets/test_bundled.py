"""A bundled dataset is known by its rows, and no other cohort is taken for one."""

from pathlib import Path

import numpy as np
import pytest

import heorsynth as hs
from heorsynth.core.secret import PUBLIC_RELEASE_KEY, ReleaseKey
from heorsynth.data.datasets.bundled import is_bundled, key_for

OS = {"endpoints": {"os": ("time", "status")}}


@pytest.fixture(autouse=True)
def own_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEORSYNTH_RELEASE_KEY", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))


@pytest.mark.parametrize("name", hs.datasets.names())
def test_every_bundled_dataset_and_a_half_of_it_are_known_by_their_rows(name: str) -> None:
    cohort = hs.datasets.load(name)
    half, other = cohort.split(0.5, np.random.default_rng(1))
    assert is_bundled(cohort) and is_bundled(half) and is_bundled(other)
    assert key_for(cohort) is PUBLIC_RELEASE_KEY


def test_the_same_rows_under_another_name_with_other_roles_or_fewer_columns_are_public_too() -> None:
    frame = hs.datasets.frame("lung")[["time", "status", "age", "sex"]].sample(frac=1.0, random_state=1)
    assert is_bundled(hs.Cohort(frame, name="ours", subgroups=["sex"], **OS))


def test_one_patient_more_one_changed_value_or_one_more_column_is_not_public() -> None:
    frame = hs.datasets.frame("lung")[["time", "status", "age", "sex"]]
    more = frame.copy()
    more.loc[len(more)] = [321, 1, 50, "f"]
    changed = frame.assign(age=[frame["age"].iloc[0] + 1, *frame["age"].iloc[1:]])
    twice = frame.iloc[[0, *range(len(frame))]]
    for rows in (more, changed, twice, frame.assign(score=range(len(frame)))):
        cohort = hs.Cohort(rows.reset_index(drop=True), name="lung", **OS)
        assert not is_bundled(cohort)
        assert not key_for(cohort).public


def test_coarse_rows_that_also_occur_in_a_dataset_prove_nothing() -> None:
    frame = hs.datasets.frame("pbc")[["event", "sex"]].head(60)
    cohort = hs.Cohort.derive(hs.datasets.load("pbc").schema, frame, label=None, name="pbc")
    assert not is_bundled(cohort)


def test_a_key_that_is_given_is_used_for_public_rows_too(tmp_path: Path) -> None:
    (tmp_path / "k").write_text("c" * 32)
    cohort = hs.datasets.load("pbc")
    assert key_for(cohort, tmp_path / "k") == ReleaseKey(b"c" * 32)
    assert key_for(cohort, ReleaseKey(b"d" * 32)).secret == b"d" * 32
