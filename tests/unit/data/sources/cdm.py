"""A simulated OMOP database in DuckDB and in PostgreSQL, and a private PostgreSQL server for the time of the tests."""

import io
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

DIABETES, METFORMIN, INSULIN, STROKE, HBA1C = 201826, 1503297, 1596977, 443454, 3004410

TYPES = {
    "person": "person_id bigint, gender_concept_id integer, year_of_birth integer, month_of_birth integer,"
    " day_of_birth integer, race_concept_id integer, ethnicity_concept_id integer",
    "observation_period": "observation_period_id bigint, person_id bigint, observation_period_start_date date,"
    " observation_period_end_date date",
    "condition_occurrence": "condition_occurrence_id bigint, person_id bigint, condition_concept_id integer,"
    " condition_start_date date",
    "drug_exposure": "drug_exposure_id bigint, person_id bigint, drug_concept_id integer,"
    " drug_exposure_start_date date",
    "procedure_occurrence": "procedure_occurrence_id bigint, person_id bigint, procedure_concept_id integer,"
    " procedure_date date",
    "visit_occurrence": "visit_occurrence_id bigint, person_id bigint, visit_concept_id integer, visit_start_date date",
    "measurement": "measurement_id bigint, person_id bigint, measurement_concept_id integer, measurement_date date,"
    " value_as_number numeric, unit_concept_id integer",
    "death": "person_id bigint, death_date date",
    "cost": "cost_id bigint, cost_event_id bigint, cost_domain_id varchar(20), currency_concept_id integer,"
    " total_paid numeric",
    "concept": "concept_id integer, concept_name varchar(255)",
    "concept_ancestor": "ancestor_concept_id integer, descendant_concept_id integer",
}
"""The columns of the CDM that the queries need, with the types of its PostgreSQL scripts."""

DEFINITION = f"""
concept_sets:
  diabetes: [{DIABETES}]
  metformin: {{concepts: [{METFORMIN}]}}
  insulin: {{concepts: [{INSULIN}], descendants: false}}
  stroke: [{STROKE}]
  hba1c: [{HBA1C}]
index:
  event: {{condition: diabetes}}
  washout: 365
  from: 2012-01-01
  to: 2018-12-31
age: [18, 90]
exclude:
  earlier_stroke: {{condition: stroke, days: [-365, 0]}}
arms:
  metformin: {{drug: metformin, days: [0, 30]}}
  insulin: {{drug: insulin, days: [0, 30]}}
endpoints:
  stroke: {{condition: stroke, competing: death}}
  os: {{death: true}}
follow_up: 1825
costs:
  total: {{days: [0, 1825], of: [visit, drug]}}
covariates:
  conditions: {{days: [-365, -1], at_least: 20}}
  drugs: {{days: [-365, -1], at_least: 20}}
visits:
  hba1c: {{measurement: hba1c, at: [0, 182, 365], within: 45}}
"""
"""A cohort that uses every part of a definition."""


