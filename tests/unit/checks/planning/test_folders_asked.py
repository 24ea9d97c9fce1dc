"""What is asked of a draw into folders: levels, another mix of them, several cohorts of one release."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.core import errors
from heorsynth.data.folders.cohort_folder import CohortFolder
from heorsynth.data.labels.label import ID_COLUMN
from heorsynth.generators.sampling.sampler import Sampler


@pytest.fixture(scope="module")
def sampler() -> Sampler:
    trial, _ = hs.datasets.simulated_trial(1200, seed=4)
    return hs.generators.create("heor").fit(trial, seed=1)


def rows(folder: CohortFolder) -> pd.DataFrame:
    return pd.concat([part.frame for part in folder])


def raw(folder: Path) -> dict[str, bytes]:
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in sorted(folder.rglob("*.parquet"))}


def test_a_folder_of_one_level_has_no_other_and_rests_on_its_patients(sampler: Sampler, tmp_path: Path) -> None:
    asked = {"stage": "IV", "arm": "new"}
    written = sampler.write(tmp_path / "late", n=1001, seed=2, where=asked, rows_per_partition=400)
    assert len(written.sizes) == 3
    assert (written.n, set(rows(written)["stage"]), set(rows(written)["arm"])) == (1001, {"IV"}, {"new"})
    in_memory = sampler.sample(n=1001, m=1, seed=2, where=asked)[0]
    assert written.label is not None
    assert written.label.rests_on == in_memory.label.rests_on < 200
    assert written.label.settings["where"] == asked


def test_a_folder_meets_its_targets_as_a_cohort_in_memory_does(sampler: Sampler, tmp_path: Path) -> None:
    targets = {"sex": {"f": 0.7, "m": 0.3}, "stage": {"I": 0.1, "II": 0.2, "III": 0.3, "IV": 0.4}}
    written = sampler.write(tmp_path / "mixed", n=2000, seed=2, targets=targets, rows_per_partition=700)
    in_memory = sampler.sample(n=2000, m=1, seed=2, targets=targets)[0]
    for name, shares in targets.items():
        wanted = {level: round(2000 * share) for level, share in shares.items()}
        assert rows(written)[name].value_counts().to_dict() == wanted
    cells = ["arm", "sex", "stage"]
    assert rows(written)[cells].value_counts().to_dict() == in_memory.frame[cells].value_counts().to_dict()
    assert written.label.rests_on == in_memory.label.rests_on < 1200


def test_cohorts_in_folders_are_one_release_and_each_has_rows_and_names_of_its_own(
    sampler: Sampler, tmp_path: Path
) -> None:
    written = sampler.write_cohorts(tmp_path / "all", n=900, m=3, seed=5, rows_per_partition=400)
    assert [one.path.name for one in written] == ["000", "001", "002"]
    labels = [one.label for one in written]
    assert {label.release for label in labels} == {labels[0].release}
    assert [(label.part, label.m) for label in labels] == [(0, 3), (1, 3), (2, 3)]
    names = np.concatenate([rows(one).index for one in written])
    assert rows(written[0]).index.name == ID_COLUMN
    assert len(set(names)) == 2700
    assert len({tuple(rows(one)["cost"].round(6)) for one in written}) == 3
    pooled = np.array([rows(one)["cost"].mean() for one in written])
    assert pooled.std() / pooled.mean() < 0.05


def test_a_cohort_s_rows_do_not_depend_on_how_many_are_written_beside_it(sampler: Sampler, tmp_path: Path) -> None:
    alone = sampler.write(tmp_path / "alone", n=900, seed=5, rows_per_partition=400)
    two = sampler.write_cohorts(tmp_path / "two", n=900, m=2, seed=5, rows_per_partition=400)
    three = sampler.write_cohorts(tmp_path / "three", n=900, m=3, seed=5, rows_per_partition=400)
    assert rows(alone).equals(rows(two[0]))
    assert [rows(one).equals(rows(other)) for one, other in zip(two, three, strict=False)] == [True, True]


def test_cohorts_in_folders_are_the_same_bytes_on_every_engine_and_are_resumed(
    sampler: Sampler, tmp_path: Path, engines
) -> None:
    asked = {"n": 900, "m": 2, "seed": 5, "rows_per_partition": 300}
    sampler.write_cohorts(tmp_path / "here", **asked)
    sampler.write_cohorts(tmp_path / "there", **asked, engine=engines("processes"))
    assert raw(tmp_path / "here") == raw(tmp_path / "there")
    (tmp_path / "there" / "001" / "00001.parquet").unlink()
    (tmp_path / "there" / "001" / "PARTIAL").write_text("", encoding="utf-8")
    sampler.write_cohorts(tmp_path / "there", **asked)
    assert raw(tmp_path / "here") == raw(tmp_path / "there")


def test_another_cohort_of_the_release_is_not_taken_for_this_one(sampler: Sampler, tmp_path: Path) -> None:
    written = sampler.write_cohorts(tmp_path / "all", n=900, m=2, seed=5)
    with pytest.raises(errors.OutputError, match="holds another draw"):
        sampler.write(written[1].path, n=900, seed=5)


@pytest.mark.parametrize(
    ("asked", "kind", "told"),
    [
        ({"m": 0}, errors.TooFewPatientsError, r"1\. m: asked for 0"),
        ({"n": 1}, errors.TooFewPatientsError, r"1\. n: asked for 1"),
        ({"n": 2.5}, errors.TooFewPatientsError, r"1\. n: asked for 2\.5"),
        ({"rows_per_partition": 1}, errors.TooFewPatientsError, "rows_per_partition"),
        ({"where": {"stage": "V"}}, errors.GeneratorError, "no level 'V'"),
        ({"targets": {"sex": {"f": 2.0}}}, errors.GeneratorError, "sum to 1"),
    ],
)
def test_what_cannot_be_asked_is_refused_before_a_folder_is_made(
    asked: dict[str, object], kind: type[Exception], told: str, sampler: Sampler, tmp_path: Path
) -> None:
    with pytest.raises(kind, match=told):
        sampler.write_cohorts(tmp_path / "none", **asked)
    assert not (tmp_path / "none").exists()


def test_a_generator_without_cells_writes_all_patients_and_refuses_levels(tmp_path: Path) -> None:
    trial, _ = hs.datasets.simulated_trial(200, seed=4)
    marginals = hs.generators.create("marginals").fit(trial, seed=1)
    assert marginals.write(tmp_path / "all", n=500).n == 500
    with pytest.raises(errors.GeneratorError, match="cannot say how many rows of each level"):
        marginals.write(tmp_path / "women", n=500, where={"sex": "f"})


def test_a_folder_that_lost_a_partition_or_has_one_twice_is_refused(sampler: Sampler, tmp_path: Path) -> None:
    written = sampler.write(tmp_path / "all", n=900, seed=5, rows_per_partition=300)
    shutil.copy(written.path / "00001.parquet", written.path / "00007.parquet")
    with pytest.raises(errors.LabelError, match=r"00007\.parquet: holds the rows of 00001\.parquet again"):
        CohortFolder.derive(written.schema, written.path)
    (written.path / "00007.parquet").unlink()
    (written.path / "00001.parquet").unlink()
    with pytest.raises(errors.LabelError, match="1 of the 3 partitions that were written is not here"):
        CohortFolder.derive(written.schema, written.path)


def test_a_flipped_bit_in_a_partition_is_noticed(sampler: Sampler, tmp_path: Path) -> None:
    """Every page of values carries a checksum: of forty flips among the pages none is read as other values."""
    written = sampler.write(tmp_path / "all", n=900, seed=5)
    file = written.path / "00000.parquet"
    whole, rng = file.read_bytes(), np.random.default_rng(3)
    right = rows(written)
    footer = int.from_bytes(whole[-8:-4], "little") + 8
    for place in rng.integers(4, len(whole) - footer, 40):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << int(rng.integers(8))
        file.write_bytes(damaged)
        try:
            read = rows(CohortFolder.derive(written.schema, written.path))
        except (errors.DamagedFileError, errors.LabelError):
            continue
        assert read.equals(right)


def test_a_damaged_label_names_its_file(sampler: Sampler, tmp_path: Path) -> None:
    written = sampler.write(tmp_path / "all", n=900, seed=5)
    file = written.path / "00000.parquet"
    file.write_bytes(file.read_bytes().replace(b'"n_source": ', b'"n_source"; '))
    with pytest.raises(errors.LabelError, match=r"file '00000\.parquet'(?s:.*)its label is damaged"):
        CohortFolder.derive(written.schema, written.path)


def test_relative_paths_mean_the_folder_of_who_asks(sampler: Sampler, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    written = sampler.write("there", n=900, seed=5)
    monkeypatch.chdir("/")
    assert rows(written).shape[0] == 900
