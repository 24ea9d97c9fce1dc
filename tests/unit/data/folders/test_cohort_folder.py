"""A Parquet folder as a cohort: what it tells, what it refuses, and how it is learnt from, written and judged."""

import pickle
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import heorsynth as hs
from heorsynth.core import errors
from heorsynth.data.folders.cohort_folder import CohortFolder
from heorsynth.data.folders.partitions import PARTIAL
from heorsynth.data.folders.tally import Tally
from heorsynth.data.labels.label import KEY
from heorsynth.generators.heor.cells import MIN_STRATUM
from heorsynth.generators.sampling.sampler import Sampler
from heorsynth.generators.sampling.subsample import stratified
from heorsynth.generators.sampling.target_shares import allocate
from heorsynth.generators.sampling.write_folder import write_partition

N, PARTS = 3000, 3
ROLES = {
    "endpoints": {"os": ("time", "event")}, "arm": "arm", "arm_reference": "usual", "costs": ["cost"],
    "utilities": ["qaly"], "subgroups": ["sex", "stage"], "unit": "year", "currency": "EUR", "price_year": 2024,
    "totals": {"cost": ["drug", "hospital"]},
}  # fmt: skip
SECRET = 987654.25


def patients() -> hs.Cohort:
    cohort, _ = hs.datasets.simulated_trial(N, seed=4)
    frame = cohort.frame
    frame["months"] = np.arange(N) % 7
    frame["months"] = frame["months"].astype(float).where(np.arange(N) >= N // PARTS)
    return hs.Cohort(frame, **ROLES)


def put(frame: pd.DataFrame, folder: Path, parts: int = PARTS) -> Path:
    """A frame in so many partitions; whole numbers with gaps as Parquet holds them, not as pandas does."""
    folder.mkdir(parents=True, exist_ok=True)
    schema = pa.Schema.from_pandas(frame, preserve_index=False)
    if "months" in frame:
        schema = schema.set(schema.get_field_index("months"), pa.field("months", pa.int64()))
    for part, rows in enumerate(np.array_split(np.arange(len(frame)), parts)):
        table = pa.Table.from_pandas(frame.iloc[rows], schema=schema, preserve_index=False)
        pq.write_table(table, folder / f"{part}.parquet")
    return folder


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return put(patients().frame, tmp_path_factory.mktemp("folders") / "source")


@pytest.fixture(scope="module")
def folder(source: Path) -> CohortFolder:
    return CohortFolder(source, **ROLES)


@pytest.fixture(scope="module")
def sampler(folder: CohortFolder) -> Sampler:
    return hs.generators.create("heor", most_rows=1000).fit(folder, seed=1)


@pytest.fixture(scope="module")
def written(sampler: Sampler, source: Path) -> CohortFolder:
    return sampler.write(source.parent / "written", n=2501, seed=7, rows_per_partition=700)


def raw(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir())}


def test_a_folder_tells_its_patients_cells_and_ranges_as_the_whole_frame_does(folder: CohortFolder) -> None:
    cohort = patients()
    assert (folder.n, len(folder), folder.sizes, folder.synthetic) == (N, N, (1000, 1000, 1000), False)
    assert sum(folder.cells.values()) == N
    assert folder.cells == dict(zip(Tally.of(cohort).members, Tally.of(cohort).patients.tolist(), strict=True))
    assert folder.domain == hs.generators.create("heor").fit(cohort).domain
    assert [part.n for part in folder] == [1000] * 3
    assert "3, of 1,000 to 1,000 rows" in repr(folder)


def test_a_column_with_gaps_in_one_partition_has_one_type_in_all(folder: CohortFolder) -> None:
    assert {str(part.frame["months"].dtype) for part in folder} == {"float64"}


