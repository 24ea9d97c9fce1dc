"""Patients who can be recognised are planted in a source, everything is run, and nothing that leaves knows them."""

import contextlib
import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

import heorsynth as hs
from heorsynth.data.columns.levels import POOLED
from heorsynth.data.folders.cohort_folder import CohortFolder
from heorsynth.provenance.signature import keygen

WORDS = ("Canary-Ada-7319", "Canary-Bert-7320", "Canary-Cora-7321")
"""Names and ids of the planted patients."""

NUMBERS = {
    "time": (3987.6543, 4012.3451, 3876.5439),
    "cost": (98765.4321, 87654.3219, 91234.5673),
    "age": (101.2347, 17.3459, 99.8763),
    "marker": (0.0123457, 77.7654321, 5432.1987),
}
"""Values of the planted patients: unique, and several of them the largest or smallest of their column."""

PROTOCOL = """\
heorsynth: 1
title: Canaries
purpose: {purpose}
cohort:
  source: {{file: canaries.csv}}
  endpoints: {{os: [time, event]}}
  arm: trt
  costs: [cost]
  utilities: [qaly]
  subgroups: [sex]
  id: patient
  currency: EUR
economics: {{comparator: usual, wtp: [20000]}}
generator: {{name: {generator}, m: 2, most_cohorts: 2, seed: 5}}
{more}
"""


