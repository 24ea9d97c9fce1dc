"""A saved generator draws what it drew, holds no patient, and nothing but it is ever loaded."""

import pickle
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.core import errors


def cohorts() -> dict[str, "hs.Cohort"]:
    pbc, trial = hs.datasets.load("pbc"), hs.datasets.simulated_trial(90, seed=2)[0]
    mixed = trial.frame.assign(
        grade=pd.Categorical(np.where(np.arange(90) % 2, "low", "high"), ["low", "high"], ordered=True),
        smoker=np.arange(90) % 3 == 0,
        clinic=np.arange(90) % 3 + 1,
    )
    schema = trial.schema.with_roles(subgroups=("sex", "clinic"))
    return {"pbc": pbc, "mixed": hs.Cohort.derive(schema, mixed, label=None), "randhie": hs.datasets.load("randhie")}


@pytest.mark.parametrize("name", ["pbc", "mixed", "randhie"])
def test_a_loaded_generator_draws_the_same_rows_with_the_same_label(name: str, tmp_path: Path) -> None:
    sampler = hs.generators.create("heor").fit(cohorts()[name], seed=1)
    loaded = hs.generators.load(sampler.save(tmp_path / "generator.json"))
    for asked in ({}, {"where": {"sex": "f"}, "n": 30}):
        first, again = (one.sample(m=1, seed=3, **asked)[0] for one in (sampler, loaded))
        pd.testing.assert_frame_equal(first.frame, again.frame)
        assert first.label == again.label
    assert loaded.sample(m=1, seed=3).broken == {}
    assert loaded.save(tmp_path / "again.json").read_bytes() == (tmp_path / "generator.json").read_bytes()


def test_a_saved_generator_holds_no_row_and_no_extreme(tmp_path: Path) -> None:
    cohort, _ = hs.datasets.simulated_trial(60, seed=5)
    frame = cohort.frame
    frame.loc[7, ["drug", "hospital", "age"]] = [0.0, 918273.46, 97.3]
    frame["cost"] = np.round(frame["drug"] + frame["hospital"], 2)
    sampler = hs.generators.create("heor").fit(hs.Cohort.derive(cohort.schema, frame, label=None), seed=1)
    text = sampler.save(tmp_path / "generator.json").read_text(encoding="utf-8")
    assert not re.search(r"(?<![\d.])918273", text)  # not as digits within another number
    assert "97.3" not in text
    alone = [
        str(value) for name in ("time", "cost", "qaly") for value in frame[name] if (frame[name] == value).sum() == 1
    ]
    assert not [value for value in alone if len(value) >= 6 and f"{value}," in text]


@pytest.mark.parametrize("name", ["bootstrap", "marginals", "sequential_trees", "gaussian_copula"])
def test_a_generator_that_keeps_rows_is_not_saved(name: str, tmp_path: Path) -> None:
    sampler = hs.generators.create(name).fit(hs.datasets.load("pbc"), seed=1)
    with pytest.raises(errors.GeneratorError, match="cannot be saved"):
        sampler.save(tmp_path / "x.json")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "content", [pickle.dumps({"a": 1}), b"{}", b"[1]", b"", b'{"format": "heorsynth generator 1"}']
)
def test_anything_else_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(errors.FileError, match="not a heorsynth generator file"):
        hs.generators.load(tmp_path / "x.json")
    with pytest.raises(errors.FileError):
        hs.generators.load(tmp_path / "none.json")