def test_categories_that_differ_between_partitions_are_read_as_their_text(tmp_path: Path) -> None:
    frame = patients().frame.drop(columns="months").sort_values("stage")
    (tmp_path / "kinds").mkdir()
    for part in range(2):
        rows = frame.iloc[part * 1500 : (part + 1) * 1500]
        rows.assign(stage=rows["stage"].astype("category")).to_parquet(tmp_path / "kinds" / f"{part}.parquet")
    folder = CohortFolder(tmp_path / "kinds", **ROLES)
    assert folder.cells == dict(zip(Tally.of(patients()).members, Tally.of(patients()).patients.tolist(), strict=True))
    assert {part.frame["stage"].dtype for part in folder} == {np.dtype(object)}


def test_a_folder_s_tally_is_that_of_its_rows_in_any_number_of_partitions(folder: CohortFolder, tmp_path: Path) -> None:
    other = CohortFolder(put(patients().frame, tmp_path / "seven", 7), **ROLES)
    whole, three, seven = Tally.of(patients()), folder.tally(), other.tally()
    for found in (three, seven):
        assert found.members == whole.members
        for name in ("value", "code", "count"):
            np.testing.assert_array_equal(getattr(found.outcomes["os"], name), getattr(whole.outcomes["os"], name))
        np.testing.assert_allclose(found.moments.mean, whole.moments.mean, rtol=1e-12)
        assert {name: int(gaps.sum()) for name, gaps in found.missing.items()} == {
            name: int(gaps.sum()) for name, gaps in whole.missing.items()
        }
    assert three.same_as(folder.tally())


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda frame: frame.drop(columns="drug"), "column 'drug' is absent, which 0.parquet has"),
        (lambda frame: frame.assign(more=1), "column 'more' is not in 0.parquet"),
        (lambda frame: frame.assign(age=frame["age"].astype(str)), "column 'age' is string, and double in 0.parquet"),
        (lambda frame: frame.iloc[:0], "holds no rows"),
    ],
    ids=["absent", "added", "another type", "empty"],
)
def test_a_partition_that_is_not_like_the_first_is_named(change: object, told: str, tmp_path: Path) -> None:
    frame = patients().frame.drop(columns="months")
    put(frame, tmp_path / "drift")
    kinds = pa.Schema.from_pandas(frame, preserve_index=False)
    changed = change(frame.iloc[:50])  # type: ignore[operator]
    table = pa.Table.from_pandas(changed, schema=kinds if changed.empty else None, preserve_index=False)
    pq.write_table(table, tmp_path / "drift" / "2.parquet")
    with pytest.raises(errors.DamagedFileError, match=r"2\.parquet: ") as refused:
        CohortFolder(tmp_path / "drift", **ROLES)
    assert told in str(refused.value)


def test_a_partition_that_cannot_be_read_is_named_wherever_it_is_broken(tmp_path: Path) -> None:
    frame = patients().frame
    end = put(frame, tmp_path / "end")
    (end / "1.parquet").write_bytes((end / "1.parquet").read_bytes()[:-100])
    (end / "2.parquet").write_bytes(b"")
    with pytest.raises(errors.DamagedFileError) as refused:
        CohortFolder(end, **ROLES)
    assert [problem.where for problem in refused.value.problems] == ["1.parquet", "2.parquet"]
    middle = put(frame, tmp_path / "middle")
    held = bytearray((middle / "1.parquet").read_bytes())
    held[4:4000] = b"\xff" * 3996
    (middle / "1.parquet").write_bytes(bytes(held))
    with pytest.raises(errors.DamagedFileError, match=r"1\.parquet"):
        CohortFolder(middle, **ROLES)


def test_what_is_wrong_in_any_partition_is_told_at_once_with_its_file_and_no_value(tmp_path: Path) -> None:
    frame = patients().frame.drop(columns="months")
    frame.loc[1, "time"] = -SECRET
    frame.loc[2500, "cost"] = SECRET
    with pytest.raises(errors.CohortError) as refused:
        CohortFolder(put(frame, tmp_path / "bad"), **ROLES)
    told = str(refused.value)
    assert "0.parquet, time: 1 of 1000 durations are not positive" in told
    assert "2.parquet, total 'cost': is not the sum of its parts in 1 row" in told
    assert str(int(SECRET)) not in told