def source(n: int = 120) -> pd.DataFrame:
    """A made-up trial; its first three patients are the canaries."""
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({
        "patient": [f"P{i:04d}" for i in range(n)],
        "time": np.round(rng.exponential(500, n) + 1, 4),
        "event": rng.integers(0, 2, n),
        "trt": np.tile(["new", "usual"], n // 2),
        "sex": rng.choice(["f", "m"], n),
        "cost": np.round(rng.gamma(2, 4000, n), 4),
        "qaly": np.round(rng.uniform(0, 1, n), 5),
        "age": np.round(rng.normal(60, 8, n), 4),
        "marker": np.round(rng.lognormal(1, 1, n), 7),
    })  # fmt: skip
    for row, word in enumerate(WORDS):
        frame.loc[row, "patient"] = word
        for name, values in NUMBERS.items():
            frame.loc[row, name] = values[row]
    frame["site"] = np.tile(["north", "south", "east"], n // 3)
    frame.loc[0, "site"] = WORDS[0]
    frame["extra"] = 0.0
    frame.loc[:2, "extra"] = NUMBERS["cost"]
    return frame


def canaries() -> list[str]:
    """Each planted value as text, and cut to fewer digits as a table or a figure might show it."""
    numbers = [value for values in NUMBERS.values() for value in values]
    shown = {f"{value:.{digits}f}" for value in numbers for digits in (3, 4, 7)} | {repr(value) for value in numbers}
    shown |= {f"{value:,.4f}" for value in numbers}
    return [*WORDS, *sorted(text for text in shown if len(text.lstrip("0.")) >= 6)]


def leaked(text: str) -> list[str]:
    return [canary for canary in canaries() if canary in text]


def texts_of(folder: Path) -> Iterator[tuple[str, str]]:
    """Every file of a folder as text: a Parquet file by its metadata, its column statistics and its rows."""
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        yield path.name, path.read_bytes().decode("utf-8", errors="replace")
        if path.suffix == ".parquet":
            file = pq.ParquetFile(path)
            columns = [file.metadata.row_group(group).column(at) for group in range(file.metadata.num_row_groups)
                       for at in range(file.metadata.num_columns)]  # fmt: skip
            yield path.name, f"{file.metadata.metadata} {[str(one.statistics) for one in columns]}"
            yield path.name, file.read().to_pandas().to_csv()


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HEORSYNTH_KEY", "a key for canaries")
    source().to_csv(tmp_path / "canaries.csv", index=False)
    return tmp_path


def test_the_search_finds_a_canary_where_there_is_one(place: Path, tmp_path: Path) -> None:
    folder = tmp_path / "planted"
    folder.mkdir()
    source().to_parquet(folder / "s.parquet")
    found = [name for name, text in texts_of(folder) if leaked(text)]
    assert len(found) == 3
    assert "98765.4321" in leaked("an error about 98765.4321")
    assert leaked("98,765.4321") == ["98,765.4321"] and leaked("5 euros") == []


@pytest.mark.parametrize(
    ("generator", "purpose", "more"),
    [
        pytest.param("heor", "economic-evaluation", "holdout: 0.4", id="heor"),
        pytest.param("heor", "data-sharing", "holdout: 0.4", id="heor, to be shared", marks=pytest.mark.long),
        pytest.param("heor", "economic-evaluation", "", id="heor without a hold-out", marks=pytest.mark.long),
        pytest.param("marginals", "economic-evaluation", "", id="a control", marks=pytest.mark.long),
    ],
)
def test_no_value_of_a_canary_patient_is_in_anything_that_leaves(
    place: Path, caplog: pytest.LogCaptureFixture, generator: str, purpose: str, more: str
) -> None:
    """A control draws patients' own values, so its rows, and nothing beside them, may hold them."""
    caplog.set_level(logging.DEBUG)
    protocol = place / "canaries.yaml"
    protocol.write_text(PROTOCOL.format(generator=generator, purpose=purpose, more=more), encoding="utf-8")
    private, public, _ = keygen(place / "k")
    out, registry = place / "runs", place / "releases.jsonl"
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        run = hs.run(protocol, out=out, sign_key=private, registry=registry)
        checked = hs.verify(run.path, source=place, trusted_key=public)
        seen = hs.inspect(run.path / "synthetic" / "000.parquet", registry=registry)
        patients = hs.inspect(place / "canaries.csv", registry=registry)
        for one in (run, run.evidence, checked, seen, patients, run.cohort, run.synthetic):
            print(one, one._repr_html_() if hasattr(one, "_repr_html_") else "")
    assert checked.verified, checked

    found = {name: leaked(text) for name, text in texts_of(out) if leaked(text)}
    rows = {"000.parquet", "001.parquet"} if generator == "marginals" else set()
    assert set(found) <= rows, found
    assert leaked(registry.read_text(encoding="utf-8")) == []
    assert leaked(said.getvalue()) == []
    assert leaked(caplog.text) == []


def test_no_value_of_a_canary_patient_is_in_a_saved_generator_or_its_repr(place: Path) -> None:
    roles = {"endpoints": {"os": ("time", "event")}, "arm": "trt", "costs": ["cost"], "subgroups": ["sex"],
             "id": "patient"}  # fmt: skip
    cohort = hs.Cohort(source(), **roles)
    sampler = hs.generators.create("heor").fit(cohort, seed=1)
    assert leaked(sampler.save(place / "generator.json").read_text(encoding="utf-8")) == []
    assert leaked(repr(sampler) + sampler._repr_html_() + repr(cohort) + cohort._repr_html_()) == []
    again = hs.generators.load(place / "generator.json")
    pd.testing.assert_frame_equal(again.sample(m=1)[0].frame, sampler.sample(m=1)[0].frame)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("heor", {}),
        ("heor", {"keep": "all"}),
        ("heor", {"release": "shared"}),
        ("marginals", {}),
        ("bootstrap", {}),
        ("arf", {}),
        ("sequential_trees", {}),
        ("gaussian_copula", {}),
    ],
)
def test_no_part_of_a_fitted_generator_shows_a_canary(name: str, options: dict[str, str], tmp_path: Path) -> None:
    """A level that one patient has, a column that is zero but for the planted patients: both are their own values."""
    frame = source()
    frame["site"] = frame["site"].astype("category")
    roles = {"endpoints": {"os": ("time", "event")}, "arm": "trt", "costs": ["cost"], "subgroups": ["sex"],
             "id": "patient"}  # fmt: skip
    recipe = hs.generators.create(name, **options)
    sampler = recipe.fit(hs.Cohort(frame, **roles), seed=1)
    parts = [recipe, sampler, sampler.domain, sampler.law, *sampler.domain.columns.values()]
    if name == "heor":
        parts += [sampler.law.shape, *sampler.law.columns, sampler.law.outcome, sampler.law.cells]
        drawn = sampler.sample(m=1)[0].frame
        assert leaked(str(list(drawn["site"].dtype.categories))) == []
        assert 0.0 in set(drawn["extra"])
        assert leaked(sampler.save(tmp_path / "law.json").read_text(encoding="utf-8")) == []
    assert leaked(" ".join(map(repr, parts))) == []


