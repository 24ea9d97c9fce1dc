"""Each threat SECURITY.md names, done on purpose: it is refused, or found and told."""

import gzip
import json
import pickle
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import heorsynth as hs
from heorsynth.core import errors
from heorsynth.data.files import limits
from heorsynth.data.files.io import read_frame
from heorsynth.protocol.file.spec import read_protocol
from heorsynth.protocol.run_folder import sha256_of

ROOT = Path(__file__).resolve().parents[2]


def copied(run: "hs.Run", folder: Path) -> Path:
    return Path(shutil.copytree(run.path, folder / run.path.name, symlinks=True))


def test_every_threat_in_the_security_page_names_a_test_that_exists() -> None:
    page = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    named = re.findall(r"`(test_\w+)`", page)
    defined = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    }
    assert len(named) >= 12
    assert set(named) <= defined


def test_rows_stripped_of_their_label_are_known_by_ids_and_cannot_be_a_source_unseen(signed, tmp_path: Path) -> None:
    bare = tmp_path / "bare.parquet"
    pq.write_table(pq.read_table(signed.run.path / "synthetic/000.parquet").replace_schema_metadata(None), bare)
    seen = hs.inspect(bare)
    assert (seen.synthetic, seen.label) == (True, None)
    protocol = tmp_path / "p.yaml"
    protocol.write_text(
        "heorsynth: 1\ntitle: x\npurpose: teaching\ngenerator: {m: 2, most_cohorts: 2, seed: 1}\n"
        "cohort: {source: {file: bare.parquet}, endpoints: {os: [time, event]}}\n"
    )
    with pytest.raises(errors.ProtocolError, match="itself synthetic"):
        hs.run(protocol, out=tmp_path / "runs")


def test_the_sidecar_of_another_file_is_refused(small_run: "hs.Run", tmp_path: Path) -> None:
    for part in (0, 1):
        hs.write(small_run.synthetic[part], tmp_path / f"{part}.csv")
    shutil.copy(tmp_path / "0.csv.label.json", tmp_path / "1.csv.label.json")
    with pytest.raises(errors.LabelError, match="belongs to another file"):
        hs.inspect(tmp_path / "1.csv")


def test_a_replayed_signature_of_another_run_is_refused(
    small_protocol: Path, signed, tmp_path: Path, short_notebook
) -> None:
    short_notebook(tmp_path)
    other = tmp_path / "other.yaml"
    other.write_text(small_protocol.read_text(encoding="utf-8").replace("seed: 1}", "seed: 2}"), encoding="utf-8")
    folder = hs.run(other, out=tmp_path / "runs").path
    shutil.copy(signed.run.path / "signature.json", folder)
    found = hs.verify(folder, rerun=False, trusted_key=signed.public)
    assert not found.verified and found.intact["provenance.json"] == "altered since the run"
    shutil.copy(signed.run.path / "provenance.json", folder)
    found = hs.verify(folder, rerun=False, trusted_key=signed.public)
    assert not found.verified and not found.signature_holds
    assert "for another run" in found.signature


@pytest.mark.parametrize(
    "name", ["../secret", "/etc/passwd", "a/../../b", "./x", "a//b", "C:\\x", "..\\x", "C:x", "", "verdict.json"]
)
def test_a_name_that_leaves_the_run_folder_or_comes_twice_is_refused(
    small_run: "hs.Run", tmp_path: Path, name: str
) -> None:
    folder = copied(small_run, tmp_path)
    with (folder / "SHA256SUMS").open("a", encoding="utf-8") as sums:
        sums.write(f"{'0' * 64}  {name}\n")
    with pytest.raises(errors.OutputError, match="no file of this run"):
        hs.verify(folder, rerun=False)