@pytest.mark.parametrize(
    ("change", "kind", "told"),
    [
        ({"event": 0}, errors.NoEventsError, "nobody among 3000 patients has the event"),
        ({"arm": "usual"}, errors.ArmError, "1 level, expected 2"),
        ({"flat": 5}, errors.EmptyColumnError, "'flat': the same for every patient"),
        ({"gone": np.full(N, np.nan)}, errors.EmptyColumnError, "'gone': entirely missing"),
        ({"stage": ["rare", *["I", "II"] * 1499, "I"]}, errors.SparseLevelError, "1 of its levels has a single"),
        ({"event": 2}, errors.CohortError, "no 0 among the codes; found 2"),
    ],
    ids=["no event", "one arm", "constant", "missing", "single", "nobody censored"],
)
def test_what_only_the_whole_can_tell_is_told(
    change: Mapping[str, object], kind: type[Exception], told: str, tmp_path: Path
) -> None:
    frame = patients().frame.assign(**change)
    with pytest.raises(kind, match=told):
        CohortFolder(put(frame, tmp_path / "whole"), **ROLES)


def test_a_partition_may_lack_what_the_whole_has(tmp_path: Path) -> None:
    frame = patients().frame.sort_values(["arm", "event", "stage"]).reset_index(drop=True)
    folder = CohortFolder(put(frame, tmp_path / "sorted", 9), **ROLES)
    assert any(len(set(part.levels("arm"))) == 1 for part in folder)
    assert any((part.outcome("os")[1] == 0).all() for part in folder)
    assert folder.n == N


def test_an_id_that_comes_in_two_partitions_is_refused(tmp_path: Path) -> None:
    frame = patients().frame.assign(who=[f"p{row}" for row in range(N)])
    CohortFolder(put(frame, tmp_path / "once"), **ROLES, id="who")
    frame.loc[2999, "who"] = "p0"
    with pytest.raises(errors.DuplicateIdError, match="2 of 3000 rows share an id, 0 have none") as refused:
        CohortFolder(put(frame, tmp_path / "twice"), **ROLES, id="who")
    assert "p0" not in str(refused.value)


def test_no_folder_and_no_partition_are_refused(tmp_path: Path) -> None:
    with pytest.raises(errors.FileError, match="there is no such folder"):
        CohortFolder(tmp_path / "nowhere", **ROLES)
    with pytest.raises(errors.FileError, match=r"holds no \.parquet file"):
        CohortFolder(tmp_path, **ROLES)
    with pytest.raises(errors.MissingColumnError, match="did you mean 'time'"):
        CohortFolder(put(patients().frame, tmp_path / "roles"), **{**ROLES, "endpoints": {"os": ("tme", "event")}})


def test_heor_learns_from_a_sample_in_which_every_cell_is_and_says_so(folder: CohortFolder, sampler: Sampler) -> None:
    small = Tally.of(stratified(folder, 500, seed=1))
    shares = allocate(np.array(list(folder.cells.values())), 500)
    assert small.members == tuple(folder.cells)
    assert small.patients.tolist() == [max(share, MIN_STRATUM) for share in shares]
    assert shares.min() < MIN_STRATUM < shares.max()
    sample = stratified(folder, 1000, seed=1)
    assert sampler.settings["learnt_from"] == {
        "rows": sample.n, "of": N, "stratified_by": ["arm", "sex", "stage"],
    }  # fmt: skip
    assert (sampler.n_source, sampler.n_learnt, sampler.cells) == (N, sample.n, folder.cells)
    drawn = sampler.sample(n=3000, m=1, seed=1)[0]
    assert dict(zip(Tally.of(drawn).members, Tally.of(drawn).patients, strict=True)) == folder.cells
    assert drawn.label is not None
    assert drawn.label.rests_on == sample.n


def test_the_sample_does_not_depend_on_how_rows_are_dealt_out(folder: CohortFolder, tmp_path: Path) -> None:
    other = CohortFolder(put(patients().frame, tmp_path / "five", 5), **ROLES)
    once, again = (stratified(each, 1000, seed=1).frame for each in (folder, other))
    pd.testing.assert_frame_equal(once.reset_index(drop=True), again.reset_index(drop=True))
    another = stratified(folder, 1000, seed=2).frame
    assert not another.reset_index(drop=True).equals(once.reset_index(drop=True))


