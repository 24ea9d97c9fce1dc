"""What a file or a frame shows of being synthetic: not by its label alone, and not more than its rows bear out."""

import hashlib
import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyreadstat
import pytest
from click.testing import CliRunner

import heorsynth as hs
from heorsynth.cli import cli
from heorsynth.core import errors
from heorsynth.data.inspect import sign_of
from heorsynth.data.labels.label import has_synthetic_id, synthetic_ids
from heorsynth.protocol.file.source import load_source
from heorsynth.protocol.file.spec import read_protocol

ROLES = {"endpoints": {"os": ("time", "event")}, "arm": "trt", "subgroups": ["sex"]}


@pytest.fixture(scope="module")
def real() -> "hs.Cohort":
    cohort: hs.Cohort = hs.datasets.load("pbc")
    return cohort


@pytest.fixture(scope="module")
def drawn(real: "hs.Cohort") -> "hs.Cohort":
    cohort: hs.Cohort = hs.generators.create("heor").fit(real, seed=1).sample(m=1, seed=1)[0]
    return cohort


def bare(frame: pd.DataFrame, **columns: object) -> pd.DataFrame:
    """The rows without the label in `attrs`."""
    copy = frame.assign(**columns)
    copy.attrs = {}
    return copy


def protocol(folder: Path, file: str, more: str = "") -> Path:
    path = folder / "p.yaml"
    path.write_text(
        "heorsynth: 1\ntitle: x\npurpose: teaching\ngenerator: {name: marginals, m: 1, most_cohorts: 1, seed: 1}\n"
        f"cohort: {{source: {{file: {file}}}, endpoints: {{os: [time, event]}}, arm: trt{more}}}\n"
    )
    return path


STRIPPED = {
    "label and ids taken off": lambda s: s.frame_without_its_label(),
    "rows shuffled": lambda s: s.frame_without_its_label().sample(frac=1, random_state=1),
    "ids renamed": lambda s: bare(s.frame.reset_index().rename(columns={"synthetic_id": "patient"})),
}


@pytest.mark.parametrize("how", STRIPPED)
def test_a_stripped_file_is_no_source_unless_that_is_allowed_and_then_counts_its_lineage(
    drawn: "hs.Cohort", tmp_path: Path, how: str
) -> None:
    STRIPPED[how](drawn).to_csv(tmp_path / "s.csv", index=False)
    more = ", id: patient" if how == "ids renamed" else ""
    with pytest.raises(errors.ProtocolError, match=r"itself synthetic: .*(mark|ids)"):
        hs.run(protocol(tmp_path, "s.csv", more), out=tmp_path / "runs")
    source, _ = load_source(read_protocol(protocol(tmp_path, "s.csv", more + ", allow_synthetic_source: true")))
    sampler = hs.generators.create("marginals").fit(source, seed=1, allow_synthetic_source=True)
    assert sampler.sample(m=1, seed=1)[0].label.depth == 2


@pytest.mark.parametrize("name", ["pbc", "randhie", "aids", "whas500", "gbsg2", "lung"])
def test_public_patients_show_no_sign(name: str) -> None:
    frame = hs.datasets.load(name).frame
    assert sign_of(frame) == ""
    assert not any(sign_of(frame.sample(frac=1, replace=True, random_state=seed)) for seed in range(20))


def test_a_cohort_knows_synthetic_rows_by_its_id_column_and_by_their_names_beside_patients(
    real: "hs.Cohort", drawn: "hs.Cohort"
) -> None:
    renamed = bare(drawn.frame.reset_index().rename(columns={"synthetic_id": "patient"}))
    assert hs.Cohort(renamed, **ROLES, id="patient").synthetic
    mixed = pd.concat([renamed, real.frame.assign(patient=[f"H-{i}" for i in range(real.n)])], ignore_index=True)
    cohort = hs.Cohort(mixed, **ROLES, id="patient")
    assert cohort.augmented and int(cohort.synthetic_rows.sum()) == drawn.n
    assert not real.synthetic and not hs.Cohort(real.frame, **ROLES).synthetic


def test_ids_are_those_we_write_and_no_others() -> None:
    assert has_synthetic_id(pd.Index(synthetic_ids("1a2b3c4d", 999_998, 4))).all()
    assert list(synthetic_ids("1a2b3c4d", 999_998, 3)) == [
        "SYN-1a2b3c4d-999998", "SYN-1a2b3c4d-999999", "SYN-1a2b3c4d-1000000",
    ]  # fmt: skip
    others = ["SYN-2023-001", "SYN-1a2b3c4d-17", "syn-1a2b3c4d-000001", "xSYN-1a2b3c4d-000001 ", ""]
    assert not has_synthetic_id(pd.Index(others)).any()
    assert has_synthetic_id(pd.Index([None, 3, "SYN-1a2b3c4d-000001"])).tolist() == [False, False, True]
    assert not has_synthetic_id(pd.RangeIndex(3)).any()