@pytest.mark.parametrize("name", ["../../escape-1", "/escape-1", "..", "noending"])
def test_a_statement_cannot_name_a_place_for_the_re_run(small_run: "hs.Run", tmp_path: Path, name: str) -> None:
    from heorsynth.provenance.signature import sealed

    folder = copied(small_run, tmp_path)
    facts = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))
    facts["predicate"]["runDetails"]["metadata"]["invocationId"] = name
    (folder / "provenance.json").write_text(json.dumps(facts), encoding="utf-8")
    (folder / "signature.json").write_text(sealed((folder / "provenance.json").read_bytes(), None), encoding="utf-8")
    assert hs.verify(folder).not_rerun == "its files contradict each other"
    assert not list(tmp_path.glob("escape*"))


def test_a_subject_outside_the_folder_is_never_opened(small_run: "hs.Run", tmp_path: Path) -> None:
    from heorsynth.provenance.signature import sealed

    folder = copied(small_run, tmp_path)
    secret = tmp_path / "secret"
    secret.write_text("x")
    facts = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))
    facts["subject"].append({"name": "../secret", "digest": {"sha256": sha256_of(secret)}})
    (folder / "provenance.json").write_text(json.dumps(facts), encoding="utf-8")
    (folder / "signature.json").write_text(sealed((folder / "provenance.json").read_bytes(), None), encoding="utf-8")
    assert "../secret" not in hs.verify(folder, rerun=False).intact


def test_a_parquet_bomb_of_rows_is_refused_by_what_it_declares(tmp_path: Path) -> None:
    bomb = tmp_path / "rows.parquet"
    zeros = pa.table({"a": pa.array(np.zeros(5_000_000, dtype=np.int64))})
    with pq.ParquetWriter(bomb, zeros.schema, compression="zstd") as writer:
        for _ in range(41):
            writer.write_table(zeros)
    assert bomb.stat().st_size < 2_000_000  # and 1.6 GB unfolded
    with pytest.raises(errors.FileError, match="205,000,000 cells"):
        read_frame(bomb)


def test_a_parquet_bomb_of_one_long_text_a_million_times_is_refused(tmp_path: Path) -> None:
    bomb = tmp_path / "text.parquet"
    text = pa.DictionaryArray.from_arrays(pa.array(np.zeros(1_000_000, dtype=np.int32)), pa.array(["x" * 100_000]))
    pq.write_table(pa.table({"a": text}), bomb, store_schema=False, compression="zstd")
    assert bomb.stat().st_size < 100_000  # and 100 GB unfolded
    with pytest.raises(errors.FileError, match="100,000,000,000 bytes unfolded"):
        hs.inspect(bomb)


ONE, ROWS = "x" * 100_000, 500


def folded(value: object) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(ROWS, dtype=np.int32)), pa.array([value]))