@pytest.mark.parametrize(
    "column",
    [["a"] * 4 + ["b"] * 3 + [None] * 113, [1.5, 2.5, 98765.4321] + [None] * 117],
    ids=["two rare levels", "three known numbers"],
)  # fmt: skip
def test_a_column_in_which_too_few_patients_share_anything_is_refused(column: list[object]) -> None:
    cohort = hs.Cohort(source().assign(extra=column), endpoints={"os": ("time", "event")}, id="patient")
    for name in ("heor", "marginals"):
        with pytest.raises(hs.HeorsynthError, match="'extra'") as caught:
            hs.generators.create(name).fit(cohort, seed=1)
        assert leaked(str(caught.value)) == []


def test_a_column_that_has_one_value_for_all_but_one_patient_is_refused() -> None:
    frame = source().assign(extra=[NUMBERS["cost"][0]] + [0.0] * 119)
    cohort = hs.Cohort(frame, endpoints={"os": ("time", "event")}, id="patient")
    with pytest.raises(hs.HeorsynthError, match="'extra': one value for all but fewer than 5 patients") as caught:
        hs.generators.create("heor").fit(cohort, seed=1)
    assert leaked(str(caught.value)) == []


def test_with_more_patients_asked_for_a_level_of_fewer_is_no_level() -> None:
    frame = source().assign(site=["north"] * 90 + ["south"] * 30)
    cohort = hs.Cohort(frame, endpoints={"os": ("time", "event")}, id="patient")
    law = hs.generators.create("heor", min_patients=40).fit(cohort, seed=1).law
    assert set(law.shape.formats["site"].values) == {"north", POOLED}
    in_thirds = hs.Cohort(source(), endpoints={"os": ("time", "event")}, id="patient")
    with pytest.raises(hs.HeorsynthError, match="'site': no level that 60 patients have"):
        hs.generators.create("heor", min_patients=60).fit(in_thirds, seed=1)


SPOILT_ROLES = (
    lambda frame: frame.assign(time=-frame["time"]),
    lambda frame: frame.assign(time=frame["time"].astype(str) + " days"),
    lambda frame: frame.assign(event=frame["cost"]),
    lambda frame: frame.assign(event=frame["patient"]),
    lambda frame: frame.assign(trt=frame["patient"]),
    lambda frame: frame.assign(sex=frame["patient"]),
)
"""What makes a frame no cohort, in a file as in a folder: each error could quote a value."""


@pytest.mark.parametrize(
    "spoil",
    [
        *SPOILT_ROLES,
        lambda frame: frame.assign(sex=frame["marker"]),
        lambda frame: frame.assign(patient="Canary-Ada-7319"),
        lambda frame: frame.assign(cost=frame["patient"]),
        lambda frame: frame.assign(qaly=frame["patient"]),
        lambda frame: frame.assign(marker=frame["patient"]),
        lambda frame: frame.assign(marker=[[value] for value in frame["marker"]]),
        lambda frame: frame.assign(age=[value if i % 2 else WORDS[0] for i, value in enumerate(frame["age"])]),
        lambda frame: frame.head(3),
        lambda frame: frame.assign(event=0),
    ],
)  # fmt: skip
def test_no_error_names_a_canary(heorsynth, place: Path, spoil) -> None:
    spoil(source()).to_csv(place / "canaries.csv", index=False)
    (place / "canaries.yaml").write_text(
        PROTOCOL.format(generator="marginals", purpose="economic-evaluation", more=""), encoding="utf-8"
    )
    ended = heorsynth("run", "canaries.yaml", "--out", "runs", cwd=place)
    assert ended.returncode == 65 and "problem" in ended.stderr
    assert leaked(ended.stdout + ended.stderr) == []


