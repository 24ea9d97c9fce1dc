"""The door of a folder lets nothing pass that `Cohort` refuses, says why, and keeps no patient's value."""

import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.core import errors
from heorsynth.data.cohort.domain import MAX_LEVELS, Domain
from heorsynth.data.folders.cohort_folder import CohortFolder
from heorsynth.data.folders.validation import partition_facts

N = 6000
ROLES = {
    "endpoints": {"os": ("time", "event")}, "arm": "arm", "arm_reference": "usual", "costs": ["cost"],
    "utilities": ["qaly"], "subgroups": ["sex", "stage"], "unit": "year",
}  # fmt: skip


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return hs.datasets.simulated_trial(N, seed=1)[0].frame


def put(frame: pd.DataFrame, folder: Path, parts: int = 3) -> Path:
    folder.mkdir()
    for part, rows in enumerate(np.array_split(np.arange(len(frame)), parts)):
        frame.iloc[rows].to_parquet(folder / f"{part}.parquet", index=False)
    return folder


def both(frame: pd.DataFrame, folder: Path, **roles: object) -> tuple[errors.CohortError, errors.CohortError]:
    """What is said of a frame, in memory and as a folder."""
    with pytest.raises(errors.CohortError) as of_cohort:
        hs.Cohort(frame, **{**ROLES, **roles})
    with pytest.raises(errors.CohortError) as of_folder:
        CohortFolder(put(frame, folder), **{**ROLES, **roles})
    return of_cohort.value, of_folder.value


