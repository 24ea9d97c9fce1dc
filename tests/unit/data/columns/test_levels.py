"""A level that fewer than five patients have may be words that one of them wrote: no display names it."""

import contextlib
import io
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

import heorsynth as hs
from heorsynth.core import errors
from heorsynth.data.columns.levels import band_texts, banded, shown_names

CANARY = "Canary"
N = 120
PROTOCOL = """\
heorsynth: 1
title: Rare words
purpose: {purpose}
cohort:
  source: {{file: rare.csv}}
  endpoints: {{os: [time, event]}}
  arm: arm
  costs: [cost]
  utilities: [qaly]
  subgroups: [ward, sex]
  currency: EUR
economics: {{comparator: usual, wtp: [20000]}}
generator: {{name: heor, m: 2, most_cohorts: 2, seed: 5}}
margins: {{subgroups.intersections: {{ratio: [0.5, 2], min_count: 1}}}}
"""


def patients() -> pd.DataFrame:
    """Wards of two, three and four patients, and a covariate's level of three, with words that must not be seen."""
    r = np.random.default_rng(5)
    frame = pd.DataFrame({
        "time": np.round(r.exponential(500, N) + 1, 1), "event": r.integers(0, 2, N),
        "arm": np.tile(["new", "usual"], N // 2), "sex": r.choice(["f", "m"], N),
        "ward": np.tile(["north", "south", "east"], N // 3), "note": np.tile(["calm", "brisk"], N // 2),
        "cost": np.round(r.gamma(2, 4000, N), 2), "qaly": np.round(r.uniform(0, 1, N), 3),
    })  # fmt: skip
    for start, count, word in ((0, 2, "Ada"), (10, 3, "Bert"), (20, 4, "Cora")):
        frame.loc[start : start + count - 1, "ward"] = f"{CANARY}-{word}"
    frame.loc[30:32, "note"] = f"{CANARY}-Dora"
    return frame


def roles() -> dict[str, object]:
    return {"endpoints": {"os": ("time", "event")}, "arm": "arm", "costs": ["cost"], "utilities": ["qaly"],
            "subgroups": ["ward", "sex"]}  # fmt: skip


def shown(*things: object) -> str:
    return "".join(f"{thing!r}{thing._repr_html_() if hasattr(thing, '_repr_html_') else ''}" for thing in things)


def test_no_display_of_a_cohort_its_evidence_its_tables_or_its_figures_names_a_rare_level() -> None:
    cohort = hs.Cohort(patients(), **roles())
    sampler = hs.generators.create("heor").fit(cohort, seed=1)
    syn = sampler.sample(m=3, seed=1)
    margins = {"subgroups.intersections": {"ratio": [0.5, 2], "min_count": 1}}
    evidence = hs.validate(cohort, syn, purpose="model-development", margins=margins, seed=1)
    text = shown(cohort, sampler, syn, evidence, hs.figures, evidence.to_dict(), sampler.domain)
    text += evidence.to_frame().to_csv() + evidence.subgroups().to_csv()
    for picture in (hs.figures.level_retention(cohort, syn), hs.figures.km_overlay(cohort, syn, "os", by="ward")):
        text += picture.caption + picture.frame.to_csv() + shown(picture)
    table = hs.tables.table_one(cohort, syn)
    text += shown(table) + table.to_frame().to_csv()
    assert "ward=rare level 1" in text and "rare level 3" in text
    assert CANARY not in text


ASKED = (
    {"where": {"ward": "no such ward"}},
    {"targets": {"ward": {"no such ward": 1.0}}},
    {"targets": {"ward": {"north": 0.5}}},
)


@pytest.mark.parametrize("asked", ASKED)
def test_no_error_names_a_rare_level_that_was_not_asked_for(asked: dict[str, object]) -> None:
    sampler = hs.generators.create("heor").fit(hs.Cohort(patients(), **roles()), seed=1)
    with pytest.raises(errors.HeorsynthError) as refused:
        sampler.sample(m=1, **asked)
    assert CANARY not in str(refused.value)


@pytest.mark.parametrize("purpose", ["economic-evaluation", pytest.param("data-sharing", marks=pytest.mark.long)])
def test_nothing_a_run_writes_names_a_rare_level_but_the_rows(purpose: str, tmp_path: Path) -> None:
    patients().to_csv(tmp_path / "rare.csv", index=False)
    protocol = tmp_path / "rare.yaml"
    protocol.write_text(PROTOCOL.format(purpose=purpose), encoding="utf-8")
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        run = hs.run(protocol, out=tmp_path / "runs")
        print(run, run.evidence, hs.inspect(run.path / "synthetic" / "000.parquet"))
    assert CANARY not in said.getvalue()
    found = []
    for path in sorted(run.path.rglob("*")):
        if path.suffix == ".parquet":
            file = pq.ParquetFile(path)
            rows = file.read().to_pandas()
            held = {name for name in rows.select_dtypes(object) if rows[name].astype(str).str.contains(CANARY).any()}
            assert held == {"ward"}
            assert CANARY not in str(file.schema_arrow.metadata)
        elif path.is_file() and CANARY.encode() in path.read_bytes():
            found.append(path.name)
    assert found == []


def free_text(n: int) -> pd.Series:
    return pd.Series([f"{CANARY} wrote {row}" if row < n else "usual" if row % 2 else "new" for row in range(N)])


@pytest.mark.parametrize(("role", "kind"), [("arm", errors.SparseLevelError), ("subgroups", errors.SparseLevelError)])
def test_free_text_is_no_arm_and_no_subgroup(role: str, kind: type[Exception]) -> None:
    for words in (free_text(40), pd.Series(np.where(np.arange(N) % 2, "x" * 101, "y"))):
        with pytest.raises(kind, match="free text") as refused:
            hs.Cohort(patients().assign(text=words), **{**roles(), role: "text"})
        assert CANARY not in str(refused.value)


def test_an_arm_of_fewer_than_five_patients_is_refused_with_what_to_do() -> None:
    with pytest.raises(errors.ArmError, match="2 of its 4 levels have fewer than 5 patients") as refused:
        hs.Cohort(patients().assign(arm=free_text(2)), **roles())
    assert "leave the arm of those patients empty" in str(refused.value)
    assert CANARY not in str(refused.value)


def test_levels_of_a_handful_of_rows_are_shown_by_number_too() -> None:
    frame = pd.DataFrame({"time": [5, 8, 12, 20], "event": [1, 0, 1, 0], "arm": ["a", "b", CANARY, CANARY]})
    with pytest.raises(errors.ArmError):
        hs.Cohort(frame, endpoints={"os": ("time", "event")}, arm="arm")
    cohort = hs.Cohort(frame, endpoints={"os": ("time", "event")}, arm="arm", arm_reference="a")
    assert CANARY not in shown(cohort)


def test_a_level_that_nobody_has_keeps_its_name() -> None:
    assert shown_names({"made up": 0, "common": 5, "rare": 4}) == {
        "made up": "made up", "common": "common", "rare": "rare level 1",
    }  # fmt: skip


def test_a_number_on_an_edge_is_in_the_band_above_and_a_missing_one_in_none() -> None:
    numbers, bands = pd.Series([39.9, 40.0, np.nan, 70.0]), ((40.0, 60.0), ("<40", "40-59", "60+"))
    assert band_texts(numbers.to_numpy(), *bands).tolist() == ["<40", "40-59", "", "60+"]
    assert banded(numbers, *bands).tolist() == ["<40", "40-59", None, "60+"]