def test_a_saved_sampler_still_says_what_it_was_learnt_from(sampler: Sampler, tmp_path: Path) -> None:
    again = hs.generators.load(sampler.save(tmp_path / "law.json"))
    assert (again.learnt, again.cells, again.n_learnt) == (sampler.learnt, sampler.cells, sampler.n_learnt)


@pytest.mark.parametrize("name", ["bootstrap", "marginals", "arf"])
def test_other_generators_refuse_a_folder(name: str, folder: CohortFolder) -> None:
    with pytest.raises(errors.GeneratorError, match="holds all rows at once"):
        hs.generators.create(name).fit(folder)


def test_too_many_cells_for_a_sample_are_refused(folder: CohortFolder) -> None:
    with pytest.raises(errors.GeneratorError, match="16 combinations of arm and subgroups for a sample of 400 rows"):
        stratified(folder, 400, seed=1)


def test_what_is_written_is_labelled_named_marked_and_whole(written: CohortFolder, sampler: Sampler) -> None:
    assert written.sizes == (626, 625, 625, 625)
    assert sorted(file.name for file in written.path.iterdir()) == [f"0000{part}.parquet" for part in range(4)]
    seen = [hs.inspect(written.path / name) for name in written.files]
    assert all(one.label is not None and one.watermarked for one in seen)
    ids = np.concatenate([part.frame.index for part in written])
    assert len(set(ids)) == 2501
    assert ids[0].endswith("-000000") and ids[-1].endswith("-002500")
    label = written.label
    assert label is not None
    assert (label.n_source, label.rests_on, label.n_rows) == (N, sampler.n_learnt, 2501)
    assert label.settings["partitions"] == 4


def test_cells_are_dealt_out_over_partitions_and_add_up_to_their_shares(
    written: CohortFolder, sampler: Sampler
) -> None:
    wanted = dict(zip(sampler.law.cells.members, sampler.law.allocated(2501), strict=True))  # type: ignore[attr-defined]
    tallies = [Tally.of(part) for part in written]
    held = {member: [0] * 4 for member in wanted}
    for place, tally in enumerate(tallies):
        for member, count in zip(tally.members, tally.patients.tolist(), strict=True):
            held[member][place] = count
    assert {member: sum(counts) for member, counts in held.items()} == wanted
    assert all(max(counts) - min(counts) <= 1 for counts in held.values())


def test_a_cell_with_fewer_rows_than_partitions_is_not_lost(sampler: Sampler, tmp_path: Path) -> None:
    folder = sampler.write(tmp_path / "many", n=200, seed=1, rows_per_partition=10)
    assert len(folder.files) == 20
    total = folder.tally()
    wanted = sampler.law.allocated(200)  # type: ignore[attr-defined]
    assert total.patients.tolist() == wanted[wanted > 0].tolist()
    assert wanted.min() < 20


def test_the_same_call_gives_the_same_bytes_and_another_seed_others(
    written: CohortFolder, sampler: Sampler, tmp_path: Path
) -> None:
    again = sampler.write(tmp_path / "again", n=2501, seed=7, rows_per_partition=700)
    other = sampler.write(tmp_path / "other", n=2501, seed=8, rows_per_partition=700)
    assert raw(again.path) == raw(written.path)
    assert all(raw(other.path)[name] != raw(written.path)[name] for name in written.files)


def test_a_worker_handed_an_order_writes_the_bytes_that_this_process_writes(
    written: CohortFolder, sampler: Sampler, tmp_path: Path
) -> None:
    order = pickle.loads(pickle.dumps(sampler._orders(2501, 1, 7, rows_per_partition=700)[0]))
    for part in (3, 0):
        write_partition((order, tmp_path), part)
    assert raw(tmp_path) == {name: raw(written.path)[name] for name in ("00000.parquet", "00003.parquet")}
    again = pickle.loads(pickle.dumps(written))
    assert again.part(1).frame.equals(written.part(1).frame)