BOMBS = {
    "bytes": (folded(ONE.encode()), False, "50,000,000 bytes unfolded"),
    "a stored dictionary": (folded(ONE), True, "50,000,000 bytes unfolded"),
    "bytes of one width": (pa.array([ONE.encode()] * ROWS, pa.binary(len(ONE))), True, "50,000,000 bytes unfolded"),
    "views of text": (pa.array([ONE] * ROWS, pa.string_view()), True, "50,000,000 bytes unfolded"),
    "lists": (pa.array([[ONE]] * ROWS), False, "holds lists or records"),
    "records": (pa.StructArray.from_arrays([pa.array([ONE] * ROWS)], ["b"]), False, "holds lists or records"),
    "maps": (pa.array([[("k", ONE)]] * ROWS, pa.map_(pa.string(), pa.string())), False, "holds lists or records"),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_a_parquet_bomb_in_a_column_of_another_kind_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(limits, "MAX_BYTES", 10_000_000)
    column, stored, told = BOMBS[kind]
    pq.write_table(pa.table({"a": column}), tmp_path / "b.parquet", store_schema=stored, compression="zstd")
    assert (tmp_path / "b.parquet").stat().st_size < 1000
    with pytest.raises(errors.FileError, match=told):
        read_frame(tmp_path / "b.parquet")


def test_bytes_views_and_dictionaries_that_are_small_are_read(tmp_path: Path) -> None:
    table = pa.table({
        "b": pa.array([b"x", None]), "v": pa.array(["y", "z"], pa.string_view()),
        "w": pa.array([b"12", b"34"], pa.binary(2)), "d": pa.array(["a", "a"]).dictionary_encode(),
    })  # fmt: skip
    pq.write_table(table, tmp_path / "t.parquet")
    found = read_frame(tmp_path / "t.parquet").astype(object)
    assert found.to_numpy().tolist() == [[b"x", "y", b"12", "a"], [None, "z", b"34", "a"]]


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_a_csv_is_measured_whatever_its_lines_end_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: bytes
) -> None:
    (tmp_path / "one.csv").write_bytes(b"a" + end + (b"1" + end) * 500)
    monkeypatch.setenv(limits.CELLS_VARIABLE, "100")
    with pytest.raises(errors.FileError, match="502 cells: the limit is 100"):
        read_frame(tmp_path / "one.csv")
    (tmp_path / "wide.csv").write_bytes(b"," * 20_000 + end + b"1")
    with pytest.raises(errors.FileError, match="20,001 columns"):
        read_frame(tmp_path / "wide.csv")


