"""A protocol names one source; a database is run and recorded without a credential in any file."""

from collections.abc import Callable
from pathlib import Path

import cdm
import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.core import errors
from heorsynth.protocol.file.source import DATABASE, read_origin
from heorsynth.protocol.file.spec import read_protocol
from heorsynth.protocol.lock import source_is_here, write_lock

TEXT = """heorsynth: 1
title: A cohort of a claims database
purpose: teaching
cohort:
  source:
    omop:
      path: cdm.duckdb
      cohort: diabetes.yaml
  arm_reference: metformin
  drop: [race, ethnicity, hba1c_0, hba1c_182, hba1c_365]
generator: {name: marginals, m: 2, most_cohorts: 2, seed: 1}
notebook: short.ipynb
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, short_notebook: Callable[[Path], str]) -> Path:
    folder = tmp_path_factory.mktemp("omop")
    short_notebook(folder)
    cdm.in_duckdb(cdm.simulated(900, seed=3), folder / "cdm.duckdb")
    (folder / "diabetes.yaml").write_text(cdm.DEFINITION, encoding="utf-8")
    (folder / "claims.yaml").write_text(TEXT, encoding="utf-8")
    return folder


def test_a_run_of_a_database_keeps_its_queries_and_its_attrition(place: Path, tmp_path: Path) -> None:
    write_lock(place / "claims.yaml", tmp_path)
    run = hs.run(place / "claims.yaml", out=tmp_path)
    assert "matches its lock" in run.evidence.notes[0]
    assert hs.verify(run.path, source=place).verified
    sql = (run.path / "source.sql").read_text(encoding="utf-8")
    attrition = pd.read_csv(run.path / "attrition.csv")
    assert "-- attrition" in sql and f"= {cdm.DIABETES}\n" in sql and "cdm.duckdb" not in sql
    assert attrition["persons"].iloc[0] == 900 and (attrition["persons"] % 5 == 0).all()
    assert attrition["persons"].is_monotonic_decreasing
    page = (run.path / "report.html").read_text(encoding="utf-8")
    assert "From the database to the cohort" in page and hs.figures.attrition(attrition).alt in page
    origin = read_origin(read_protocol(place / "claims.yaml"))
    assert origin.kind == DATABASE and not origin.public and len(origin.key) > 0
    assert origin.cohort.n - attrition["persons"].iloc[-1] in range(5)
    texts = (path.read_bytes() for path in run.path.rglob("*") if path.is_file())
    assert not any(str(place).encode() in text for text in texts)


def test_a_definition_may_stand_in_the_protocol_and_its_error_has_the_line_of_the_source(place: Path) -> None:
    inline = "\n".join(f"        {line}" for line in cdm.DEFINITION.strip().splitlines())
    path = place / "inline.yaml"
    path.write_text(TEXT.replace("cohort: diabetes.yaml", f"cohort:\n{inline}"), encoding="utf-8")
    assert read_origin(read_protocol(path)).cohort.n > 100
    path.write_text(path.read_text(encoding="utf-8").replace("washout:", "wash:"), encoding="utf-8")
    with pytest.raises(errors.FileError, match=r"(?s)line 6, cohort.source.omop: index.wash: unknown key.*'washout'"):
        read_origin(read_protocol(path))


@pytest.mark.parametrize(("old", "new", "told"), [
    ("path: cdm.duckdb", "url: postgresql://me:Canary-5512@host/x", "line 7, cohort.source.omop.url: holds a password"),
    ("path: cdm.duckdb", "pth: cdm.duckdb", "did you mean 'path'"),
    ("path: cdm.duckdb", "timeout: -1", "line 7, cohort.source.omop.timeout"),
])  # fmt: skip
def test_a_password_and_wrong_keys_are_refused_with_their_line(place: Path, old: str, new: str, told: str) -> None:
    path = place / "wrong.yaml"
    path.write_text(TEXT.replace(old, new), encoding="utf-8")
    with pytest.raises(errors.ProtocolError, match=told) as caught:
        read_protocol(path)
    assert "Canary" not in f"{caught.value}{caught.value.__context__}"


def test_a_database_that_is_not_here_can_still_be_locked(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = place / "server.yaml"
    path.write_text(TEXT.replace("path: cdm.duckdb", "url_variable: OMOP_URL"), encoding="utf-8")
    assert not source_is_here(read_protocol(path)) and source_is_here(read_protocol(place / "claims.yaml"))
    monkeypatch.delenv("OMOP_URL", raising=False)
    with pytest.raises(errors.FileError, match="the environment variable OMOP_URL is not set"):
        read_origin(read_protocol(path))
    monkeypatch.setenv("OMOP_URL", str(place / "cdm.duckdb"))
    assert read_origin(read_protocol(path)).cohort.n > 100
    twice, nowhere = TEXT.replace("    omop:\n", "    dataset: pbc\n    omop:\n"), TEXT.replace("diabetes", "nowhere")
    for text in (twice, nowhere):
        path.write_text(text, encoding="utf-8")
        with pytest.raises((errors.ProtocolError, errors.FileError), match=r"expected one source|cannot be read"):
            read_origin(read_protocol(path))