def test_a_folder_that_is_not_finished_is_refused_and_the_same_call_finishes_it(
    written: CohortFolder, sampler: Sampler, tmp_path: Path
) -> None:
    place = tmp_path / "stopped"
    sampler.write(place, n=2501, seed=7, rows_per_partition=700)
    (place / "00002.parquet").unlink()
    (place / ".00002.parquet.x1").write_bytes(b"left by a killed worker")
    with pytest.raises(errors.OutputError, match="holds another draw"):
        sampler.write(place, n=2501, seed=7, rows_per_partition=700)
    (place / PARTIAL).write_text("")
    with pytest.raises(errors.FileError, match="writing this folder was not finished"):
        CohortFolder(place, **ROLES)
    before = (place / "00001.parquet").stat().st_mtime_ns
    sampler.write(place, n=2501, seed=7, rows_per_partition=700)
    assert raw(place) == raw(written.path)
    assert (place / "00001.parquet").stat().st_mtime_ns == before


def test_what_cannot_be_written_is_refused(sampler: Sampler, source: Path, tmp_path: Path) -> None:
    with pytest.raises(errors.TooFewPatientsError, match="a whole number from 2 up"):
        sampler.write(tmp_path / "x", n=0)
    with pytest.raises(errors.OutputError, match="holds another draw"):
        sampler.write(source, n=100)
    (tmp_path / "file").write_text("")
    with pytest.raises(errors.OutputError, match="cannot be written"):
        sampler.write(tmp_path / "file", n=100)
    aimed = hs.generators.create("heor", calibrate=["costs.mean"]).fit(patients(), seed=1)
    with pytest.raises(errors.GeneratorError, match="a calibrated sampler draws whole cohorts"):
        aimed.write(tmp_path / "x", n=100)


def test_labels_of_two_releases_or_beside_none_are_refused(
    written: CohortFolder, sampler: Sampler, tmp_path: Path
) -> None:
    one = sampler.write(tmp_path / "one", n=2501, seed=7, rows_per_partition=700)
    other = sampler.write(tmp_path / "other", n=2501, seed=8, rows_per_partition=700)
    (one.path / "00003.parquet").write_bytes((other.path / "00003.parquet").read_bytes())
    with pytest.raises(errors.LabelError, match=r"00003\.parquet: is of another release"):
        CohortFolder(one.path, **ROLES)
    table = pq.read_table(written.path / "00003.parquet")
    bare = {key: text for key, text in table.schema.metadata.items() if key != KEY.encode()}
    pq.write_table(table.replace_schema_metadata(bare), one.path / "00003.parquet")
    with pytest.raises(errors.LabelError, match=r"00003\.parquet: carries no label"):
        CohortFolder(one.path, **ROLES)


def test_a_synthetic_folder_is_no_source_unless_that_is_said_and_its_copies_then_say_so(written: CohortFolder) -> None:
    recipe, folder = hs.generators.create("heor", most_rows=1000), CohortFolder(written.path, **ROLES)
    with pytest.raises(errors.LabelError, match="allow_synthetic_source=True"):
        recipe.fit(folder, seed=1)
    again = recipe.fit(folder, seed=1, allow_synthetic_source=True)
    assert again.depth == 2


def test_a_synthetic_folder_has_no_role_for_the_id_of_patients_and_can_be_read(tmp_path: Path) -> None:
    frame = patients().frame.assign(patient=[f"P{number:05d}" for number in range(N)])
    folder = CohortFolder(put(frame, tmp_path / "real"), **ROLES, id="patient")
    drawn = hs.generators.create("heor", most_rows=1000).fit(folder, seed=1).write(tmp_path / "drawn", n=300, seed=1)
    assert (folder.schema.id, drawn.schema.id) == ("patient", None)
    assert drawn.part(0).n == drawn.n == 300
    assert hs.validate(folder, [drawn], purpose="software-testing").n_rows == 300