def test_a_study_that_numbers_its_patients_as_we_do_not_is_not_called_synthetic(
    real: "hs.Cohort", tmp_path: Path
) -> None:
    real.frame.assign(pid=[f"SYN-2023-{i:03d}" for i in range(real.n)]).to_csv(tmp_path / "r.csv", index=False)
    assert hs.inspect(tmp_path / "r.csv").synthetic is None


def test_a_file_of_patients_with_one_synthetic_row_is_augmented_and_says_how_many(
    real: "hs.Cohort", drawn: "hs.Cohort", tmp_path: Path
) -> None:
    patients = real.frame.set_axis([f"H-{i}" for i in range(real.n)])
    bare(pd.concat([drawn.frame.iloc[:1], patients])).to_csv(tmp_path / "one.csv", index_label="synthetic_id")
    seen = hs.inspect(tmp_path / "one.csv")
    assert (seen.augmented, seen.named, seen.rows) == (True, 1, real.n + 1)
    assert "augmented by its row ids" in str(seen) and "1 of 419 rows" in str(seen)
    assert "may be patients" in str(seen)


def test_patients_under_a_copied_label_are_not_written_and_a_file_of_them_is_contradicted(
    real: "hs.Cohort", drawn: "hs.Cohort", tmp_path: Path
) -> None:
    frame = real.frame
    frame.attrs = drawn.frame.attrs
    with pytest.raises(errors.LabelError, match="contradicted by the rows"):
        hs.Cohort(frame, **ROLES)
    assert drawn.label is not None
    with pytest.raises(errors.LabelError, match="contradicted by the rows"):
        hs.write(hs.Cohort.derive(real.schema, real.frame, label=drawn.label), tmp_path / "f.parquet")
    under_label(real.frame, drawn, tmp_path / "f.csv")
    seen = hs.inspect(tmp_path / "f.csv")
    assert seen.belied and seen.synthetic is None and "the label is contradicted by the rows" in str(seen)
    assert "no row is a patient" not in str(seen)
    assert not hs.inspect(hs.write(drawn, tmp_path / "s.csv")).belied