def simulated(n: int, seed: int = 1) -> dict[str, pd.DataFrame]:
    """Tables of a CDM with n persons: about half get diabetes, and of these most a drug soon after."""
    rng = np.random.default_rng(seed)
    person = np.arange(1, n + 1)
    start = pd.Timestamp("2008-01-01") + pd.to_timedelta(rng.integers(0, 1000, n), "D")
    end = start + pd.to_timedelta(rng.integers(1500, 4000, n), "D")
    onset = start + pd.to_timedelta(rng.integers(100, 3000, n), "D")
    ill, treated = rng.random(n) < 0.8, rng.random(n) < 0.9
    later = onset + pd.to_timedelta(rng.integers(0, 40, n), "D")
    dead = rng.random(n) < 0.15
    death = onset + pd.to_timedelta(rng.integers(10, 2500, n), "D")
    dead &= np.asarray(death <= end)
    other = rng.integers(0, n, 3 * n)

    def dated(rows: np.ndarray, days: np.ndarray) -> pd.Series:
        return pd.Series((start[rows] + pd.to_timedelta(days, "D")).to_numpy()).dt.date

    conditions = pd.DataFrame({
        "person_id": np.concatenate([person[ill], person[other]]),
        "condition_concept_id": np.concatenate([rng.choice([DIABETES, 201254], ill.sum()),
                                                rng.choice([STROKE, 317576, 432867, 0], 3 * n)]),
        "condition_start_date": np.concatenate([pd.Series(onset[ill]).dt.date,
                                                dated(other, rng.integers(0, 3500, 3 * n))]),
    })  # fmt: skip
    drugs = pd.DataFrame({
        "person_id": np.concatenate([person[ill & treated], person[other]]),
        "drug_concept_id": np.concatenate([rng.choice([METFORMIN, 1503298, INSULIN], (ill & treated).sum()),
                                           rng.choice([1112807, 1545958], 3 * n)]),
        "drug_exposure_start_date": np.concatenate([pd.Series(later[ill & treated]).dt.date,
                                                    dated(other, rng.integers(0, 3500, 3 * n))]),
    })  # fmt: skip
    visits = pd.DataFrame({"person_id": person[other], "visit_concept_id": 9201,
                           "visit_start_date": dated(other, rng.integers(0, 3500, 3 * n))})  # fmt: skip
    at = np.repeat(np.flatnonzero(ill), 4)
    measured_on = onset[at] + pd.to_timedelta(rng.integers(-60, 500, len(at)), "D")
    measured = pd.DataFrame({
        "person_id": person[at], "measurement_concept_id": HBA1C,
        "measurement_date": pd.Series(measured_on.to_numpy()).dt.date,
        "value_as_number": rng.normal(7.5, 1, len(at)).round(1), "unit_concept_id": 8554,
    })  # fmt: skip
    tables = {
        "person": pd.DataFrame({
            "person_id": person, "gender_concept_id": rng.choice([8507, 8532], n),
            "year_of_birth": rng.integers(1930, 1995, n), "month_of_birth": rng.integers(1, 13, n),
            "day_of_birth": rng.integers(1, 29, n), "race_concept_id": rng.choice([8527, 8516, 0], n),
            "ethnicity_concept_id": rng.choice([38003563, 38003564], n)}),
        "observation_period": pd.DataFrame({
            "observation_period_id": person, "person_id": person,
            "observation_period_start_date": pd.Series(start).dt.date,
            "observation_period_end_date": pd.Series(end).dt.date}),
        "condition_occurrence": _numbered(conditions), "drug_exposure": _numbered(drugs),
        "visit_occurrence": _numbered(visits), "measurement": _numbered(measured),
        "procedure_occurrence": _numbered(pd.DataFrame({"person_id": person[:5], "procedure_concept_id": 4000,
                                                        "procedure_date": pd.Series(start[:5]).dt.date})),
        "death": pd.DataFrame({"person_id": person[dead], "death_date": pd.Series(death[dead]).dt.date}),
        "concept": pd.DataFrame({
            "concept_id": [DIABETES, 201254, 317576, 432867, 1112807, 1545958, 8507, 8532, 8527],
            "concept_name": ["Type 2 diabetes", "Type 1 diabetes", "Coronary disease", "Hyperlipidemia", "Aspirin",
                             "Atorvastatin", "MALE", "FEMALE", "White"]}),
        "concept_ancestor": pd.DataFrame({"ancestor_concept_id": [DIABETES, DIABETES, METFORMIN],
                                          "descendant_concept_id": [DIABETES, 201254, 1503298]}),
    }  # fmt: skip
    of = {"Visit": "visit_occurrence", "Drug": "drug_exposure"}
    costs = [pd.DataFrame({"cost_event_id": tables[table][f"{table}_id"], "cost_domain_id": domain})
             for domain, table in of.items()]  # fmt: skip
    cost = pd.concat(costs, ignore_index=True)
    cost["currency_concept_id"], cost["total_paid"] = 44818668, rng.gamma(0.8, 400, len(cost)).round(2)
    return {**tables, "cost": _numbered(cost, "cost_id")}