def test_text_read_folded_comes_back_as_it_was(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": ["x", None, "y", "x"], "b": pd.Categorical(["u", "v", "u", "u"]), "c": [1, 2, 3, 4]})
    frame.to_parquet(tmp_path / "t.parquet")
    pd.testing.assert_frame_equal(read_frame(tmp_path / "t.parquet"), pd.read_parquet(tmp_path / "t.parquet"))


def test_a_compressed_csv_is_unfolded_in_parts_up_to_the_limit_and_a_wide_or_long_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = gzip.compress(b"a,b\n" + b"0,0\n" * 1_000_000)
    with monkeypatch.context() as small:
        small.setattr(limits, "MAX_BYTES", 1_000_000)
        for name, told in (("bomb.csv.gz", "bytes: the limit is 1,000,000"), ("bomb.csv", "not UTF-8")):
            (tmp_path / name).write_bytes(raw)
            with pytest.raises(errors.FileError, match=told):
                read_frame(tmp_path / name)
    (tmp_path / "wide.csv").write_text("," * 20_000 + "\n")
    with pytest.raises(errors.FileError, match="20,001 columns"):
        read_frame(tmp_path / "wide.csv")
    (tmp_path / "long.csv").write_text("a,b\n" + "1,2\n" * 60)
    monkeypatch.setenv(limits.CELLS_VARIABLE, "100")
    with pytest.raises(errors.FileError, match="cells: the limit is 100"):
        read_frame(tmp_path / "long.csv")
    monkeypatch.setenv(limits.CELLS_VARIABLE, "1000")
    assert len(read_frame(tmp_path / "long.csv")) == 60


def test_a_file_too_large_to_hold_is_refused_unread(tmp_path: Path) -> None:
    huge = tmp_path / "huge.csv"
    with huge.open("wb") as file:
        file.truncate(limits.MAX_BYTES + 1)  # a hole: it takes no space
    with pytest.raises(errors.FileError, match="bytes: the limit is"):
        hs.inspect(huge)


def test_a_sas_file_is_refused_by_the_rows_it_declares(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = hs.write(hs.datasets.load("pbc"), tmp_path / "p.xpt")
    monkeypatch.setattr(limits, "MAX_CELLS", 100)
    with pytest.raises(errors.FileError, match="the limit is 100"):
        read_frame(path)


def test_a_huge_sidecar_is_no_label(small_run: "hs.Run", tmp_path: Path) -> None:
    path = hs.write(small_run.synthetic[0], tmp_path / "c.csv")
    with (tmp_path / "c.csv.label.json").open("ab") as file:
        file.write(b" " * 1_000_001)
    with pytest.raises(errors.LabelError, match="not a heorsynth label"):
        hs.inspect(path)


@pytest.mark.parametrize("tag", ["!!python/object/apply:os.system ['touch owned']", "!!python/name:os.system", "!x {}"])
def test_a_yaml_tag_that_would_construct_an_object_is_refused(tmp_path: Path, tag: str) -> None:
    protocol = tmp_path / "p.yaml"
    protocol.write_text(f"heorsynth: 1\ntitle: {tag}\n", encoding="utf-8")
    with pytest.raises(errors.ProtocolError, match="a YAML tag"):
        read_protocol(protocol)
    assert not Path("owned").exists()


class Bomb:
    """A pickle of this touches a file when it is loaded."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.target,)


def test_a_pickle_is_never_loaded_as_a_generator(tmp_path: Path) -> None:
    target = tmp_path / "owned"
    (tmp_path / "generator.json").write_bytes(pickle.dumps(Bomb(target)))
    with pytest.raises(errors.FileError, match="not a heorsynth generator file"):
        hs.generators.load(tmp_path / "generator.json")
    assert not target.exists()
    pickle.loads((tmp_path / "generator.json").read_bytes())
    assert target.exists()  # it would have


HTML = "<img src=x onerror=alert(1)>"


def test_html_in_a_title_a_column_or_a_level_is_shown_and_not_obeyed(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    n = 60
    frame = pd.DataFrame({
        "time": rng.integers(1, 900, n), "event": np.tile([0, 1], n // 2), HTML: np.tile([HTML, "b"], n // 2),
        "age<script>": rng.normal(60, 9, n).round(1),
    })  # fmt: skip
    frame.to_csv(tmp_path / "d.csv", index=False)
    (tmp_path / "p.yaml").write_text(
        f"heorsynth: 1\ntitle: '{HTML}'\npurpose: economic-evaluation\n"
        f"generator: {{name: marginals, m: 2, most_cohorts: 2, seed: 1}}\n"
        f"governance: {{steward: '{HTML}'}}\n"
        f"cohort: {{source: {{file: d.csv}}, endpoints: {{os: [time, event]}}, subgroups: ['{HTML}']}}\n"
    )
    run = hs.run(tmp_path / "p.yaml", out=tmp_path / "runs")
    found = hs.verify(run.path, rerun=False)
    for page in (run.report.read_text(encoding="utf-8"), run.evidence._repr_html_(), found._repr_html_()):
        assert "<img src=x" not in page and "age<script>" not in page
    assert "&lt;img src=x" in run.report.read_text(encoding="utf-8")


@pytest.mark.parametrize("levels", [("$\\frac$", "$\\x$"), ("$20k-$40k", "under $20k"), ("a_b^c", "{x}")])
def test_a_level_that_looks_like_a_formula_is_drawn_as_it_stands(levels: tuple[str, str]) -> None:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({
        "time": rng.integers(1, 900, 60), "event": np.tile([0, 1], 30), "income": np.repeat(levels, 30),
        "age": rng.normal(60, 9, 60),
    })  # fmt: skip
    cohort = hs.Cohort(frame, endpoints={"os": ("time", "event")}, subgroups=["income"])
    syn = hs.generators.create("marginals").fit(cohort, seed=1).sample(m=1, seed=1)
    picture = hs.figures.km_overlay(cohort, syn, "os", by="income")
    assert picture.png().startswith(b"\x89PNG")
    figure = picture.axes.get_figure(root=True)
    texts = [text for axes in figure.axes for text in axes.findobj(lambda one: hasattr(one, "get_parse_math"))]
    shown = {text.get_text() for text in texts}
    assert any(level in one for one in shown for level in levels)
    assert not any(text.get_parse_math() for text in texts if any(level in text.get_text() for level in levels))