def test_no_error_about_a_broken_file_names_a_canary(place: Path) -> None:
    raw = (place / "canaries.csv").read_bytes()
    broken = {
        "latin.csv": raw + "Canary-Ada-7319,é".encode("latin-1"),
        "ragged.csv": raw + b"Canary-Ada-7319,1,1,new,f,98765.4321,1,1,1,1,1,1\n",
        "not.parquet": raw,
        "not.xpt": raw + b" " * (-len(raw) % 80),
        "generator.json": json.dumps({"format": "heorsynth generator 1", "law": WORDS[0]}).encode(),
    }
    for name, content in broken.items():
        (place / name).write_bytes(content)
        with pytest.raises(hs.HeorsynthError) as caught:
            (hs.generators.load if name.endswith(".json") else hs.inspect)(place / name)
        assert leaked(str(caught.value) + repr(caught.value.problems)) == [], name


ROLES = {"endpoints": {"os": ("time", "event")}, "arm": "trt", "costs": ["cost"], "utilities": ["qaly"],
         "subgroups": ["sex"], "id": "patient"}  # fmt: skip
N = 1200

PROTOCOL_OF_A_FOLDER = """\
heorsynth: 1
title: Canaries
purpose: economic-evaluation
cohort:
  source: {folder: claims}
  endpoints: {os: [time, event]}
  arm: trt
  costs: [cost]
  utilities: [qaly]
  subgroups: [sex]
  id: patient
  currency: EUR
economics: {comparator: usual, wtp: [20000]}
generator: {name: heor, m: 2, most_cohorts: 2, seed: 5}
"""


def put(frame: pd.DataFrame, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    for part, rows in enumerate(np.array_split(np.arange(len(frame)), 3)):
        frame.iloc[rows].to_parquet(folder / f"{part}.parquet", index=False)
    return folder


def test_no_value_of_a_canary_is_in_what_is_saved_written_shown_or_logged_of_a_folder(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEORSYNTH_KEY", "a key for canaries")
    caplog.set_level(logging.DEBUG)
    frame = source(N)
    frame.loc[1, "site"] = WORDS[1]
    folder = CohortFolder(put(frame, tmp_path / "claims"), **ROLES)
    sampler = hs.generators.create("heor", most_rows=N).fit(folder, seed=1)
    saved = sampler.save(tmp_path / "generator.json").read_text(encoding="utf-8")
    assert '"north"' in saved and leaked(saved) == []
    written = sampler.write(tmp_path / "written", n=300, seed=1, rows_per_partition=150)
    evidence = hs.validate(folder, [written], economics={"wtp": [20000]})
    shown = [folder, sampler, sampler.domain, *sampler.domain.columns.values(), written, evidence, folder.tally()]
    assert leaked(" ".join(f"{one!r} {getattr(one, '_repr_html_', str)()}" for one in shown)) == []
    assert leaked(evidence.to_frame().to_csv()) == []
    assert [name for name, text in texts_of(tmp_path / "written") if leaked(text)] == []
    (tmp_path / "canaries.yaml").write_text(PROTOCOL_OF_A_FOLDER, encoding="utf-8")
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        run = hs.run(tmp_path / "canaries.yaml", out=tmp_path / "runs")
        print(run, run._repr_html_())
    assert [name for name, text in texts_of(run.path) if leaked(text)] == []
    assert leaked(said.getvalue() + caplog.text) == []


@pytest.mark.parametrize(
    "spoil",
    [
        *SPOILT_ROLES,
        lambda frame: frame.assign(patient=WORDS[0]),
        lambda frame: frame.assign(cost=frame["patient"]),
        lambda frame: frame.assign(subject_id=[WORDS[0], *frame["patient"].iloc[:-1]]),
        lambda frame: frame.assign(extra=WORDS[0]),
    ],
)  # fmt: skip
def test_no_error_of_a_folder_names_a_canary(tmp_path: Path, spoil) -> None:
    frame = source(N)
    frame["subject_id"] = [*frame["patient"].iloc[:-1], WORDS[0]]
    with pytest.raises(hs.HeorsynthError) as refused:
        CohortFolder(put(spoil(frame), tmp_path / "claims"), **ROLES)
    assert leaked(str(refused.value) + repr(refused.value.problems)) == []
