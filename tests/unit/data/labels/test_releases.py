"""The registry of releases: names the release a file came from by bytes, ids or label, and a label nobody released."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

import heorsynth as hs
from heorsynth.core import errors
from heorsynth.data.labels import releases


def relabelled(path: Path, out: Path, **facts: object) -> Path:
    """A copy of a Parquet file whose label says otherwise."""
    table = pq.read_table(path)
    label = json.loads(table.schema.metadata[b"heorsynth"]) | facts
    held = {**table.schema.metadata, b"heorsynth": json.dumps(label).encode()}
    pq.write_table(table.replace_schema_metadata(held), out)
    return out


def test_a_released_file_is_named_to_the_byte(signed) -> None:
    seen = hs.inspect(signed.run.path / "synthetic" / "001.parquet", registry=signed.registry)
    assert seen.synthetic is True
    assert seen.known is not None and seen.known.same_bytes
    assert "is synthetic/001.parquet of release" in str(seen) and signed.run.path.name in str(seen)


def test_a_registry_holds_hashes_and_label_facts_and_no_row(signed) -> None:
    (release,) = releases.read_registry(signed.registry)
    assert set(release.files) == {"synthetic/000.parquet", "synthetic/001.parquet"}
    assert release.label["n_source"] == 63 and "part" not in release.label
    assert release.signed_by in signed.run.signature
    rows = hs.read(signed.run.path / "synthetic" / "000.parquet")["cost"]
    text = signed.registry.read_text(encoding="utf-8")
    assert not [value for value in rows if str(value) in text]


def test_rows_without_label_are_traced_by_their_ids_even_among_patients(signed, tmp_path: Path) -> None:
    rows = hs.read(signed.run.path / "synthetic" / "000.parquet").reset_index().head(25)
    patients = hs.datasets.simulated_trial(90, 2)[0].frame.assign(synthetic_id="")
    mixed = tmp_path / "mixed.csv"
    pd.concat([patients, rows]).to_csv(mixed, index=False)
    seen = hs.inspect(mixed, registry=signed.registry)
    assert seen.label is None and seen.known is not None
    assert seen.known.sentence.startswith("25 of 115 rows carry ids of release")
    assert seen.known.releases[0].run == signed.run.path.name


def test_a_file_written_again_in_another_format_is_traced_by_its_label(signed, tmp_path: Path) -> None:
    cohort = signed.run.synthetic[0]
    seen = hs.inspect(hs.write(cohort, tmp_path / "again.csv"), registry=signed.registry)
    assert seen.known is not None and not seen.known.same_bytes and not seen.known.forged
    assert "its label is that of release" in seen.known.sentence


def test_a_forged_label_is_called_so_and_one_of_no_known_release_is_not_believed(signed, tmp_path: Path) -> None:
    source = signed.run.path / "synthetic" / "000.parquet"
    forged = hs.inspect(relabelled(source, tmp_path / "f.parquet", n_source=9000), registry=signed.registry)
    assert forged.known is not None and forged.known.forged
    assert "not the one released: n_source differ" in " ".join(str(forged).split())
    unknown = hs.inspect(relabelled(source, tmp_path / "u.parquet", release="0badc0de"), registry=signed.registry)
    assert unknown.known is not None and not unknown.known.forged
    assert "anyone can write a label" in " ".join(str(unknown).split())


def test_patients_are_of_no_release_and_no_sign_is_no_proof(signed, tmp_path: Path) -> None:
    path = hs.write(hs.datasets.load("pbc"), tmp_path / "pbc.csv")
    seen = hs.inspect(path, registry=signed.registry)
    assert seen.synthetic is None and seen.known is not None and seen.known.releases == ()
    assert "not proof" in str(seen)
    assert hs.inspect(path).known is None


def test_the_same_release_is_kept_once_and_another_is_added(signed, tmp_path: Path) -> None:
    registry = Path(shutil.copy(signed.registry, tmp_path / "r.jsonl"))
    (release,) = releases.read_registry(registry)
    releases.add(registry, release)
    assert releases.read_registry(registry) == (release,)
    other = releases.Release("ffff0000", "x-1", {}, {}, "teaching", "fit")
    releases.add(registry, other)
    assert releases.read_registry(registry) == (release, other)


def test_what_is_no_registry_is_refused_before_any_work(small_protocol: Path, signed, tmp_path: Path) -> None:
    bad = tmp_path / "bad.jsonl"
    bad.write_text(signed.registry.read_text(encoding="utf-8") + '{"release": "x"}\n', encoding="utf-8")
    with pytest.raises(errors.FileError, match="line 2"):
        hs.run(small_protocol, out=tmp_path / "runs", registry=bad)
    with pytest.raises(errors.OutputError, match="cannot be written"):
        hs.run(small_protocol, out=tmp_path / "runs", registry=tmp_path / "absent" / "r.jsonl")
    with pytest.raises(errors.FileError, match="cannot be read"):
        hs.inspect(signed.run.path / "synthetic" / "000.parquet", registry=tmp_path / "absent.jsonl")
    assert not (tmp_path / "runs").exists()