def _numbered(frame: pd.DataFrame, name: str = "") -> pd.DataFrame:
    name = name or next(f"{table}_id" for table, text in TYPES.items() if f" {frame.columns[1]} " in text)
    return frame.assign(**{name: np.arange(1, len(frame) + 1)})


def in_duckdb(tables: dict[str, pd.DataFrame], path: Path) -> Path:
    """Write the tables into a DuckDB file."""
    with duckdb.connect(str(path)) as connection:
        for name, held in tables.items():
            connection.execute(f"CREATE TABLE {name} ({TYPES[name]})")
            connection.register("held", held)
            columns = ", ".join(held.columns)
            connection.execute(f"INSERT INTO {name} ({columns}) SELECT {columns} FROM held")
            connection.unregister("held")
    return path


def in_postgresql(tables: dict[str, pd.DataFrame], address: str, schema: str = "public") -> None:
    """Write the tables into a PostgreSQL database."""
    import psycopg

    with psycopg.connect(address) as connection:
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        for name, held in tables.items():
            connection.execute(f"CREATE TABLE {schema}.{name} ({TYPES[name]})")
            text = io.StringIO()
            held.to_csv(text, index=False, header=False)
            with connection.cursor().copy(
                f"COPY {schema}.{name} ({', '.join(held.columns)}) FROM STDIN WITH (FORMAT csv)"
            ) as copy:
                copy.write(text.getvalue())
        connection.execute("ANALYZE")


def _program(name: str) -> str | None:
    held = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(held[-1]) if held else shutil.which(name)


def missing() -> str:
    """Why no server can be started here; "" if one can."""
    try:
        import psycopg  # noqa: F401
    except ImportError:
        return "psycopg is not installed"
    return "" if _program("initdb") and _program("postgres") else "PostgreSQL's programs are not installed"


@contextmanager
def server() -> Iterator[str]:
    """Start a PostgreSQL server of its own on a private socket, and give the address of its superuser."""
    as_user: dict[str, object] = {}
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        user = next(one for one in ("postgres", "nobody") if one in {each.pw_name for each in pwd.getpwall()})
        held = pwd.getpwnam(user)
        os.chown(folder, held.pw_uid, held.pw_gid)
        as_user = {"user": held.pw_uid, "group": held.pw_gid, "extra_groups": []}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder, **as_user}
    try:
        made = [str(_program("initdb")), "-D", str(folder / "data"), "-U", "owner", "-A", "scram-sha-256", "--no-sync"]
        subprocess.run([*made, "--pwfile", str(_password_file(folder, as_user))], check=True, **quiet)
        running = subprocess.Popen([str(_program("postgres")), "-D", str(folder / "data"), "-k", str(folder),
                                    "-c", "listen_addresses=", "-c", "fsync=off"], **quiet)  # fmt: skip
        try:
            address = f"postgresql://owner:{PASSWORD}@/postgres?host={folder}"
            _wait(address)
            yield address
        finally:
            running.send_signal(2)  # a fast shutdown
            running.wait(30)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


PASSWORD = "Canary-password-7713"


def _password_file(folder: Path, as_user: dict[str, object]) -> Path:
    path = folder / "password"
    path.write_text(PASSWORD, encoding="utf-8")
    if as_user:
        os.chown(path, as_user["user"], as_user["group"])  # type: ignore[arg-type]
    return path


def _wait(address: str) -> None:
    import time

    import psycopg

    for _ in range(100):
        try:
            psycopg.connect(address, connect_timeout=2).close()
            return
        except psycopg.OperationalError:
            time.sleep(0.1)
    raise TimeoutError("the server did not start")