@pytest.mark.parametrize("dealt", [np.repeat, np.tile], ids=["within a file", "over files"])
@pytest.mark.parametrize("name", ["patient_id", "usubjid"])
def test_visits_are_no_patients_in_the_words_of_a_cohort(
    frame: pd.DataFrame, name: str, dealt: object, tmp_path: Path
) -> None:
    numbers = dealt(np.arange(N // 3), 3)  # type: ignore[operator]
    values = numbers if name == "patient_id" else [f"p{number}" for number in numbers]
    in_memory, in_files = both(frame.assign(**{name: values}), tmp_path / "visits")
    assert in_files.problems == in_memory.problems
    assert isinstance(in_files, errors.DuplicateIdError)


def test_ids_that_differ_and_groups_named_like_ids_are_let_in(frame: pd.DataFrame, tmp_path: Path) -> None:
    named = frame.assign(patient_no=np.arange(N)[::-1], record=np.arange(N) % 20)
    assert CohortFolder(put(named, tmp_path / "named"), **ROLES).n == N
    assert hs.Cohort(named, **ROLES).n == N


@pytest.mark.parametrize(
    ("role", "spoil", "told"),
    [
        ("time", lambda text: ["NA.", *text[1:]], "1999 of 2000 known values are numbers; 1 are not (1 word)"),
        ("time", lambda text: ["2024-01-31"] * len(text), "holds dates written as text, not numbers"),
        ("entry", lambda text: ["NA."] + ["0.0001"] * (len(text) - 1), "1999 of 2000 known values are numbers"),
        ("entry", lambda text: ["2024-01-31"] * len(text), "entry times must be numbers from 0 up"),
    ],
)
def test_text_in_a_time_is_told_as_a_cohort_tells_it(
    frame: pd.DataFrame, role: str, spoil: object, told: str, tmp_path: Path
) -> None:
    text = spoil(frame["time"].astype(str).tolist())  # type: ignore[operator]
    roles = {"entry": "entry"} if role == "entry" else {}
    in_memory, in_files = both(frame.assign(**{role: text}), tmp_path / "text", **roles)
    assert isinstance(in_memory, errors.DurationError) and isinstance(in_files, errors.DurationError)
    assert told in str(in_files)


def test_levels_are_counted_over_partitions_as_in_the_whole_frame(frame: pd.DataFrame, tmp_path: Path) -> None:
    """Rare in each part and common in all; few in each part and too many in all; one patient's own."""
    parts = np.arange(N) // 2000
    few = np.array([f"{part}-{row % 8}" for part, row in zip(parts, range(N), strict=True)])
    rare = np.where(np.isin(np.arange(N) % 2000, (3, 4)), "seldom", "often").astype(object)
    rare[10] = "alone"
    held = frame.assign(few=few, rare=rare)
    folder, whole = CohortFolder(put(held, tmp_path / "levels"), **ROLES), Domain.of(hs.Cohort(held, **ROLES))
    assert folder.domain == whole
    assert len(set(few)) > MAX_LEVELS and whole.columns["few"].levels is None
    assert dict(folder.domain.to_dict(5)["columns"])["rare"]["levels"] == ["often", "seldom"]
    assert dict(folder.domain.to_dict(7)["columns"])["rare"]["levels"] == ["often"]
    assert dict(folder.domain.to_dict(7)["columns"])["stage"]["levels"] == ["I", "II", "III", "IV"]
    once = Domain.from_dict(folder.domain.to_dict(5), whole.schema)
    assert once.to_dict(5)["columns"] == folder.domain.to_dict(5)["columns"]


def test_free_text_and_ids_do_not_leave_the_worker_that_read_them(frame: pd.DataFrame, tmp_path: Path) -> None:
    held = frame.assign(note=[f"note-{row:05d}" for row in range(N)], who=[f"who-{row:05d}" for row in range(N)])
    # in the first partition one row too late to be seen in its first thousand
    held.loc[: N // 3 - 1, "note"] = [f"note-{row % 1000 // 990 * row:05d}" for row in range(N // 3)]
    folder = CohortFolder(put(held, tmp_path / "text"), **ROLES, id="who")
    for part in range(3):
        sent = pickle.dumps(partition_facts(folder._reader, part))
        assert b"note-" not in sent and b"who-" not in sent
    assert len(pickle.dumps(partition_facts(folder._reader, 1)[0])) < 8 * 2000 + 10_000


def test_what_is_wrong_alike_with_many_files_is_told_once(frame: pd.DataFrame, tmp_path: Path) -> None:
    folder = put(frame, tmp_path / "drift", 20)
    frame.head(300).drop(columns="qaly").to_parquet(folder / "0.parquet", index=False)
    with pytest.raises(errors.DamagedFileError, match=r"19 files, the first 1\.parquet: column 'qaly'") as refused:
        CohortFolder(folder, **ROLES)
    assert len(refused.value.problems) == 1
    text = put(frame.assign(cost="x"), tmp_path / "text", 20)
    with pytest.raises(errors.MixedTypesError, match=r"20 files, the first 0\.parquet, column 'cost'") as refused_too:
        CohortFolder(text, **ROLES)
    assert len(refused_too.value.problems) == 1


def test_folders_where_files_are_wanted_are_told_apart_from_damage(frame: pd.DataFrame, tmp_path: Path) -> None:
    folder = put(frame, tmp_path / "spark")
    (folder / "x.parquet").mkdir()
    frame.head(10).to_parquet(folder / "x.parquet" / "part-0.parquet")
    with pytest.raises(errors.DamagedFileError, match=r"x\.parquet: is a folder, not a file\n.*its files \(1\)"):
        CohortFolder(folder, **ROLES)
    for year in (2020, 2021):
        (tmp_path / "hive" / f"site=Canary-{year}").mkdir(parents=True)
        frame.to_parquet(tmp_path / "hive" / f"site=Canary-{year}" / "part.parquet")
    with pytest.raises(errors.FileError, match=r"2 folders inside it do, the first is site=…\n.*'site'") as refused:
        CohortFolder(tmp_path / "hive", **ROLES)
    assert "Canary" not in str(refused.value)


def test_a_file_of_any_case_is_a_partition(frame: pd.DataFrame, tmp_path: Path) -> None:
    folder = put(frame, tmp_path / "case")
    (folder / "2.parquet").rename(folder / "2.PARQUET")
    (folder / ".3.parquet").write_bytes(b"left by a killed worker")
    assert CohortFolder(folder, **ROLES).files == ("0.parquet", "1.parquet", "2.PARQUET")
    sampler = hs.generators.create("heor").fit(hs.Cohort(frame, **ROLES), seed=1)
    (tmp_path / "loud").mkdir()
    (folder / "2.PARQUET").rename(tmp_path / "loud" / "2.PARQUET")
    with pytest.raises(errors.OutputError, match="holds another draw"):
        sampler.write(tmp_path / "loud", n=100)


def test_a_folder_that_changed_since_it_was_opened_says_so(frame: pd.DataFrame, tmp_path: Path) -> None:
    recipe = hs.generators.create("heor", most_rows=3000)
    folder = CohortFolder(put(frame, tmp_path / "shrunk"), **ROLES)
    frame.head(100).to_parquet(folder.path / "1.parquet", index=False)
    for work in (lambda: recipe.fit(folder, seed=1), folder.tally):
        with pytest.raises(errors.FileError, match=r"1\.parquet: was changed since the folder was opened"):
            work()
    (folder.path / "1.parquet").unlink()
    with pytest.raises(errors.FileError, match=r"1\.parquet: was removed since the folder was opened"):
        folder.tally()


def test_other_patients_in_a_file_of_the_same_size_are_seen_too(frame: pd.DataFrame, tmp_path: Path) -> None:
    """Written plainly, the same number of rows of other cells is the same number of bytes."""
    folder = tmp_path / "swapped"
    folder.mkdir()
    swapped = frame.assign(sex=frame["sex"].map({"f": "m", "m": "f"}))
    plain = {"index": False, "compression": "none", "use_dictionary": False, "write_statistics": False}
    frame.to_parquet(folder / "0.parquet", **plain)
    opened = CohortFolder(folder, **ROLES)
    before = (folder / "0.parquet").stat().st_size
    swapped.to_parquet(folder / "0.parquet", **plain)
    assert (folder / "0.parquet").stat().st_size == before
    with pytest.raises(errors.FileError, match=r"0\.parquet: was changed since the folder was opened"):
        hs.generators.create("heor", most_rows=3000).fit(opened, seed=1)