def under_label(frame: pd.DataFrame, labelled: "hs.Cohort", path: Path) -> Path:
    """The frame as a file, CSV or Parquet, with the label of another cohort."""
    assert labelled.label is not None
    if path.suffix == ".parquet":
        table = pa.Table.from_pandas(frame, preserve_index=False)
        held = {**(table.schema.metadata or {}), b"heorsynth": labelled.label.to_json().encode()}
        pq.write_table(table.replace_schema_metadata(held), path)
        return path
    frame.to_csv(path, index=False)
    facts = {"file_sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "label": labelled.label.to_dict()}
    path.with_name(path.name + ".label.json").write_text(json.dumps(facts))
    return path


@pytest.mark.parametrize("name", ["pbc", "whas500"])
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_patients_under_a_copied_label_and_copied_ids_contradict_it(name: str, ending: str, tmp_path: Path) -> None:
    real = hs.datasets.load(name)
    drawn = hs.generators.create("heor").fit(real, seed=1).sample(m=1, seed=1)[0]
    ids = drawn.frame.index.to_numpy()
    path = under_label(real.frame.assign(synthetic_id=ids), drawn, tmp_path / f"f.{ending}")
    seen = hs.inspect(path)
    assert seen.belied and seen.synthetic is None and seen.label == drawn.label and seen.named == real.n
    assert "the label is contradicted by the rows" in str(seen)
    told = CliRunner().invoke(cli, ["inspect", str(path)], standalone_mode=False)
    assert told.return_value == 1 and "contradicted" in told.output
    roles = {"endpoints": {key: (one.time, one.event) for key, one in real.schema.endpoints.items()}}
    with pytest.raises(errors.LabelError, match="contradicted by the rows"):
        hs.read(path, **roles)
    assert hs.inspect(hs.write(drawn, tmp_path / f"s.{ending}")).synthetic is True


def test_a_label_is_not_contradicted_by_rows_that_cannot_show_its_mark(drawn: "hs.Cohort", tmp_path: Path) -> None:
    frame = drawn.frame.reset_index()
    assert drawn.label is not None and drawn.label.marked
    some = {
        "forty rows": frame.iloc[:40],
        "times and levels": frame[["synthetic_id", "time", "event", "trt", "sex"]],
        "times in years": frame[["synthetic_id", "event", "trt"]].assign(years=frame["time"] / 365.25 + 0.0123),
        "whole numbers": frame.assign(**{name: frame[name].round() for name in drawn.label.marked}),
    }
    for what, rows in some.items():
        seen = hs.inspect(under_label(rows, drawn, tmp_path / f"{what}.csv"))
        assert seen.synthetic is True and not seen.belied, what


def test_a_label_holds_of_half_its_rows_in_any_unit_and_order(drawn: "hs.Cohort", tmp_path: Path) -> None:
    frame = drawn.frame.reset_index()
    some = {
        "half": frame.sample(frac=0.5, random_state=3),
        "in days": frame.assign(age=frame["age"] * 365.25),
        "two columns": frame.drop(columns=["bili", "albumin", "ast"]),
    }
    for what, rows in some.items():
        seen = hs.inspect(under_label(rows, drawn, tmp_path / f"{what}.csv"))
        assert seen.synthetic is True and not seen.belied, what


@pytest.mark.parametrize("values", ["S-{:03d}", "SYN-2023-{:03d}", "number"])
def test_a_column_named_synthetic_id_with_other_values_is_a_column_of_patients(
    real: "hs.Cohort", tmp_path: Path, values: str
) -> None:
    numbers = range(real.n)
    ids = list(numbers) if values == "number" else [values.format(i) for i in numbers]
    frame = real.frame.assign(synthetic_id=ids)
    frame.to_csv(tmp_path / "r.csv", index=False)
    frame.to_parquet(tmp_path / "r.parquet")
    frame.set_index("synthetic_id").to_parquet(tmp_path / "i.parquet")
    for name in ("r.csv", "r.parquet", "i.parquet"):
        seen = hs.inspect(tmp_path / name)
        assert seen.synthetic is None and "SAS" not in str(seen), name
        assert list(hs.read(tmp_path / name)["synthetic_id"]) == ids, name
        cohort = hs.read(tmp_path / name, **ROLES, id="synthetic_id")
        assert isinstance(cohort, hs.Cohort) and not cohort.synthetic and "synthetic_id" in cohort.frame
    (tmp_path / "folder").mkdir()
    frame.to_parquet(tmp_path / "folder" / "a.parquet")
    assert not hs.CohortFolder(tmp_path / "folder", **ROLES, id="synthetic_id").synthetic


def test_rows_that_lost_their_ids_and_kept_label_and_mark_are_written(drawn: "hs.Cohort", tmp_path: Path) -> None:
    frame = drawn.frame.reset_index(drop=True)
    hs.write(hs.Cohort(frame, **ROLES), tmp_path / "k.parquet")
    assert hs.inspect(tmp_path / "k.parquet").label == drawn.label


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_synthetic_rows_put_beside_patients_are_written_as_augmented_with_a_flag_a_row(
    real: "hs.Cohort", drawn: "hs.Cohort", tmp_path: Path, ending: str
) -> None:
    cohort = hs.Cohort(pd.concat([drawn.frame, real.frame]), **ROLES)
    path = hs.write(cohort, tmp_path / f"mix.{ending}")
    held = pd.read_csv(path) if ending == "csv" else pd.read_parquet(path)
    assert int(held["synthetic_row"].sum()) == drawn.n and len(held) == drawn.n + real.n
    assert held["synthetic_id"].str.startswith("PATIENT-").sum() == real.n
    seen = hs.inspect(path)
    assert seen.augmented and "labelled augmented" in str(seen)
    assert "418 rows are not synthetic and may be patients" in str(seen)
    back = hs.read(path, **ROLES)
    assert back.augmented and "synthetic_row" not in back.frame
    assert list(back.synthetic_rows) == list(cohort.synthetic_rows)
    assert back.label is not None and back.label.rests_on == real.n


def test_an_augmented_cohort_is_written_with_its_own_label_and_read_back(real: "hs.Cohort", tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cohort = hs.augment(real, 100, m=1, seed=1)[0]
    path = hs.write(cohort, tmp_path / "a.csv")
    seen = hs.inspect(path)
    assert seen.augmented and seen.label == cohort.label and (seen.named, seen.rows) == (100, 518)
    back = hs.read(path, **ROLES)
    assert list(back.frame.columns) == list(cohort.frame.columns)
    assert back.frame.index.equals(cohort.frame.index) and back.frame["age"].equals(cohort.frame["age"])


def test_a_sas_file_without_sidecar_and_ids_is_known_by_its_label(drawn: "hs.Cohort", tmp_path: Path) -> None:
    path = hs.write(drawn, tmp_path / "s.xpt")
    (tmp_path / "s.xpt.label.json").unlink()
    frame, held = pyreadstat.read_xport(str(path))
    levels = frame.drop(columns="synthetic_id").select_dtypes("object")
    pyreadstat.write_xport(levels, str(tmp_path / "t.xpt"), file_label=held.file_label)
    seen = hs.inspect(tmp_path / "t.xpt")
    assert seen.synthetic and "synthetic by its SAS label" in str(seen)
    pyreadstat.write_xport(levels, str(tmp_path / "u.xpt"), file_label="A trial")
    assert hs.inspect(tmp_path / "u.xpt").synthetic is None


def test_of_a_long_table_a_stated_part_is_looked_at_and_the_mark_found_in_it() -> None:
    from heorsynth.data.labels.watermark_detection import scanned_rows

    assert len(scanned_rows(pd.DataFrame(index=np.arange(249_999)))) == 249_999
    assert len(scanned_rows(pd.DataFrame(index=np.arange(1_000_000)))) == 125_000
    assert len(scanned_rows(pd.DataFrame(index=np.arange(8_000_000)))) == 1_000_000
